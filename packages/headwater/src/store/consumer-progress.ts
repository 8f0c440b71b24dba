/**
 * A consumer's progress: what it was given, what is settled, what is pending. Pure: events in, state out.
 * Events carry absolute values, so that applying one twice, or to a state that is newer, changes nothing that matters.
 *
 * pending, held and exhausted are keyed by stream sequence. A sequence is in at most one of the three.
 *
 *   (not given) --delivered--> pending --settled------------> (settled)
 *                                 |----held------> held -------settled--> (settled)
 *                                 |                 '---------requeued--> pending
 *                                 '----exhausted-> exhausted --settled--> (settled)
 *
 * The ack floor stops below pending and held; exhausted messages (no dead letter wanted) let it pass.
 */
import { PendingTable } from './pending-table.ts'

/** A message that was delivered and not settled. */
export interface Pending {
  /** Of its first delivery: what the consumer's ack floor counts in. */
  firstConsumerSeq: number
  /** Of its latest delivery. */
  consumerSeq: number
  /** How often it was delivered so far. */
  deliveries: number
  /** When its ack_wait began, milliseconds of message time: its latest delivery, +WPI, or a nak's delay turned back. */
  deliveredAtMs: number
}

/** Why a message is held: its dead letter could not be written yet. */
export type HeldReason = 'max-deliver' | 'terminated'

/** A message that was given up and is not settled: its letter is still to be written. */
export interface Held {
  deliveries: number
  firstConsumerSeq: number
  /** Of its latest delivery. */
  consumerSeq: number
  reason: HeldReason
  detail: string
}

/** A place in a consumer: its own count of deliveries, and the stream's sequence. */
export interface SequencePair {
  consumerSeq: number
  streamSeq: number
}

/** One change. Numbers are absolute. Whoever takes an event reads it during the call: the object may be reused. */
export type ProgressEvent =
  /** Given to a client, or its time begun anew (same numbers, later atMs); `tracked` is false for ack policy none. */
  | { what: 'delivered'; streamSeq: number; consumerSeq: number; deliveries: number; atMs: number; tracked: boolean }
  /** Acknowledged, terminated, or gone from the stream: no longer pending, held nor exhausted. */
  | { what: 'settled'; streamSeq: number }
  /** Everything up to streamSeq settled at once (ack policy all). consumerSeq is the one acknowledged. */
  | { what: 'settled-through'; streamSeq: number; consumerSeq: number }
  /** Exhausted or terminated, and its dead letter cannot be written yet. */
  | { what: 'held'; streamSeq: number; reason: HeldReason; detail: string }
  /** Delivered as often as allowed, with no dead letter wanted: never delivered again, and not settled. */
  | { what: 'exhausted'; streamSeq: number }
  /** Given back for redelivery with a fresh count. */
  | { what: 'requeued'; streamSeq: number }
  /** Position and floors set outright; with `clear`, whatever is pending or held at or below the ack floor is dropped. */
  | { what: 'moved'; delivered: SequencePair; ackFloor: SequencePair; clear: boolean }

/** What a checkpoint keeps; JSON-safe. */
export interface ProgressSnapshot {
  delivered: [consumerSeq: number, streamSeq: number]
  ackFloor: [consumerSeq: number, streamSeq: number]
  pending: [
    streamSeq: number,
    consumerSeq: number,
    deliveries: number,
    deliveredAtMs: number,
    firstConsumerSeq: number,
  ][]
  held: [
    streamSeq: number,
    consumerSeq: number,
    deliveries: number,
    reason: HeldReason,
    detail: string,
    firstConsumerSeq: number,
  ][]
  exhausted: [streamSeq: number, deliveries: number][]
}

export class ConsumerProgress {
  /** The last delivery: consumer sequence and the highest stream sequence given out. */
  readonly delivered: SequencePair = { consumerSeq: 0, streamSeq: 0 }
  /** Everything up to here is settled. */
  readonly ackFloor: SequencePair = { consumerSeq: 0, streamSeq: 0 }
  readonly pending: PendingTable = new PendingTable()
  readonly held: Map<number, Held> = new Map()
  /** Stream sequence to number of deliveries. */
  readonly exhausted: Map<number, number> = new Map()

