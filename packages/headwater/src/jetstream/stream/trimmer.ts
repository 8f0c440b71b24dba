/** Keeps a stream within its limits: removes what is too many, too much or too old, a bounded slice a turn. */
import type { Timer } from '../../base/clock.ts'
import { timeToMs } from '../../base/time.ts'
import { MessageView } from '../../store/message-view.ts'
import { COLD, FOUND } from '../../store/stream-log.ts'
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
  #reading = false
  readonly #view = new MessageView()
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
    // A subject over its limit leaves at least so many messages more than there are subjects: else there is none to look for.
    const most = config.max_msgs_per_subject
    if (most > 0 && log.state.messages - log.state.subjects >= most) {
      for (const [subject, messages] of log.subjects()) {
        if (!overSubjectLimit(config, messages)) continue
        if (left <= 0) {
          this.#continue()
          return
        }
        left -= messages - most
        this.keepNewestOf(subject, most)
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
    if (this.#closed || config.max_age <= 0) return
    const firstMs = this.#firstTimeMs()
    if (firstMs === undefined) return
    const ms = untilTooOldMs(config, log.state.messages, firstMs, this.#env.clock.now())
    if (ms === undefined) return
    this.#ageTimer = this.#env.clock.after(Math.max(ms, AGE_STEP_MS), () => {
      this.#ageTimer = undefined
      this.#removeOld()
    })
  }

  #removeOld(): void {
    const { config, log } = this.#stream
    const now = this.#env.clock.now()
    for (let left = SLICE; left > 0; left--) {
      const firstMs = this.#firstTimeMs()
      if (firstMs === undefined) return
      const ms = untilTooOldMs(config, log.state.messages, firstMs, now)
      if (ms === undefined || ms > 0) break
      this.#removeFirst()
    }
    this.#armAge()
  }

  /**
   * The time of the oldest message, from the message itself: nothing is removed on a guess. Undefined when there is none, or
   * while it is read from disk; then its age is judged when it came.
   */
  #firstTimeMs(): number | undefined {
    const { log } = this.#stream
    const found = log.read(log.state.firstSeq, this.#view)
    if (found === FOUND) return timeToMs(this.#view.time())
    if (found === COLD && !this.#reading) {
      this.#reading = true
      const judge = (): void => {
        this.#reading = false
        if (!this.#closed) this.#removeOld()
      }
      // A message that cannot be read keeps those behind it: the log has said so, and a purge or a delete still works.
      log.load(log.state.firstSeq).then(judge, () => {
        this.#reading = false
      })
    }
    return undefined
  }

  #removeFirst(): void {
    this.#stream.remove(this.#stream.log.state.firstSeq)
  }
}
