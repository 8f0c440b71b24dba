/**
 * What a consumer has delivered and not settled, by stream sequence: columns of numbers, no object per message.
 *
 * HOT: one insert per delivery and one delete per ack, O(1) both, and nothing is allocated once the columns have grown
 * (pending-table.bench.ts). 56 bytes an entry.
 *
 *   heads[seq & mask] -> entry -> entry ...     chains by `#chain`; sequences that follow each other never share one
 *   oldest <-> ... <-> newest                   all entries in the order in which they were inserted
 */
import type { Pending } from './consumer-progress.ts'

const NONE = -1
const FIRST_SIZE = 16

export class PendingTable {
  size = 0
  #heads = new Int32Array(FIRST_SIZE).fill(NONE)
  #chain = new Int32Array(FIRST_SIZE)
  #before = new Int32Array(FIRST_SIZE)
  #after = new Int32Array(FIRST_SIZE)
  #oldest = NONE
  #newest = NONE
  /** Free entries are chained by `#chain`; those from `#used` on were never taken. */
  #free = NONE
  #used = 0
  #seqs = new Float64Array(FIRST_SIZE)
  #consumerSeqs = new Float64Array(FIRST_SIZE)
  #firstConsumerSeqs = new Float64Array(FIRST_SIZE)
  #times = new Float64Array(FIRST_SIZE)
  #deliveries = new Float64Array(FIRST_SIZE)

