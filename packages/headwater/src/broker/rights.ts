/** What one connection may do: its user's permissions, and the answers to the requests that it got. */
import type { Clock } from '../base/clock.ts'
import type { PermissionSet } from './permissions.ts'
import { Responses } from './responses.ts'

export class Rights {
  readonly permissions: PermissionSet
  readonly #clock: Clock
  readonly #responses: Responses | undefined

  constructor(permissions: PermissionSet, clock: Clock) {
    this.permissions = permissions
    this.#clock = clock
    this.#responses = permissions.responses === undefined ? undefined : new Responses(permissions.responses)
  }

  /** Whether requests that are delivered must be told to `asked`. */
  get mayAnswer(): boolean {
    return this.#responses !== undefined
  }

  /** Whether a message on the wire subject may be published: as such, or as an answer (which is then used up). */
  mayPublish(subject: string): boolean {
    return this.permissions.mayPublish(subject) || this.#responses?.mayAnswer(subject, this.#clock.now()) === true
  }

  /** A request with this reply (wire text) was delivered. */
  asked(reply: string): void {
    this.#responses?.asked(reply, this.#clock.now())
  }
}
