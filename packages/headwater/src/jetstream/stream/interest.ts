/** Interest and work-queue retention: a message goes, in the frame of the ack, when no consumer that wants it needs it any more. */

import { MessageView } from '../../store/message-view.ts'
import { COLD, FOUND } from '../../store/stream-log.ts'
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
    this.#release(seq, consumer)
  }

  /** `consumer` settled everything up to `seq`. */
  settledThrough(consumer: string, seq: number): void {
    const stream = this.#stream
    if (stream.retention === 'limits') return
    const { log } = stream
    const from = Math.max(log.state.firstSeq, (this.#through.get(consumer) ?? 0) + 1)
    this.#through.set(consumer, Math.max(seq, this.#through.get(consumer) ?? 0))
    for (let at = log.nextSeq(from); at !== 0 && at <= seq; at = log.nextSeq(at + 1)) {
      if (stream.retention === 'interest' || this.#wantedBy(consumer, at)) this.#release(at, consumer)
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

  /** Judges every message anew, in slices: after a consumer left, its filter changed, or a start. */
  recheck(): void {
    const round = ++this.#round
    if (this.#stream.retention !== 'interest' || this.#stream.consumerCount === 0) return
    this.#recheckFrom(this.#stream.log.state.firstSeq, round)
  }

  close(): void {
    this.#round++
  }

  #recheckFrom(from: number, round: number): void {
    if (round !== this.#round) return
    const { log } = this.#stream
    let seq = log.nextSeq(from)
    for (let left = SLICE; seq !== 0 && left > 0; left--) {
      const next = log.nextSeq(seq + 1)
      this.#release(seq, undefined)
      seq = next
    }
    if (seq !== 0) this.#env.turn.atEnd(() => this.#recheckFrom(seq, round))
  }

  /** Removes `seq` unless a consumer other than `settledBy` still needs it. */
  #release(seq: number, settledBy: string | undefined): void {
    const { log, activeConsumers } = this.#stream
    let asked = false
    for (const consumer of activeConsumers) {
      if (consumer.name !== settledBy && consumer.needs(seq)) asked = true
    }
    if (!asked) {
      log.remove(seq)
      return
    }
    // Somebody may need it, if it is on a subject that they want.
    const found = log.read(seq, this.#view)
    if (found === FOUND) {
      const { subject } = this.#view
      for (const consumer of activeConsumers) {
        if (consumer.name !== settledBy && consumer.wants(subject) && consumer.needs(seq)) return
      }
      log.remove(seq)
    } else if (found === COLD) {
      const round = this.#round
      log.load(seq).then(
        () => {
          if (round === this.#round && !this.#stream.isClosed) this.#release(seq, settledBy)
        },
        (error: unknown) => {
          this.#env.log.error({ error, seq, stream: this.#stream.name }, 'a message could not be read; it stays')
        },
      )
    }
  }

  #wantedBy(consumer: string, seq: number): boolean {
    const hosted = this.#stream.consumer(consumer)
    const subject = this.#stream.subjectOf(seq)
    return hosted !== undefined && (subject === undefined || hosted.wants(subject))
  }
}
