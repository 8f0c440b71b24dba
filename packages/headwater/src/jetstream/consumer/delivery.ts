/**
 * HOT: which message comes next, and how many are left. Runs once per message delivered.
 *
 * It looks at messages up to `readableSeq` only, and counts on appended state: `numPending` is kept by difference, never
 * counted again while things go their usual way.
 */
import type { LogFilter, StreamLog } from '../../store/stream-log.ts'

export class Delivery {
  readonly #log: StreamLog
  #filter: LogFilter | undefined
  /** The next sequence to look at: everything below was delivered, or does not concern this consumer. */
  #next: number
  /** deliver last_per_subject: what of the snapshot is left to deliver, ascending; then everything above `#snapshotSeq`. */
  #snapshot: number[] = []
  /** What of `#snapshot` is done: a million keys are not moved for each delivery. */
  #snapshotAt = 0
  #snapshotSeq = 0
  #pending = 0
  /** `#pending` covers sequences up to here. */
  #countedSeq = 0

  /** `nextSeq` is where it goes on. */
  constructor(log: StreamLog, filters: readonly string[], nextSeq: number) {
    this.#log = log
    this.#filter = filters.length > 0 ? log.filter(filters) : undefined
    this.#next = nextSeq
    this.recount()
  }

  /** Starts with the last message of each subject as of `upToSeq`, those at or above the position. */
  startWithLastPerSubject(upToSeq: number): void {
    this.#snapshot = this.#log.lastPerSubject(this.#filter, upToSeq).filter((seq) => seq >= this.#next)
    this.#snapshotAt = 0
    this.#snapshotSeq = upToSeq
    this.#leaveSnapshot()
    this.recount()
  }

  /** Everything below was delivered or passed over. */
  get nextSeq(): number {
    return this.#next
  }

  /** Messages that match and were not delivered, on appended state. */
  get numPending(): number {
    const { lastSeq } = this.#log.state
    if (lastSeq > this.#countedSeq) {
      // Everything above the position counts: what lies between is all new.
      this.#pending += this.#log.countFrom(Math.max(this.#countedSeq + 1, this.#next), this.#filter)
      this.#countedSeq = lastSeq
    }
    return this.#pending
  }

  /** Counts from scratch: after a purge, or when the filters changed. */
  recount(): void {
    const from = Math.max(this.#next, this.#snapshotSeq + 1)
    this.#pending = this.#snapshotLeft + this.#log.countFrom(from, this.#filter)
    this.#countedSeq = this.#log.state.lastSeq
  }

  /** The next message that may be delivered; 0 when there is none now. */
  peek(): number {
    if (this.#snapshotLeft > 0) {
      const first = this.#snapshot[this.#snapshotAt]
      return first <= this.#log.readableSeq ? first : 0
    }
    if (this.#next > this.#log.state.lastSeq) return 0
    const seq = this.#log.nextSeq(this.#next, this.#filter)
    // Remember how far was looked, so that a filter which rarely matches does not search the same messages again.
    this.#next = seq === 0 ? this.#log.state.lastSeq + 1 : seq
    return seq !== 0 && seq <= this.#log.readableSeq ? seq : 0
  }

  /** The message that peek() gave is delivered, or skipped. */
  take(seq: number): void {
    // Reading the count first brings it up to date, so that this one is in it.
    const pending = this.numPending
    if (pending > 0) this.#pending = pending - 1
    this.#next = seq + 1
    if (this.#snapshotLeft > 0 && this.#snapshot[this.#snapshotAt] === seq) {
      this.#snapshotAt++
      this.#leaveSnapshot()
    }
  }

  /** `seq` left the stream. */
  removed(seq: number, subject: string): void {
    if (seq < this.#next || seq > this.#countedSeq) return
    if (this.#snapshotLeft > 0 && seq <= this.#snapshotSeq) {
      const at = this.#placeInSnapshot(seq)
      if (this.#snapshot[at] !== seq) return
      this.#snapshot.splice(at, 1)
      this.#leaveSnapshot()
    } else if (this.#filter && !this.#filter.matches(subject)) {
      return
    }
    if (this.#pending > 0) this.#pending--
  }

  /** Everything below `seq` left the stream. */
  removedBelow(seq: number): void {
    if (this.#snapshotLeft > 0) this.#snapshotAt = Math.max(this.#snapshotAt, this.#placeInSnapshot(seq))
    if (this.#next < seq) this.#next = seq
    this.#leaveSnapshot()
    this.recount()
  }

  /** Other filters from here on; the position stays. */
  refilter(filters: readonly string[]): void {
    this.#filter?.close()
    this.#filter = filters.length > 0 ? this.#log.filter(filters) : undefined
    this.recount()
  }

  matches(subject: string): boolean {
    return this.#filter === undefined || this.#filter.matches(subject)
  }

  close(): void {
    this.#filter?.close()
  }

  get #snapshotLeft(): number {
    return this.#snapshot.length - this.#snapshotAt
  }

  /** Once the snapshot is through, it goes on behind it. */
  #leaveSnapshot(): void {
    if (this.#snapshotLeft > 0) return
    this.#snapshot = []
    this.#snapshotAt = 0
    if (this.#next <= this.#snapshotSeq) this.#next = this.#snapshotSeq + 1
  }

  /** The first place of the snapshot whose sequence is not below `seq`. */
  #placeInSnapshot(seq: number): number {
    let low = this.#snapshotAt
    let high = this.#snapshot.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#snapshot[middle] < seq) low = middle + 1
      else high = middle
    }
    return low
  }
}
