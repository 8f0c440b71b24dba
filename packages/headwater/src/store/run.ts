/**
 * A run: consecutive messages of one stream with their index, two numbers a message (where it is, which subject).
 * The newest run of a log grows (the tail, its records in memory); the others lie in segments and never change,
 * except that their entries die.
 */
import type { Chunks } from './chunk.ts'
import { countClear, isSet, lastClear, makeBits, nextClear, setBit } from './dead-bits.ts'
import type { Segment } from './segment.ts'

const FIRST_CAPACITY = 64

export class Run {
  /** Sequence of entry 0. Moves only while the run is empty. */
  first: number
  /** Entries, dead ones included. */
  n = 0
  /** Entries that live. */
  live = 0
  /** Subject id per entry; 0 where a sequence was skipped. */
  ids: Uint32Array
  /** Distance from `first` per entry, ascending; absent when entry i has sequence first + i. */
  offsets: Uint32Array | undefined
  dead: Uint32Array | undefined
  /** Per entry, how many sequences further the next message of its subject is; 0 is not known. See SubjectLinks. */
  links: Uint32Array | undefined

  /** Memory that holds the records; absent when they are only on disk. */
  chunks: Chunks | undefined
  /** Per entry, where its record is in `chunks`. */
  positions: Uint32Array

  /** The file that holds the records, once flushed. */
  segment: Segment | undefined
  /** Per entry, where its record starts in the segment; one more at the end for where the last one ends. */
  filePositions: Uint32Array | undefined

  /** Entries below this one are dead: where a search for the first living one starts. */
  #head = 0

  constructor(first: number, capacity: number = FIRST_CAPACITY) {
    this.first = first
    this.ids = new Uint32Array(capacity)
    this.positions = new Uint32Array(capacity)
  }

  /** Sequence of entry `i`. */
  seqOf(i: number): number {
    return this.first + (this.offsets ? this.offsets[i] : i)
  }

  /** One past the last sequence. */
  get endSeq(): number {
    return this.n === 0 ? this.first : this.seqOf(this.n - 1) + 1
  }

  /** The entry of `seq`, or -1. HOT. */
  find(seq: number): number {
    if (!this.offsets) {
      const i = seq - this.first
      return i >= 0 && i < this.n ? i : -1
    }
    const i = this.lowerBound(seq)
    return i < this.n && this.seqOf(i) === seq ? i : -1
  }

  /** The first entry with a sequence >= seq; n when there is none. */
  lowerBound(seq: number): number {
    if (seq <= this.first) return 0
    if (!this.offsets) return Math.min(this.n, seq - this.first)
    const offset = seq - this.first
    let low = 0
    let high = this.n
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.offsets[middle] < offset) low = middle + 1
      else high = middle
    }
    return low
  }

  isDead(i: number): boolean {
    return this.dead !== undefined && isSet(this.dead, i)
  }

  /** Appends an entry; the sequence is endSeq. HOT: grows by doubling. */
  push(position: number, id: number): void {
    if (this.n === this.ids.length) this.#grow()
    this.ids[this.n] = id
    this.positions[this.n] = position
    this.n++
    this.live++
  }

  /** Appends `count` dead entries: sequences that hold nothing. */
  pushDead(count: number): void {
    while (this.n + count > this.ids.length) this.#grow()
    this.dead ??= makeBits(this.ids.length)
    for (let k = 0; k < count; k++) setBit(this.dead, this.n++)
  }

  kill(i: number): void {
    this.dead ??= makeBits(Math.max(this.ids.length, this.n))
    setBit(this.dead, i)
    this.live--
  }

  setLink(i: number, distance: number): void {
    this.links ??= new Uint32Array(Math.max(this.ids.length, this.n))
    this.links[i] = distance
  }

  /** Every entry is dead from now on. */
  killAll(): void {
    this.dead ??= makeBits(Math.max(this.ids.length, this.n))
    this.dead.fill(-1)
    this.live = 0
  }

  /** The first living entry >= from; n when there is none. */
  nextLiving(from: number): number {
    if (!this.dead) return from
    const start = Math.max(from, this.#head)
    const i = nextClear(this.dead, start, this.n)
    if (from <= this.#head) this.#head = i
    return i
  }

  /** The last living entry <= from; -1 when there is none. */
  lastLiving(from: number): number {
    return this.dead ? lastClear(this.dead, from) : from
  }

  /** Living entries at or after entry `from`. */
  countFrom(from: number): number {
    if (from <= 0) return this.live
    return this.dead ? countClear(this.dead, from, this.n) : this.n - from
  }

  #grow(): void {
    const capacity = Math.max(FIRST_CAPACITY, this.ids.length * 2)
    this.ids = enlarged(this.ids, capacity)
    this.positions = enlarged(this.positions, capacity)
    if (this.links) this.links = enlarged(this.links, capacity)
    if (this.dead) this.dead = enlarged(this.dead, (capacity + 31) >>> 5)
  }
}

function enlarged(from: Uint32Array, length: number): Uint32Array {
  const to = new Uint32Array(length)
  to.set(from)
  return to
}