  /** The lowest pending sequence; 0 when nothing is pending. First deliveries ascend: it is the oldest one. */
  #lowest = 0
  /** False after an insertion below the highest pending one; then the lowest is searched, until pending empties. */
  #ascending = true
  #highest = 0
  #lowestHeld = 0

  /** Applies one event. O(1) amortised but for settled-through and moved, which cost what they drop. */
  apply(event: ProgressEvent): void {
    switch (event.what) {
      case 'delivered':
        this.#delivered(event.streamSeq, event.consumerSeq, event.deliveries, event.atMs, event.tracked)
        return
      case 'settled': {
        const seq = event.streamSeq
        if (this.#dropPending(seq) || this.#dropHeld(seq)) this.#raiseFloor()
        else this.exhausted.delete(seq)
        return
      }
      case 'settled-through': {
        const seq = event.streamSeq
        for (const key of this.pendingThrough(seq)) this.#dropPending(key)
        for (const key of this.held.keys()) if (key <= seq) this.#dropHeld(key)
        for (const key of this.exhausted.keys()) if (key <= seq) this.exhausted.delete(key)
        if (seq > this.ackFloor.streamSeq) {
          this.ackFloor.streamSeq = seq
          this.ackFloor.consumerSeq = Math.max(this.ackFloor.consumerSeq, event.consumerSeq)
        }
        this.#raiseFloor()
        return
      }
      case 'held': {
        const pending = this.pending.get(event.streamSeq)
        if (!pending) return
        this.#dropPending(event.streamSeq)
        this.#hold(event.streamSeq, {
          deliveries: pending.deliveries,
          firstConsumerSeq: pending.firstConsumerSeq,
          consumerSeq: pending.consumerSeq,
          reason: event.reason,
          detail: event.detail,
        })
        this.#raiseFloor()
        return
      }
      case 'exhausted': {
        const pending = this.pending.get(event.streamSeq)
        if (!pending) return
        this.exhausted.set(event.streamSeq, pending.deliveries)
        // The floor passes it with the next message that is settled, not before: nothing was acknowledged.
        this.#dropPending(event.streamSeq)
        return
      }
      case 'requeued': {
        const before = this.held.get(event.streamSeq) ?? this.pending.get(event.streamSeq)
        this.#dropHeld(event.streamSeq)
        this.#dropPending(event.streamSeq)
        this.exhausted.delete(event.streamSeq)
        const { consumerSeq, firstConsumerSeq } = before ?? {
          consumerSeq: this.delivered.consumerSeq,
          firstConsumerSeq: this.delivered.consumerSeq,
        }
        this.#insert(event.streamSeq, firstConsumerSeq, consumerSeq, 0, 0)
        return
      }
      case 'moved': {
        Object.assign(this.delivered, event.delivered)
        Object.assign(this.ackFloor, event.ackFloor)
        if (!event.clear) return
        const floor = event.ackFloor.streamSeq
        for (const key of this.pending.keys()) if (key <= floor) this.#dropPending(key)
        for (const key of this.held.keys()) if (key <= floor) this.#dropHeld(key)
        // The floor passes what was given up, which is still kept: only its own settling drops it.
        return
      }
    }
  }

  /** True while `seq` is unsettled, given out or not: an exhausted one still waits for a late ack, and interest keeps it (5.4). */
  needs(seq: number): boolean {
    if (seq > this.delivered.streamSeq) return true
    return this.pending.has(seq) || this.#isGivenUp(seq)
  }

  /** The pending sequences up to `seq`; costs what it finds, while first deliveries ascend. */
  pendingThrough(seq: number): number[] {
    return this.pending.keysThrough(seq, this.#ascending)
  }

  snapshot(): ProgressSnapshot {
    return {
      delivered: [this.delivered.consumerSeq, this.delivered.streamSeq],
      ackFloor: [this.ackFloor.consumerSeq, this.ackFloor.streamSeq],
      pending: this.pending
        .entries()
        .map(([seq, p]) => [seq, p.consumerSeq, p.deliveries, p.deliveredAtMs, p.firstConsumerSeq]),
      held: [...this.held].map(([seq, h]) => [
        seq,
        h.consumerSeq,
        h.deliveries,
        h.reason,
        h.detail,
        h.firstConsumerSeq,
      ]),
      exhausted: [...this.exhausted],
    }
  }

  static restore(from: ProgressSnapshot): ConsumerProgress {
    const progress = new ConsumerProgress()
    ;[progress.delivered.consumerSeq, progress.delivered.streamSeq] = from.delivered
    ;[progress.ackFloor.consumerSeq, progress.ackFloor.streamSeq] = from.ackFloor
    for (const [seq, consumerSeq, deliveries, deliveredAtMs, firstConsumerSeq] of from.pending) {
      progress.#insert(seq, firstConsumerSeq, consumerSeq, deliveries, deliveredAtMs)
    }
    for (const [seq, consumerSeq, deliveries, reason, detail, firstConsumerSeq] of from.held) {
      progress.#hold(seq, { firstConsumerSeq, consumerSeq, deliveries, reason, detail })
    }
    for (const [seq, deliveries] of from.exhausted) progress.exhausted.set(seq, deliveries)
    return progress
  }

  #delivered(seq: number, consumerSeq: number, deliveries: number, atMs: number, tracked: boolean): void {
    const given = this.delivered
    if (consumerSeq > given.consumerSeq) given.consumerSeq = consumerSeq
    if (seq > given.streamSeq) given.streamSeq = seq
    if (!tracked) {
      this.#raiseFloor()
      return
    }
    const entry = this.pending.find(seq)
    if (entry >= 0) this.pending.redelivered(entry, consumerSeq, deliveries, atMs)
    else if (seq > this.ackFloor.streamSeq && !this.#isGivenUp(seq)) {
      this.#insert(seq, consumerSeq, consumerSeq, deliveries, atMs)
    }
  }

  #isGivenUp(seq: number): boolean {
    return (this.held.size > 0 && this.held.has(seq)) || (this.exhausted.size > 0 && this.exhausted.has(seq))
  }

  #insert(seq: number, firstConsumerSeq: number, consumerSeq: number, deliveries: number, atMs: number): void {
    if (this.pending.size === 0) {
      this.#lowest = this.#highest = seq
      this.#ascending = true
    } else if (seq > this.#highest) {
      this.#highest = seq
    } else {
      this.#ascending = false
      if (seq < this.#lowest) this.#lowest = seq
    }
    this.pending.insert(seq, firstConsumerSeq, consumerSeq, deliveries, atMs)
  }

  #dropPending(seq: number): boolean {
    if (!this.pending.delete(seq)) return false
    if (seq === this.#lowest) this.#lowest = this.#nextLowest()
    return true
  }

  #nextLowest(): number {
    if (this.#ascending || this.pending.size === 0) return this.pending.oldest
    let lowest = Number.MAX_SAFE_INTEGER
    for (const seq of this.pending.keys()) if (seq < lowest) lowest = seq
    return lowest
  }

  #hold(seq: number, held: Held): void {
    this.held.set(seq, held)
    if (this.#lowestHeld === 0 || seq < this.#lowestHeld) this.#lowestHeld = seq
  }

  #dropHeld(seq: number): boolean {
    if (!this.held.delete(seq)) return false
    if (seq !== this.#lowestHeld) return true
    this.#lowestHeld = 0
    for (const key of this.held.keys()) if (this.#lowestHeld === 0 || key < this.#lowestHeld) this.#lowestHeld = key
    return true
  }

  /** The floor is just below the lowest unsettled sequence, or at the last delivery when nothing is unsettled. Never falls. */
  #raiseFloor(): void {
    const floor = this.ackFloor
    let streamSeq = this.delivered.streamSeq
    let consumerSeq = this.delivered.consumerSeq
    if (this.#lowest !== 0) {
      streamSeq = this.#lowest - 1
      consumerSeq = this.pending.firstConsumerSeqOf(this.#lowest) - 1
    }
    if (this.#lowestHeld !== 0 && this.#lowestHeld <= streamSeq) {
      streamSeq = this.#lowestHeld - 1
      consumerSeq = this.held.get(this.#lowestHeld)!.firstConsumerSeq - 1
    }
    if (streamSeq > floor.streamSeq) floor.streamSeq = streamSeq
    if (consumerSeq > floor.consumerSeq) floor.consumerSeq = consumerSeq
  }
}
