/** Interest and work-queue retention: a message goes, in the frame of the ack, when no consumer that wants it needs it any more. */

import { MessageView } from '../../store/message-view.ts'
import { COLD, MISSING } from '../../store/stream-log.ts'
import type { Environment } from '../environment.ts'
import type { Stream } from './stream.ts'

/** Messages judged in one turn at most when a consumer left or a start must be checked. */
const SLICE = 2000

export class Interest {
  readonly #env: Environment
  readonly #stream: Stream
  readonly #view = new MessageView()
  /** Up to where each consumer's `settledThrough` was judged: acks of many at once must not start over each time. */
  readonly #through = new Map<string, number>()
  /** Raised to stop a recheck that is under way. */
  #round = 0

  constructor(env: Environment, stream: Stream) {
    this.#env = env
    this.#stream = stream
  }

  /** `consumer` settled `seq`. */
  settled(consumer: string, seq: number): void {
    const stream = this.#stream
    if (stream.retention === 'limits') return
    if (stream.retention === 'workqueue') {
      // Filters of a work queue's consumers are disjoint: nobody else may want it.
      stream.log.remove(seq)
      return
    }
    if (!this.#release(seq, consumer)) this.#releaseLater(seq, consumer)
  }

  /** `consumer` settled everything up to `seq`. */
  settledThrough(consumer: string, seq: number): void {
    const stream = this.#stream
    if (stream.retention === 'limits') return
    const { log } = stream
    const from = Math.max(log.state.firstSeq, (this.#through.get(consumer) ?? 0) + 1)
    this.#through.set(consumer, Math.max(seq, this.#through.get(consumer) ?? 0))
    for (let at = log.nextSeq(from); at !== 0 && at <= seq; at = log.nextSeq(at + 1)) {
      if (stream.retention === 'workqueue' && !this.#wantedBy(consumer, at)) continue
      if (!this.#release(at, consumer)) this.#releaseLater(at, consumer)
    }
  }

  /** A consumer left. The last one of an interest stream takes everything with it. */
  consumerRemoved(consumer: string): void {
    this.#through.delete(consumer)
    const stream = this.#stream
    if (stream.retention !== 'interest') return
    if (stream.consumerCount === 0) stream.purgeBelow(stream.log.state.lastSeq + 1)
    else this.recheck()
  }

  /** The stream began to keep only what interests someone. */
  begin(): void {
    if (this.#stream.consumerCount === 0) this.#stream.purgeBelow(this.#stream.log.state.lastSeq + 1)
  }

  /** Judges every message anew, in slices: after a consumer left, its filter or the stream's rules changed. */
  recheck(): void {
    this.#recheck(true)
  }

  /**
   * After a start: a removal that had to wait for a message to be read may have been lost. Looks only at what is in memory:
   * reading a whole stream at each start would cost more than the rare message that stays until a consumer changes.
   */
  recheckRecent(): void {
    this.#recheck(false)
  }

  close(): void {
    this.#round++
  }

  #recheck(loadCold: boolean): void {
    const round = ++this.#round
    if (this.#stream.retention !== 'interest' || this.#stream.consumerCount === 0) return
    void this.#recheckAll(round, loadCold)
  }

  async #recheckAll(round: number, loadCold: boolean): Promise<void> {
    const { log } = this.#stream
    let left = SLICE
    for (let seq = log.nextSeq(0); seq !== 0; seq = log.nextSeq(seq + 1)) {
      if (!this.#release(seq, undefined) && loadCold) {
        if (!(await this.#load(seq)) || round !== this.#round) return
        this.#release(seq, undefined)
      }
      if (--left > 0) continue
      left = SLICE
      await new Promise<void>((resolve) => this.#env.turn.atEnd(resolve))
      if (round !== this.#round) return
    }
  }

  /** Removes `seq` unless a consumer other than `settledBy` still needs it; false when only its subject, on disk, can tell. */
  #release(seq: number, settledBy: string | undefined): boolean {
    const { log, activeConsumers } = this.#stream
    let asked = false
    for (const consumer of activeConsumers) {
      if (consumer.name !== settledBy && consumer.needs(seq)) asked = true
    }
    if (asked) {
      // Somebody may need it, if it is on a subject that they want.
      const found = log.read(seq, this.#view)
      if (found === COLD) return false
      if (found === MISSING) return true
      const { subject } = this.#view
      for (const consumer of activeConsumers) {
        if (consumer.name !== settledBy && consumer.wants(subject) && consumer.needs(seq)) return true
      }
    }
    log.remove(seq)
    return true
  }

  #releaseLater(seq: number, settledBy: string): void {
    void this.#load(seq).then((loaded) => {
      if (loaded && !this.#stream.isClosed) this.#release(seq, settledBy)
    })
  }

  /** Brings a message into memory; one that cannot be read stays in the stream, and false is the answer. */
  async #load(seq: number): Promise<boolean> {
    try {
      await this.#stream.log.load(seq)
      return true
    } catch (error) {
      this.#env.log.error({ error, seq, stream: this.#stream.name }, 'a message could not be read; it stays')
      return false
    }
  }

  #wantedBy(consumer: string, seq: number): boolean {
    const hosted = this.#stream.consumer(consumer)
    const subject = this.#stream.subjectOf(seq)
    return hosted !== undefined && (subject === undefined || hosted.wants(subject))
  }
}
