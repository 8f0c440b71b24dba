/** Flushes every outbox that has something to write, once, when the turn's input is handled. */
import type { Turn } from '../base/clock.ts'
import { whenDry } from './arena.ts'
import type { Outbox } from './outbox.ts'

export class Flusher {
  readonly #turn: Turn
  #waiting: Outbox[] = []
  #isAsked = false
  readonly #atEnd = (): void => {
    this.#isAsked = false
    this.flush()
  }
  readonly #whenDry = (): void => this.flush()

  constructor(turn: Turn) {
    this.#turn = turn
    whenDry.add(this.#whenDry)
  }

  /** `outbox` has something to write. */
  add(outbox: Outbox): void {
    this.#waiting.push(outbox)
    if (this.#isAsked) return
    this.#isAsked = true
    this.#turn.atEnd(this.#atEnd)
  }

  /** Flushes now. */
  flush(): void {
    const waiting = this.#waiting
    if (waiting.length === 0) return
    this.#waiting = []
    for (const outbox of waiting) outbox.flush()
  }

  close(): void {
    this.flush()
    whenDry.delete(this.#whenDry)
  }
}
