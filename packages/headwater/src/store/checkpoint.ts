/**
 * The checkpoint of a stream: everything about it that is not a message, at one moment, and which files hold its messages.
 *
 *  0       4       8        12
 *  | magic | crc32 | length | JSON |          crc32 is of the JSON
 *
 * Two positions: journal records of messages and removals from `messagesLsn` on are replayed over it; all other records
 * (configurations, consumers, progress) only from `stateLsn` on, since it was taken when they had been applied.
 * It names only bytes that were synced before it (I7), and is put in place when the frames it saw are synced.
 */
import { textOf, utf8 } from '../base/bytes.ts'
import { crc32 } from '../base/crc32.ts'
import type { ProgressSnapshot } from './consumer-progress.ts'
import type { IdColumns } from './kept-ids.ts'

/** 'HWC1' */
const MAGIC = 0x31435748
const HEAD_BYTES = 12

export interface SegmentEntry {
  name: string
  bytes: number
  /** Per run, in file order: '' nothing is dead, else the dead bits as base64. */
  dead: string[]
  /** What is wrong with the file: it is kept, and left out of what is served. */
  damage?: string
}

export interface Checkpoint {
  stream: number
  config: string
  messagesLsn: number
  stateLsn: number
  lastSeq: number
  /** Of the last message. */
  lastSeconds: number
  lastNanos: number
  nextConsumerId: number
  consumers: { id: number; config: string; progress: ProgressSnapshot }[]
  segments: SegmentEntry[]
  /** Removed messages whose bytes are still to be overwritten. */
  erasures: number[]
  /** Of messages that replaying from `messagesLsn` on does not meet. Not there in older checkpoints. */
  ids?: IdColumns
  subjects: { number: number; bytes: number; entries: number } | undefined
}

/** The file's name in the stream's folder. */
export const CHECKPOINT_NAME = 'checkpoint'

/** The bytes of the file. */
export function encodeCheckpoint(checkpoint: Checkpoint): Uint8Array {
  const body = utf8(JSON.stringify(checkpoint))
  const bytes = new Uint8Array(HEAD_BYTES + body.length)
  const view = new DataView(bytes.buffer)
  view.setUint32(0, MAGIC, true)
  view.setUint32(4, crc32(body, 0, body.length), true)
  view.setUint32(8, body.length, true)
  bytes.set(body, HEAD_BYTES)
  return bytes
}

/** Undefined when it is damaged. */
export function decodeCheckpoint(bytes: Uint8Array): Checkpoint | undefined {
  if (bytes.length < HEAD_BYTES) return undefined
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const end = HEAD_BYTES + view.getUint32(8, true)
  if (view.getUint32(0, true) !== MAGIC || end !== bytes.length) return undefined
  if (crc32(bytes, HEAD_BYTES, end) !== view.getUint32(4, true)) return undefined
  return JSON.parse(textOf(bytes.subarray(HEAD_BYTES))) as Checkpoint
}

/** Dead bits of the first `n` entries as text. */
export function deadToText(dead: Uint32Array | undefined, n: number): string {
  if (!dead || n === 0) return ''
  const words = dead.subarray(0, (n + 31) >>> 5)
  return Buffer.from(words.buffer, words.byteOffset, words.byteLength).toString('base64')
}

/** What deadToText wrote, for a run of `n` entries; undefined when nothing is dead. */
export function deadFromText(text: string, n: number): Uint32Array | undefined {
  if (text === '') return undefined
  const bytes = Buffer.from(text, 'base64')
  const dead = new Uint32Array((n + 31) >>> 5)
  new Uint8Array(dead.buffer).set(bytes.subarray(0, dead.byteLength))
  return dead
}