  /** The entry of `seq`, for the readers below; -1 when it is not there. Valid until the table changes. */
  find(seq: number): number {
    let entry = this.#heads[this.#slot(seq)]
    while (entry !== NONE && this.#seqs[entry] !== seq) entry = this.#chain[entry]
    return entry
  }

  has(seq: number): boolean {
    return this.find(seq) !== NONE
  }

  /** A copy of what is known of `seq`; undefined when it is not there. */
  get(seq: number): Pending | undefined {
    const entry = this.find(seq)
    return entry === NONE ? undefined : this.#copy(entry)
  }

  /** When the ack_wait of an entry began, milliseconds of message time. */
  timeOf(entry: number): number {
    return this.#times[entry]
  }

  /** The deliveries of an entry. */
  countOf(entry: number): number {
    return this.#deliveries[entry]
  }

  /** Its deliveries so far; 0 when it is not there. */
  deliveriesOf(seq: number): number {
    const entry = this.find(seq)
    return entry === NONE ? 0 : this.#deliveries[entry]
  }

  /** The consumer sequence of its latest delivery; 0 when it is not there. */
  consumerSeqOf(seq: number): number {
    const entry = this.find(seq)
    return entry === NONE ? 0 : this.#consumerSeqs[entry]
  }

  /** The consumer sequence of its first delivery; 0 when it is not there. */
  firstConsumerSeqOf(seq: number): number {
    const entry = this.find(seq)
    return entry === NONE ? 0 : this.#firstConsumerSeqs[entry]
  }

  /** The sequence that was inserted first of those that are there; 0 when none is. */
  get oldest(): number {
    return this.#oldest === NONE ? 0 : this.#seqs[this.#oldest]
  }

  /** The latest delivery of one that is there. */
  redelivered(entry: number, consumerSeq: number, deliveries: number, deliveredAtMs: number): void {
    this.#consumerSeqs[entry] = consumerSeq
    this.#deliveries[entry] = deliveries
    this.#times[entry] = deliveredAtMs
  }

  /** Adds `seq`, which must not be there. */
  insert(seq: number, firstConsumerSeq: number, consumerSeq: number, deliveries: number, deliveredAtMs: number): void {
    let entry = this.#free
    if (entry !== NONE) {
      this.#free = this.#chain[entry]
    } else {
      if (this.#used === this.#seqs.length) this.#grow()
      entry = this.#used++
    }
    this.#seqs[entry] = seq
    this.#firstConsumerSeqs[entry] = firstConsumerSeq
    this.#consumerSeqs[entry] = consumerSeq
    this.#deliveries[entry] = deliveries
    this.#times[entry] = deliveredAtMs
    const slot = this.#slot(seq)
    this.#chain[entry] = this.#heads[slot]
    this.#heads[slot] = entry
    const last = this.#newest
    this.#before[entry] = last
    this.#after[entry] = NONE
    if (last === NONE) this.#oldest = entry
    else this.#after[last] = entry
    this.#newest = entry
    this.size++
  }

  /** False when it is not there. */
  delete(seq: number): boolean {
    const slot = this.#slot(seq)
    let entry = this.#heads[slot]
    let previous = NONE
    while (entry !== NONE && this.#seqs[entry] !== seq) {
      previous = entry
      entry = this.#chain[entry]
    }
    if (entry === NONE) return false
    if (previous === NONE) this.#heads[slot] = this.#chain[entry]
    else this.#chain[previous] = this.#chain[entry]
    const before = this.#before[entry]
    const after = this.#after[entry]
    if (before === NONE) this.#oldest = after
    else this.#after[before] = after
    if (after === NONE) this.#newest = before
    else this.#before[after] = before
    this.#chain[entry] = this.#free
    this.#free = entry
    this.size--
    return true
  }

  /** All sequences, in the order in which they were inserted; a copy. */
  keys(): number[] {
    return this.keysThrough(Number.POSITIVE_INFINITY, false)
  }

  /** Those up to `seq`. `ascending`: the order of insertion is that of sequences, so the first beyond ends the search. */
  keysThrough(seq: number, ascending: boolean): number[] {
    const keys: number[] = []
    for (let entry = this.#oldest; entry !== NONE; entry = this.#after[entry]) {
      if (this.#seqs[entry] <= seq) keys.push(this.#seqs[entry])
      else if (ascending) break
    }
    return keys
  }

  /** Copies of all, in the order in which they were inserted. */
  entries(): [seq: number, pending: Pending][] {
    const entries: [number, Pending][] = []
    for (let entry = this.#oldest; entry !== NONE; entry = this.#after[entry]) {
      entries.push([this.#seqs[entry], this.#copy(entry)])
    }
    return entries
  }

  /** How many were delivered more than once. */
  countRedelivered(): number {
    let count = 0
    for (let entry = this.#oldest; entry !== NONE; entry = this.#after[entry]) if (this.#deliveries[entry] > 1) count++
    return count
  }

  #slot(seq: number): number {
    // The low bits of any safe integer: the conversion is modulo 2^32, which the mask divides.
    return seq & (this.#heads.length - 1)
  }

  #copy(entry: number): Pending {
    return {
      firstConsumerSeq: this.#firstConsumerSeqs[entry],
      consumerSeq: this.#consumerSeqs[entry],
      deliveries: this.#deliveries[entry],
      deliveredAtMs: this.#times[entry],
    }
  }

  /** Twice the room; all entries are taken, so each is filed anew. */
  #grow(): void {
    const size = this.#seqs.length * 2
    const grown = <T extends Float64Array | Int32Array>(from: T, into: T): T => {
      into.set(from)
      return into
    }
    this.#seqs = grown(this.#seqs, new Float64Array(size))
    this.#consumerSeqs = grown(this.#consumerSeqs, new Float64Array(size))
    this.#firstConsumerSeqs = grown(this.#firstConsumerSeqs, new Float64Array(size))
    this.#times = grown(this.#times, new Float64Array(size))
    this.#deliveries = grown(this.#deliveries, new Float64Array(size))
    this.#before = grown(this.#before, new Int32Array(size))
    this.#after = grown(this.#after, new Int32Array(size))
    this.#chain = new Int32Array(size)
    this.#heads = new Int32Array(size).fill(NONE)
    for (let entry = 0; entry < this.#used; entry++) {
      const slot = this.#slot(this.#seqs[entry])
      this.#chain[entry] = this.#heads[slot]
      this.#heads[slot] = entry
    }
  }
}
