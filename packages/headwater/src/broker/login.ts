/** From the greeting to an accepted CONNECT: asks the authenticator, and gives up after a time. */
import type { Clock, Timer } from '../base/clock.ts'
import type { ConnectOptions } from '../protocol/connect-options.ts'
import type { Authenticator, Identity } from './auth/authenticator.ts'

/** Who is told how it went. */
export interface LoginOwner {
  accepted(identity: Identity): void
  refused(): void
  timedOut(): void
  /** The verdict takes time: nothing is read until `accepted` or `refused`. */
  waits(): void
}

export class Login {
  /** Whether the client may do more than CONNECT. */
  isDone: boolean
  readonly #authenticator: Authenticator | undefined
  readonly #owner: LoginOwner
  #timer: Timer | undefined

  constructor(authenticator: Authenticator | undefined, owner: LoginOwner) {
    this.#authenticator = authenticator
    this.#owner = owner
    this.isDone = authenticator === undefined
  }

  /** The greeting is out: the client has `timeoutMs` for its CONNECT, when one is needed at all. */
  start(clock: Clock, timeoutMs: number): void {
    if (!this.isDone) this.#timer = clock.after(timeoutMs, () => this.#owner.timedOut())
  }

  /** CONNECT came. Without an authenticator anybody is nobody in particular, whatever name was given. */
  check(options: ConnectOptions, remoteAddress: string): void {
    if (this.#authenticator === undefined) {
      this.#owner.accepted({ user: '' })
      return
    }
    this.isDone = false
    const verdict = this.#authenticator.authenticate({
      user: options.user,
      pass: options.pass,
      token: options.auth_token,
      nkey: options.nkey,
      jwt: options.jwt,
      sig: options.sig,
      name: options.name,
      remoteAddress,
    })
    if (!(verdict instanceof Promise)) {
      this.#judge(verdict)
      return
    }
    this.#owner.waits()
    // An authenticator that fails has not said yes.
    verdict.then(
      (identity) => this.#judge(identity),
      () => this.#judge(undefined),
    )
  }

  /** The connection is closing. */
  end(): void {
    this.#timer?.cancel()
  }

  #judge(identity: Identity | undefined): void {
    if (identity === undefined) {
      this.#owner.refused()
      return
    }
    this.#timer?.cancel()
    this.isDone = true
    this.#owner.accepted(identity)
  }
}
