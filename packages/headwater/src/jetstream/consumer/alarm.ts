/** One timer for the soonest of many times: setting a later one costs nothing, so it can be set for every message. */
import type { Clock, Timer } from '../../base/clock.ts'

export class Alarm {
  readonly #clock: Clock
  readonly #ring: () => void
  #timer: Timer | undefined
  #atMs = Number.POSITIVE_INFINITY

  /** `ring` is called at or after a time that was set; it must look at what is due, and set the next time. */
  constructor(clock: Clock, ring: () => void) {
    this.#clock = clock
    this.#ring = ring
  }

  /** Rings at `atMs` of the clock at the latest. An earlier time that was set before stands. */
  set(atMs: number): void {
    if (atMs >= this.#atMs) return
    this.#timer?.cancel()
    this.#atMs = atMs
    this.#timer = this.#clock.after(Math.max(0, atMs - this.#clock.now()), () => {
      this.#timer = undefined
      this.#atMs = Number.POSITIVE_INFINITY
      this.#ring()
    })
  }

  cancel(): void {
    this.#timer?.cancel()
    this.#timer = undefined
    this.#atMs = Number.POSITIVE_INFINITY
  }
}
