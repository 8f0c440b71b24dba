/** Answers to acknowledgements that asked for one (double ack): they leave when the settle is readable, one waiter a turn. */
import type { Turn } from '../../base/clock.ts'
import type { StreamLog, Waiter } from '../../store/stream-log.ts'
import type { Bus } from '../bus.ts'

const NOTHING = new Uint8Array(0)

/** The answers of one turn: one frame makes all of their settles readable. */
class Batch implements Waiter {
  readonly #bus: Bus
  readonly replies: string[]
  sent = false

  constructor(bus: Bus, first: string) {
    this.#bus = bus
    this.replies = [first]
  }

  readable(): void {
    this.sent = true
    for (const reply of this.replies) this.#bus.reply(reply, NOTHING, 0, 0)
  }

  /** Whether the settle is on disk is not known: the client's own timeout says so. */
  failed(): void {
    this.sent = true
  }
}

export class AckReplies {
  readonly #bus: Bus
  readonly #log: StreamLog
  readonly #turn: Turn
  #batch: Batch | undefined

  constructor(bus: Bus, log: StreamLog, turn: Turn) {
    this.#bus = bus
    this.#log = log
    this.#turn = turn
  }

  /** Answers `reply` once everything appended so far is readable. The settle that it answers is recorded already. */
  add(reply: string): void {
    if (this.#batch && !this.#batch.sent) {
      this.#batch.replies.push(reply)
      return
    }
    const batch = new Batch(this.#bus, reply)
    this.#log.whenReadable(batch)
    if (batch.sent) return
    this.#batch = batch
    this.#turn.atEnd(() => {
      if (this.#batch === batch) this.#batch = undefined
    })
  }
}
