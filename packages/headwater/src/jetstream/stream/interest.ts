/** Interest and work-queue retention: a message goes, in the frame of the ack, when no consumer that wants it needs it any more. */
import type { Environment } from '../environment.ts'
import type { Stream } from './stream.ts'

/** Messages judged in one turn at most when a consumer left or a start must be checked. */
const SLICE = 2000

export class Interest {
  readonly #env: Environment
  readonly #stream: Stream
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
      if (stream.retention === 'workqueue' && !this.#wantedBy(consumer, at)) continue
      this.#release(at, consumer)
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

  /** Judges every message anew, in slices: after a start, after a consumer left, its filter or the stream's rules changed. */
  recheck(): void {
    const round = ++this.#round
    if (this.#stream.retention !== 'interest' || this.#stream.consumerCount === 0) return
    this.#recheckFrom(0, round)
  }

  close(): void {
    this.#round++
  }

  #recheckFrom(from: number, round: number): void {
    if (round !== this.#round) return
    const { log } = this.#stream
    let seq = log.nextSeq(from)
    for (let left = SLICE; seq !== 0 && left > 0; left--) {
      this.#release(seq, undefined)
      seq = log.nextSeq(seq + 1)
    }
    if (seq !== 0) this.#env.turn.atEnd(() => this.#recheckFrom(seq, round))
  }

  /** Removes `seq` unless a consumer other than `settledBy` wants and needs it. */
  #release(seq: number, settledBy: string | undefined): void {
    const { log, activeConsumers } = this.#stream
    let subject: string | undefined
    for (const consumer of activeConsumers) {
      if (consumer.name === settledBy || !consumer.needs(seq)) continue
      subject ??= log.subjectAt(seq)
      if (consumer.wants(subject)) return
    }
    log.remove(seq)
  }

  #wantedBy(consumer: string, seq: number): boolean {
    return this.#stream.consumer(consumer)?.wants(this.#stream.log.subjectAt(seq)) === true
  }
}
