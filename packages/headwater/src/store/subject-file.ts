/**
 * The subjects of a stream on disk: what text each number in its segments stands for. Blocks are appended; a later entry
 * for a number replaces the earlier one, and the checkpoint says how much of the file counts.
 *
 *  block:  0        4       8
 *          | length | crc32 | (id u32, length u16, text) ...        length and crc32 are of the entries
 */
import { utf8 } from '../base/bytes.ts'
import { crc32 } from '../base/crc32.ts'
import type { SubjectTable } from './subject-table.ts'

const BLOCK_HEAD_BYTES = 8
const ENTRY_HEAD_BYTES = 6

/** The file as the checkpoint names it. */
export interface SubjectsFile {
  readonly name: string
  readonly number: number
  bytes: number
  /** Entries in it, replaced ones included. */
  entries: number
}

/** The name of a stream's `number`-th subjects file. */
export function subjectsName(number: number): string {
  return number === 1 ? 'subjects' : `subjects.${number}`
}

/** One block with the texts of `ids`. */
export function encodeSubjects(table: SubjectTable, ids: Iterable<number>): { bytes: Uint8Array; entries: number } {
  const parts: Uint8Array[] = []
  let length = 0
  let entries = 0
  for (const id of ids) {
    const text = utf8(table.names[id])
    const part = new Uint8Array(ENTRY_HEAD_BYTES + text.length)
    const view = new DataView(part.buffer)
    view.setUint32(0, id, true)
    view.setUint16(4, text.length, true)
    part.set(text, ENTRY_HEAD_BYTES)
    parts.push(part)
    length += part.length
    entries++
  }
  const bytes = new Uint8Array(BLOCK_HEAD_BYTES + length)
  let at = BLOCK_HEAD_BYTES
  for (const part of parts) {
    bytes.set(part, at)
    at += part.length
  }
  const view = new DataView(bytes.buffer)
  view.setUint32(0, length, true)
  view.setUint32(4, crc32(bytes, BLOCK_HEAD_BYTES, bytes.length), true)
  return { bytes, entries }
}

/** Fills `table` from all blocks in `bytes`; returns the byte at which a damaged block begins, or -1. */
export function decodeSubjects(bytes: Uint8Array, table: Pick<SubjectTable, 'restore'>): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  // Its own way from bytes to text makes no object for each: a third faster than a decoder, and there may be millions.
  const texts = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  let at = 0
  while (at < bytes.length) {
    if (at + BLOCK_HEAD_BYTES > bytes.length) return at
    const end = at + BLOCK_HEAD_BYTES + view.getUint32(at, true)
    if (end > bytes.length || crc32(bytes, at + BLOCK_HEAD_BYTES, end) !== view.getUint32(at + 4, true)) return at
    for (let p = at + BLOCK_HEAD_BYTES; p < end; ) {
      const length = view.getUint16(p + 4, true)
      const start = p + ENTRY_HEAD_BYTES
      table.restore(view.getUint32(p, true), texts.toString('utf8', start, start + length))
      p = start + length
    }
    at = end
  }
  return -1
}
