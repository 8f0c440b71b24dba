/** The clock of a simulated disk in a real process: its delays keep their order and cost no time; each turn completes one. */
import type { Clock, Timer, Turn } from '../../base/clock.ts'
import { VirtualClock } from '../../base/testing/virtual-clock.ts'

export class PumpedClock implements Clock {
  readonly #virtual = new VirtualClock()
  readonly #turn: Turn
  #isPumping = false

  constructor(turn: Turn) {
    this.#turn = turn
  }

  /** Operations that have not taken effect. */
  get pending(): number {
    return this.#virtual.pending
  }

  now(): number {
    return this.#virtual.now()
  }

  after(ms: number, fire: () => void): Timer {
    const timer = this.#virtual.after(ms, fire)
    this.#pump()
    return timer
  }

  #pump(): void {
    if (this.#isPumping) return
    this.#isPumping = true
    this.#turn.atEnd(() => {
      this.#isPumping = false
      if (this.#virtual.fireNext() && this.#virtual.pending > 0) this.#pump()
    })
  }
}
