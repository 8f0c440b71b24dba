/** Answers to acknowledgements that asked for one (double ack): they leave when the settle is readable, one waiter a turn. */
import type { Turn } from '../../base/clock.ts'
import type { StreamLog, Waiter } from '../../store/stream-log.ts'
import type { Bus } from '../bus.ts'

const NOTHING = new Uint8Array(0)

/** The answers of one turn: one frame makes all of their settles readable. */
class Batch implements Waiter {
  readonly #bus: Bus
  readonly replies: string[]

  constructor(bus: Bus, first: string) {
    this.#bus = bus
    this.replies = [first]
  }

  readable(): void {
    for (const reply of this.replies) this.#bus.reply(reply, NOTHING, 0, 0)
  }

  /** Whether the settle is on disk is not known: the client's own timeout says so. */
  failed(): void {}
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

  /**
   * Answers `reply` once everything appended in this turn is readable. The waiter is placed at the end of the turn: one that
   * is placed with the first answer may hang on the frame in flight, when that answer's settle was recorded long ago, and
   * would speak for settles of this turn that are not in that frame.
   */
  add(reply: string): void {
    if (this.#batch) {
      this.#batch.replies.push(reply)
      return
    }
    const batch = new Batch(this.#bus, reply)
    this.#batch = batch
    this.#turn.atEnd(() => {
      this.#batch = undefined
      this.#log.whenReadable(batch)
    })
  }
}
