/**
 * The frame: what one journal write makes durable, whole or not at all. Little endian.
 *
 *  0       4       8        16             24       28        32      36
 *  | magic | crc32 | lsn u64 | syncedLsn u64 | length | records | check | records ... |
 *
 * crc32 is over bytes 8..36; length is the whole frame's. lsn is the frame's byte position in the endless journal: it
 * tells fresh frames from the former life of a recycled file. check is over the records' checksums: a sector of a torn
 * frame that still holds the former life may be records of equal length, each of them whole. syncedLsn is what was known to be on disk when the frame was
 * closed: a hole below it is damage, a hole beyond it is the torn end. A frame without records ends a clean stop.
 */
import { readU64, writeU64 } from '../base/bytes.ts'
import { crc32 } from '../base/crc32.ts'
import { checkedLength } from './record.ts'

/** Where the records begin. */
export const FRAME_HEAD_BYTES = 36
/** 'HWF1' */
const MAGIC = 0x31465748
/** Odd, so that multiplying by it loses nothing. */
const PRIME = 0x9e3779b1

/** What a head says; see the drawing. */
export interface FrameHead {
  lsn: number
  syncedLsn: number
  length: number
  records: number
  /** Of checkRecords. */
  check: number
}

/** Folds the checksums of the records in [from, to) into `check`: another record in any place gives another one. HOT: per frame. */
export function checkRecords(view: DataView, from: number, to: number, check = 0): number {
  let folded = check
  for (let p = from; p < to; p += view.getUint32(p, true))
    folded = Math.imul(folded ^ view.getInt32(p + 4, true), PRIME)
  return folded >>> 0
}

/** Writes the head of a frame at `at`. */
export function writeFrameHead(bytes: Uint8Array, view: DataView, at: number, head: FrameHead): void {
  view.setUint32(at, MAGIC, true)
  writeU64(view, at + 8, head.lsn)
  writeU64(view, at + 16, head.syncedLsn)
  view.setUint32(at + 24, head.length, true)
  view.setUint32(at + 28, head.records, true)
  view.setUint32(at + 32, head.check, true)
  view.setUint32(at + 4, crc32(bytes, at + 8, at + FRAME_HEAD_BYTES), true)
}

/** The head at `at`, or undefined when there is none that is whole and unharmed. */
export function readFrameHead(bytes: Uint8Array, view: DataView, at: number): FrameHead | undefined {
  if (at + FRAME_HEAD_BYTES > bytes.length || view.getUint32(at, true) !== MAGIC) return undefined
  if (crc32(bytes, at + 8, at + FRAME_HEAD_BYTES) !== view.getUint32(at + 4, true)) return undefined
  return {
    lsn: readU64(view, at + 8),
    syncedLsn: readU64(view, at + 16),
    length: view.getUint32(at + 24, true),
    records: view.getUint32(at + 28, true),
    check: view.getUint32(at + 32, true),
  }
}

/** Whether all records of the frame at `at` are whole, unharmed, and its own. */
export function recordsHold(bytes: Uint8Array, view: DataView, at: number, head: FrameHead): boolean {
  const end = at + head.length
  if (end > bytes.length) return false
  let p = at + FRAME_HEAD_BYTES
  for (let i = 0; i < head.records; i++) {
    const length = checkedLength(bytes, view, p, end)
    if (length === 0) return false
    p += length
  }
  return p === end && checkRecords(view, at + FRAME_HEAD_BYTES, end) === head.check
}

/** The next place >= from where an unharmed frame head stands; -1 when there is none. */
export function findFrameHead(bytes: Uint8Array, view: DataView, from: number): number {
  const magic = new Uint8Array(4)
  new DataView(magic.buffer).setUint32(0, MAGIC, true)
  const searched = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  for (let at = searched.indexOf(magic, from); at >= 0; at = searched.indexOf(magic, at + 1)) {
    if (readFrameHead(bytes, view, at)) return at
  }
  return -1
}
