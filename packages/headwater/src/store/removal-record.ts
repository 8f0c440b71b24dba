/**
 * What left a stream in one frame, as one record (type 2). The record's sequence is the stream's last; after its head:
 *
 *  32          40      44
 *  | below u64 | ranges | (first u64, count u32) ... |        all below `below` is gone, and the ranges
 *
 * Flag 1: the messages of the ranges are to be overwritten on disk.
 */
import { readU64, writeU64 } from '../base/bytes.ts'
import { RECORD_HEAD_BYTES, TYPE_REMOVE, writeHead } from './record.ts'

const FLAG_ERASE = 1
const FIXED_BYTES = RECORD_HEAD_BYTES + 12
const RANGE_BYTES = 12

/** The removals of one stream while a frame gathers. */
export class Removals {
  #below = 0
  #seqs: number[] = []
  #ascending = true
  #lastMoved = false
  #erase = false

  /** True when there is something to record. */
  get any(): boolean {
    return this.#lastMoved || this.#below > 0 || this.#seqs.length > 0
  }

  // HOT: once per removed message.
  add(seq: number, erase: boolean): void {
    if (erase) this.#erase = true
    const seqs = this.#seqs
    if (seqs.length > 0 && seq < seqs[seqs.length - 1]) this.#ascending = false
    seqs.push(seq)
  }

  addBelow(seq: number): void {
    if (seq > this.#below) this.#below = seq
  }

  addLastMoved(): void {
    this.#lastMoved = true
  }

  /** Ranges [first, count, first, count ...] of what `below` does not cover. */
  takeRanges(): { below: number; ranges: number[]; erase: boolean } {
    const below = this.#below
    const ranges: number[] = []
    const seqs = this.#seqs
    if (!this.#ascending) seqs.sort((a, b) => a - b)
    for (const seq of seqs) {
      if (seq < below) continue
      const last = ranges.length - 2
      if (last >= 0 && ranges[last] + ranges[last + 1] === seq) ranges[last + 1]++
      else ranges.push(seq, 1)
    }
    this.#below = 0
    this.#seqs = []
    const erase = this.#erase
    this.#ascending = true
    this.#lastMoved = false
    this.#erase = false
    return { below, ranges, erase }
  }
}

/** The record length for so many ranges. */
export function removalRecordBytes(ranges: number[]): number {
  return FIXED_BYTES + (ranges.length / 2) * RANGE_BYTES
}

/** Fills everything of the record except length and checksum. */
export function writeRemoval(
  bytes: Uint8Array,
  view: DataView,
  at: number,
  options: { stream: number; lastSeq: number; below: number; ranges: number[]; erase: boolean },
): void {
  const { stream, lastSeq, below, ranges, erase } = options
  writeHead(bytes, view, at, TYPE_REMOVE, erase ? FLAG_ERASE : 0, stream, lastSeq)
  writeU64(view, at + 32, below)
  view.setUint32(at + 40, ranges.length / 2, true)
  for (let i = 0, p = at + FIXED_BYTES; i < ranges.length; i += 2, p += RANGE_BYTES) {
    writeU64(view, p, ranges[i])
    view.setUint32(p + 8, ranges[i + 1], true)
  }
}

/** Calls `remove` for every removed sequence of the record at `at`, after `removeBelow`. */
export function readRemoval(
  view: DataView,
  at: number,
  into: { removeBelow(seq: number): void; remove(seq: number, erase: boolean): void },
): void {
  const erase = (view.getUint8(at + 9) & FLAG_ERASE) !== 0
  const below = readU64(view, at + 32)
  if (below > 0) into.removeBelow(below)
  const count = view.getUint32(at + 40, true)
  for (let i = 0, p = at + FIXED_BYTES; i < count; i++, p += RANGE_BYTES) {
    const first = readU64(view, p)
    const end = first + view.getUint32(p + 8, true)
    for (let seq = first; seq < end; seq++) into.remove(seq, erase)
  }
}
