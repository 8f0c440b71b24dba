/** Keeps a stream within its limits: removes what is too many, too much or too old, a bounded slice a turn. */
import type { Timer } from '../../base/clock.ts'
import { timeToMs } from '../../base/time.ts'
import type { Environment } from '../environment.ts'
import { overLimit, overSubjectLimit, untilTooOldMs } from './retention.ts'
import type { Stream } from './stream.ts'

/** Messages removed in one turn at most, so that one stream's trimming does not hold up the others. */
const SLICE = 5000
/** Messages that age a moment apart go together: a steady stream must not cost a timer a message. */
const AGE_STEP_MS = 10

export class Trimmer {
  readonly #env: Environment
  readonly #stream: Stream
  #ageTimer: Timer | undefined
  #continuing = false
  #closed = false

  constructor(env: Environment, stream: Stream) {
    this.#env = env
    this.#stream = stream
  }

  /** After an append. HOT: three comparisons when no limit is set. */
  appended(subject: string): void {
    const { config, log } = this.#stream
    if (config.max_msgs_per_subject > 0) this.keepNewestOf(subject, config.max_msgs_per_subject)
    if (config.max_msgs > 0 || config.max_bytes > 0) {
      let left = SLICE
      while (overLimit(config, log.state) && left-- > 0) this.#removeFirst()
    }
    if (config.max_age > 0 && this.#ageTimer === undefined) this.#armAge()
  }

  /** Removes the oldest messages of `subject` until `keep` are left. */
  keepNewestOf(subject: string, keep: number): void {
    const { log } = this.#stream
    for (;;) {
      const known = log.subject(subject)
      if (!known || known.messages <= keep) return
      log.remove(known.firstSeq)
      this.#stream.tellRemoved(known.firstSeq, subject)
    }
  }

  /** After a start or a change of limits: trims what is over them, the rest of a long work in later turns. */
  enforce(): void {
    const { config, log } = this.#stream
    let left = SLICE
    if (config.max_msgs_per_subject > 0) {
      for (const [subject, messages] of log.subjects()) {
        if (!overSubjectLimit(config, messages)) continue
        if (left <= 0) {
          this.#continue()
          return
        }
        left -= messages - config.max_msgs_per_subject
        this.keepNewestOf(subject, config.max_msgs_per_subject)
      }
    }
    while (overLimit(config, log.state)) {
      if (left-- <= 0) {
        this.#continue()
        return
      }
      this.#removeFirst()
    }
    this.#armAge()
  }

  close(): void {
    this.#closed = true
    this.#ageTimer?.cancel()
  }

  #continue(): void {
    if (this.#continuing) return
    this.#continuing = true
    this.#env.turn.atEnd(() => {
      this.#continuing = false
      if (!this.#closed) this.enforce()
    })
  }

  #armAge(): void {
    this.#ageTimer?.cancel()
    this.#ageTimer = undefined
    const { config, log } = this.#stream
    const ms = untilTooOldMs(config, log.state.messages, timeToMs(log.state.firstTime), this.#env.clock.now())
    if (ms === undefined || this.#closed) return
    this.#ageTimer = this.#env.clock.after(Math.max(ms, AGE_STEP_MS), () => {
      this.#ageTimer = undefined
      this.#removeOld()
    })
  }

  #removeOld(): void {
    const { config, log } = this.#stream
    const now = this.#env.clock.now()
    for (let left = SLICE; left > 0; left--) {
      const ms = untilTooOldMs(config, log.state.messages, timeToMs(log.state.firstTime), now)
      if (ms === undefined || ms > 0) break
      this.#removeFirst()
    }
    this.#armAge()
  }

  #removeFirst(): void {
    this.#stream.remove(this.#stream.log.state.firstSeq)
  }
}
