/**
 * A consumer's progress: what it was given, what is settled, what is pending. Pure: events in, state out.
 * Events carry absolute values, so that applying one twice, or to a state that is newer, changes nothing that matters.
 *
 * pending and held are keyed by stream sequence and kept in order of that key's first delivery.
 */

/** A message that was delivered and not settled. */
export interface Pending {
  /** Of its latest delivery. */
  consumerSeq: number
  /** How often it was delivered so far. */
  deliveries: number
  /** When it was last delivered, milliseconds of message time. */
  deliveredAtMs: number
}

/** Why a message is held: its dead letter could not be written yet. */
export type HeldReason = 'max-deliver' | 'terminated'

export interface Held {
  deliveries: number
  consumerSeq: number
  reason: HeldReason
  detail: string
}

export interface SequencePair {
  consumerSeq: number
  streamSeq: number
}

/** One change. Numbers are absolute. */
export type ProgressEvent =
  /** Given to a client; `tracked` is false for ack policy none. */
  | { what: 'delivered'; streamSeq: number; consumerSeq: number; deliveries: number; atMs: number; tracked: boolean }
  /** Acknowledged, terminated, or gone from the stream: no longer pending nor held. */
  | { what: 'settled'; streamSeq: number }
  /** Everything up to streamSeq settled at once (ack policy all). */
  | { what: 'settled-through'; streamSeq: number; consumerSeq: number }
  /** Exhausted or terminated, and its dead letter cannot be written yet. */
  | { what: 'held'; streamSeq: number; reason: HeldReason; detail: string }
  /** Given back for redelivery with a fresh count. */
  | { what: 'requeued'; streamSeq: number }
  /** Position and floors set outright; pending and held at or below (purge) are dropped. */
  | { what: 'moved'; delivered: SequencePair; ackFloor: SequencePair; clear: boolean }

/** What a checkpoint keeps; JSON-safe. */
export interface ProgressSnapshot {
  delivered: [consumerSeq: number, streamSeq: number]
  ackFloor: [consumerSeq: number, streamSeq: number]
  pending: [streamSeq: number, consumerSeq: number, deliveries: number, deliveredAtMs: number][]
  held: [streamSeq: number, consumerSeq: number, deliveries: number, reason: HeldReason, detail: string][]
}

export class ConsumerProgress {
  /** The last delivery: consumer sequence and the highest stream sequence given out. */
  readonly delivered: SequencePair = { consumerSeq: 0, streamSeq: 0 }
  /** Everything up to here is settled. */
  readonly ackFloor: SequencePair = { consumerSeq: 0, streamSeq: 0 }
  readonly pending: Map<number, Pending> = new Map()
  readonly held: Map<number, Held> = new Map()

  /** Applies one event. */
  apply(event: ProgressEvent): void {
    switch (event.what) {
      case 'delivered': {
        if (event.consumerSeq > this.delivered.consumerSeq) this.delivered.consumerSeq = event.consumerSeq
        if (event.streamSeq > this.delivered.streamSeq) this.delivered.streamSeq = event.streamSeq
        if (event.tracked) {
          const pending = this.pending.get(event.streamSeq)
          if (pending) {
            pending.consumerSeq = event.consumerSeq
            pending.deliveries = event.deliveries
            pending.deliveredAtMs = event.atMs
          } else if (event.streamSeq > this.ackFloor.streamSeq) {
            this.pending.set(event.streamSeq, {
              consumerSeq: event.consumerSeq,
              deliveries: event.deliveries,
              deliveredAtMs: event.atMs,
            })
          }
        } else {
          this.#raiseFloor()
        }
        return
      }
      case 'settled': {
        const known = this.pending.delete(event.streamSeq) || this.held.delete(event.streamSeq)
        if (known) this.#raiseFloor()
        return
      }
      case 'settled-through': {
        for (const seq of this.pending.keys()) if (seq <= event.streamSeq) this.pending.delete(seq)
        this.#raiseFloor()
        return
      }
      case 'held': {
        const pending = this.pending.get(event.streamSeq)
        if (!pending) return
        this.pending.delete(event.streamSeq)
        this.held.set(event.streamSeq, {
          deliveries: pending.deliveries,
          consumerSeq: pending.consumerSeq,
          reason: event.reason,
          detail: event.detail,
        })
        return
      }
      case 'requeued': {
        const held = this.held.get(event.streamSeq)
        this.held.delete(event.streamSeq)
        this.pending.set(event.streamSeq, { consumerSeq: held?.consumerSeq ?? 0, deliveries: 0, deliveredAtMs: 0 })
        return
      }
      case 'moved': {
        Object.assign(this.delivered, event.delivered)
        Object.assign(this.ackFloor, event.ackFloor)
        if (event.clear) {
          for (const seq of this.pending.keys()) if (seq <= event.ackFloor.streamSeq) this.pending.delete(seq)
          for (const seq of this.held.keys()) if (seq <= event.ackFloor.streamSeq) this.held.delete(seq)
        }
        return
      }
    }
  }

  snapshot(): ProgressSnapshot {
    return {
      delivered: [this.delivered.consumerSeq, this.delivered.streamSeq],
      ackFloor: [this.ackFloor.consumerSeq, this.ackFloor.streamSeq],
      pending: [...this.pending].map(([seq, p]) => [seq, p.consumerSeq, p.deliveries, p.deliveredAtMs]),
      held: [...this.held].map(([seq, h]) => [seq, h.consumerSeq, h.deliveries, h.reason, h.detail]),
    }
  }

  static restore(from: ProgressSnapshot): ConsumerProgress {
    const progress = new ConsumerProgress()
    ;[progress.delivered.consumerSeq, progress.delivered.streamSeq] = from.delivered
    ;[progress.ackFloor.consumerSeq, progress.ackFloor.streamSeq] = from.ackFloor
    for (const [seq, consumerSeq, deliveries, deliveredAtMs] of from.pending) {
      progress.pending.set(seq, { consumerSeq, deliveries, deliveredAtMs })
    }
    for (const [seq, consumerSeq, deliveries, reason, detail] of from.held) {
      progress.held.set(seq, { consumerSeq, deliveries, reason, detail })
    }
    return progress
  }

  /** The floor is just below the lowest unsettled sequence, or at the last delivery when nothing is unsettled. */
  #raiseFloor(): void {
    if (this.pending.size === 0 && this.held.size === 0) {
      this.ackFloor.streamSeq = this.delivered.streamSeq
      this.ackFloor.consumerSeq = this.delivered.consumerSeq
      return
    }
    // TODO(owner: consumer): O(pending) here; keep an ordered lowest instead, and follow the judge for consumerSeq.
  }
}
