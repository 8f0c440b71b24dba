/**
 * First deliveries are sent before their record is on disk; this bounds how many. So after an unclean stop only the next
 * so many messages may have been delivered without a trace, and only those are counted as delivered once
 * (design: Deliveries are counted). Beyond the bound a delivery waits for its record.
 */
import type { LogFilter, StreamLog, Waiter } from '../../store/stream-log.ts'

const WINDOW_MIN = 1000
const WINDOW_MAX = 10_000

/**
 * How many deliveries of a consumer may be without a record: as many as may be unsettled, within bounds. Acknowledgements
 * make room before they are recorded, so max_ack_pending alone would be no bound.
 */
export function unrecordedMax(maxAckPending: number): number {
  return Math.min(WINDOW_MAX, Math.max(WINDOW_MIN, maxAckPending))
}

/** The last sequence that may have been delivered unrecorded, after an unclean stop at `deliveredSeq`. */
export function suspectThrough(
  log: StreamLog,
  filter: LogFilter | undefined,
  deliveredSeq: number,
  maxAckPending: number,
): number {
  let seq = deliveredSeq
  for (let left = unrecordedMax(maxAckPending); left > 0; left--) {
    const next = log.nextSeq(seq + 1, filter)
    if (next === 0) return log.state.lastSeq
    seq = next
  }
  return seq
}

export class Unrecorded implements Waiter {
  readonly #log: StreamLog
  #max: number
  #count = 0
  /** Of those, how many are on disk when `readable` comes; 0: not asked. */
  #asked = 0
  #failed = false

  constructor(log: StreamLog, maxAckPending: number) {
    this.#log = log
    this.#max = unrecordedMax(maxAckPending)
  }

  /** Another max_ack_pending. A wider one counts from the next start on: the former may still be the recorded one. */
  limit(maxAckPending: number): void {
    this.#max = Math.min(this.#max, unrecordedMax(maxAckPending))
  }

  /** True when the next delivery must wait for its record. */
  get isFull(): boolean {
    return this.#count >= this.#max
  }

  /** True when nothing can be delivered any more: it is full, and the store has failed. */
  get isStopped(): boolean {
    return this.#failed && this.isFull
  }

  /** A delivery was recorded in the open frame, and is sent. At half of the bound the frame is asked to leave. */
  sent(): void {
    this.#count++
    if (this.#asked > 0 || this.#count * 2 < this.#max) return
    this.#asked = this.#count
    this.#log.whenReadable(this)
  }

  readable(): void {
    this.#count -= this.#asked
    this.#asked = 0
  }

  /** Nothing is recorded any more: it stays as full as it is. */
  failed(): void {
    this.#failed = true
  }
}
