/**
 * The record: one change, the same bytes in the journal and in a segment. Little endian.
 *
 *  0        4       8    9    10      12       16            24       28      32
 *  | length | crc32 |type|flag|subjLen| stream | sequence u64| seconds| nanos | subject | [u32 hdrLen | headers] | payload |
 *
 * crc32 is over bytes 8..length. The size that JetStream counts for a stored message is length - 2, exactly.
 */
import { assert } from '../base/assert.ts'
import { copyWords, readU64, textOf, utf8, writeAscii, writeU64 } from '../base/bytes.ts'
import { crc32 } from '../base/crc32.ts'
import type { MessageView } from './message-view.ts'
import { type AppendInput, FLAG_HEADERS } from './stream-log.ts'

/** Where the subject, or the body of other records, begins. */
export const RECORD_HEAD_BYTES = 32
/** The first body byte after the subject that a message with headers spends on their length. */
const HEADERS_LENGTH_BYTES = 4
/** Beyond this a length field is not ours: no message may be that large. */
export const RECORD_BYTES_MAX = 0x4000_0000

/** Types of a record: see the drawings in record, removal-record, progress-record and object-record. */
export const TYPE_MESSAGE = 1
export const TYPE_REMOVE = 2
export const TYPE_PROGRESS = 3
export const TYPE_OBJECT = 4
export const TYPE_OPENED = 5

/** Bytes of the UTF-8 form of a subject; the common case counts nothing. */
export function subjectBytes(subject: string): number {
  for (let i = 0; i < subject.length; i++) if (subject.charCodeAt(i) > 127) return utf8(subject).length
  return subject.length
}

/** The record length of a message. `subjectLength` in bytes. */
export function messageRecordBytes(input: AppendInput, subjectLength: number): number {
  const body = input.end - input.start
  return RECORD_HEAD_BYTES + subjectLength + body + (input.headersLength > 0 ? HEADERS_LENGTH_BYTES : 0)
}

/** Fills everything of a message's record except length and checksum: `sealRecord` does these. HOT: once per message. */
export function writeMessage(
  bytes: Uint8Array,
  view: DataView,
  at: number,
  input: AppendInput,
  inputView: DataView,
  subjectLength: number,
  stream: number,
  seq: number,
  seconds: number,
  nanos: number,
): void {
  const hasHeaders = input.headersLength > 0
  bytes[at + 8] = TYPE_MESSAGE
  bytes[at + 9] = hasHeaders ? input.flags | FLAG_HEADERS : input.flags & ~FLAG_HEADERS
  view.setUint16(at + 10, subjectLength, true)
  view.setUint32(at + 12, stream, true)
  writeU64(view, at + 16, seq)
  view.setUint32(at + 24, seconds, true)
  view.setUint32(at + 28, nanos, true)
  let p = at + RECORD_HEAD_BYTES
  if (writeAscii(input.subject, bytes, p) < 0) bytes.set(utf8(input.subject), p)
  p += subjectLength
  if (hasHeaders) {
    view.setUint32(p, input.headersLength, true)
    p += HEADERS_LENGTH_BYTES
  }
  copyWords(input.bytes, inputView, input.start, input.end, bytes, view, p)
}

/** Fills the head of a record that is not a message; its body follows at +32. */
export function writeHead(
  bytes: Uint8Array,
  view: DataView,
  at: number,
  type: number,
  flag: number,
  stream: number,
  seq: number,
): void {
  bytes[at + 8] = type
  bytes[at + 9] = flag
  view.setUint16(at + 10, 0, true)
  view.setUint32(at + 12, stream, true)
  writeU64(view, at + 16, seq)
  view.setUint32(at + 24, 0, true)
  view.setUint32(at + 28, 0, true)
}

/** Writes length and checksum of a record whose other bytes stand. */
export function sealRecord(bytes: Uint8Array, view: DataView, at: number, length: number): void {
  view.setUint32(at, length, true)
  view.setUint32(at + 4, crc32(bytes, at + 8, at + length, view), true)
}

/** The length of the record at `at`, or 0 when there is none that lies whole and unharmed before `end`. */
export function checkedLength(bytes: Uint8Array, view: DataView, at: number, end: number): number {
  if (at + RECORD_HEAD_BYTES > end) return 0
  const length = view.getUint32(at, true)
  if (length < RECORD_HEAD_BYTES || length > RECORD_BYTES_MAX || at + length > end) return 0
  return crc32(bytes, at + 8, at + length, view) === view.getUint32(at + 4, true) ? length : 0
}

/** Bytes of the record at `at`, its head included. */
export function recordLength(view: DataView, at: number): number {
  return view.getUint32(at, true)
}

/** Its type, one of TYPE_*. */
export function recordType(bytes: Uint8Array, at: number): number {
  return bytes[at + 8]
}

/** Its flag byte. */
export function recordFlag(bytes: Uint8Array, at: number): number {
  return bytes[at + 9]
}

/** The id of its stream. */
export function recordStream(view: DataView, at: number): number {
  return view.getUint32(at + 12, true)
}

/** Its sequence. */
export function recordSeq(view: DataView, at: number): number {
  return readU64(view, at + 16)
}

/** Its time's whole seconds. */
export function recordSeconds(view: DataView, at: number): number {
  return view.getUint32(at + 24, true)
}

/** Its time's nanoseconds. */
export function recordNanos(view: DataView, at: number): number {
  return view.getUint32(at + 28, true)
}

/** The subject's text of a message record. Allocates: recovery only, a log knows its subjects by id. */
export function recordSubject(bytes: Uint8Array, view: DataView, at: number): string {
  const length = view.getUint16(at + 10, true)
  return textOf(bytes.subarray(at + RECORD_HEAD_BYTES, at + RECORD_HEAD_BYTES + length))
}

/** Points `into` at the message record at `at`. HOT: allocates nothing. */
export function viewMessage(bytes: Uint8Array, view: DataView, at: number, subject: string, into: MessageView): void {
  assert(bytes[at + 8] === TYPE_MESSAGE, 'I12: a message is read where the index says that one is')
  const flags = bytes[at + 9]
  let p = at + RECORD_HEAD_BYTES + view.getUint16(at + 10, true)
  into.subjectStart = at + RECORD_HEAD_BYTES
  into.subjectEnd = p
  let headersLength = 0
  if (flags & FLAG_HEADERS) {
    headersLength = view.getUint32(p, true)
    p += HEADERS_LENGTH_BYTES
  }
  into.seq = readU64(view, at + 16)
  into.subject = subject
  into.seconds = view.getUint32(at + 24, true)
  into.nanos = view.getUint32(at + 28, true)
  into.flags = flags
  into.bytes = bytes
  into.headersStart = p
  into.payloadStart = p + headersLength
  into.end = at + view.getUint32(at, true)
}
