/** Replay policy original: messages that lay in the stream when it began are delivered with the gaps that they were stored with. */
import type { Clock } from '../../base/clock.ts'
import type { MessageView } from '../../store/message-view.ts'
import { Alarm } from './alarm.ts'

export class ReplayPace {
  readonly #clock: Clock
  readonly #alarm: Alarm
  /** Paced up to here; 0: not at all. */
  readonly #untilSeq: number
  #lastStoredMs = 0
  #lastSentMs = 0
  #sentSeq = 0

  constructor(clock: Clock, untilSeq: number, go: () => void) {
    this.#clock = clock
    this.#untilSeq = untilSeq
    this.#alarm = new Alarm(clock, go)
  }

  /** Whether the message may be delivered now; otherwise `go` is called when it may. */
  allows(view: MessageView): boolean {
    if (view.seq > this.#untilSeq) return true
    const storedMs = view.seconds * 1000 + view.nanos / 1e6
    const nowMs = this.#clock.now()
    if (this.#lastSentMs > 0 && view.seq !== this.#sentSeq) {
      const atMs = this.#lastSentMs + (storedMs - this.#lastStoredMs)
      // As nats-server: gaps of a millisecond and less are none.
      if (nowMs < atMs - 1) {
        this.#alarm.set(atMs)
        return false
      }
    }
    this.#sentSeq = view.seq
    this.#lastStoredMs = storedMs
    this.#lastSentMs = nowMs
    return true
  }

  close(): void {
    this.#alarm.cancel()
  }
}
