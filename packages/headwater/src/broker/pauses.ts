/**
 * When a connection is not read from: its messages come faster than somebody can take them.
 *
 *   stalled   a receiver's outbox is over its bound: until that is relieved, and for `stallMs` at most per read
 *   held      a handler in the server asked for it: until it says so
 *   waiting   CONNECT waits for a verdict
 *
 * Without the bound on a stall, one dead subscriber would stop its publishers, and two clients that only write would stop each other.
 */
import type { Clock, Timer } from '../base/clock.ts'

export class Pauses {
  isHeld = false
  isWaiting = false
  readonly #clock: Clock
  readonly #stallMs: number
  readonly #resume: () => void
  #stall: Timer | undefined
  /** Whether the transport was told to stop. */
  #isStopped = false
  /** Publishers that are stalled on this connection. */
  readonly #stalled = new Set<Pauses>()
  readonly #unstall = (): void => {
    this.#stall?.cancel()
    this.#stall = undefined
    this.goOn()
  }

  /** `resume` makes the transport read again. */
  constructor(options: { clock: Clock; stallMs: number; resume: () => void }) {
    this.#clock = options.clock
    this.#stallMs = options.stallMs
    this.#resume = options.resume
  }

  /** `receiver` cannot keep up with what this connection publishes. */
  stallOn(receiver: Pauses): void {
    if (this.#stall !== undefined) return
    this.#stall = this.#clock.after(this.#stallMs, this.#unstall)
    receiver.#stalled.add(this)
  }

  /** This connection can take more again. */
  relieved(): void {
    for (const publisher of this.#stalled) publisher.#unstall()
    this.#stalled.clear()
  }

  /** Asked at the end of a read: whether the transport must stop reading. */
  stops(): boolean {
    this.#isStopped = this.#stall !== undefined || this.isHeld || this.isWaiting
    return this.#isStopped
  }

  /** Reads on, unless there is another reason not to. */
  goOn(): void {
    if (this.#isStopped && !this.stops()) this.#resume()
  }

  /** The connection is closing: no reason counts any more. */
  end(): void {
    this.isHeld = this.isWaiting = false
    this.#unstall()
  }
}
