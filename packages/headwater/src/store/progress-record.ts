/**
 * A consumer's progress event as a record (type 3). After the record's head, whose flag is the kind of event and whose
 * sequence is the stream sequence:
 *
 *  32            36           40                48       56                 64
 *  | consumer u32 | deliveries | consumerSeq u64 | atMs f64| ...
 *     moved: | floor consumerSeq u64 | floor streamSeq u64 | clear u8 |    held: | reason u8 | detail |
 *
 * A run of events is one record: `deliveries` is the number of ranges that follow, consumerSeq the first delivery's.
 *     runs: | first u64 | count u32 | ...
 */
import { readU64, textOf, utf8, writeU64 } from '../base/bytes.ts'
import type { ConsumerProgress, HeldReason, ProgressEvent } from './consumer-progress.ts'
import type { ProgressRun } from './progress-run.ts'
import { RECORD_HEAD_BYTES, recordFlag, recordLength, recordSeq, TYPE_PROGRESS, writeHead } from './record.ts'

const DELIVERED = 1
const DELIVERED_UNTRACKED = 2
const SETTLED = 3
const SETTLED_THROUGH = 4
const HELD = 5
const EXHAUSTED = 6
const REQUEUED = 7
const MOVED = 8
const DELIVERED_RUN = 9
const DELIVERED_RUN_UNTRACKED = 10
const SETTLED_RUN = 11

const FIXED_BYTES = RECORD_HEAD_BYTES + 24
const RANGE_BYTES = 12
const MOVED_BYTES = FIXED_BYTES + 17
const HELD_REASONS: readonly HeldReason[] = ['max-deliver', 'terminated']
const DETAIL_BYTES_MAX = 4096

function detailOf(event: ProgressEvent): Uint8Array {
  return event.what === 'held' ? utf8(event.detail).subarray(0, DETAIL_BYTES_MAX) : NO_DETAIL
}

const NO_DETAIL = new Uint8Array(0)

/** The record length of an event. */
export function progressRecordBytes(event: ProgressEvent): number {
  if (event.what === 'moved') return MOVED_BYTES
  return event.what === 'held' ? FIXED_BYTES + 1 + detailOf(event).length : FIXED_BYTES
}

/** Fills everything of an event's record except length and checksum. HOT: once per delivery and once per ack. */
export function writeProgress(
  bytes: Uint8Array,
  view: DataView,
  at: number,
  stream: number,
  consumer: number,
  event: ProgressEvent,
): void {
  let kind = SETTLED
  let seq = 0
  let deliveries = 0
  let consumerSeq = 0
  let atMs = 0
  switch (event.what) {
    case 'delivered':
      kind = event.tracked ? DELIVERED : DELIVERED_UNTRACKED
      deliveries = event.deliveries
      consumerSeq = event.consumerSeq
      atMs = event.atMs
      seq = event.streamSeq
      break
    case 'settled':
      seq = event.streamSeq
      break
    case 'settled-through':
      kind = SETTLED_THROUGH
      consumerSeq = event.consumerSeq
      seq = event.streamSeq
      break
    case 'held': {
      kind = HELD
      seq = event.streamSeq
      bytes[at + FIXED_BYTES] = HELD_REASONS.indexOf(event.reason)
      bytes.set(detailOf(event), at + FIXED_BYTES + 1)
      break
    }
    case 'exhausted':
      kind = EXHAUSTED
      seq = event.streamSeq
      break
    case 'requeued':
      kind = REQUEUED
      seq = event.streamSeq
      break
    case 'moved':
      kind = MOVED
      seq = event.delivered.streamSeq
      consumerSeq = event.delivered.consumerSeq
      writeU64(view, at + FIXED_BYTES, event.ackFloor.consumerSeq)
      writeU64(view, at + FIXED_BYTES + 8, event.ackFloor.streamSeq)
      bytes[at + FIXED_BYTES + 16] = event.clear ? 1 : 0
      break
  }
  writeHead(bytes, view, at, TYPE_PROGRESS, kind, stream, seq)
  view.setUint32(at + 32, consumer, true)
  view.setUint32(at + 36, deliveries, true)
  writeU64(view, at + 40, consumerSeq)
  view.setFloat64(at + 48, atMs, true)
}

/** The record length of a run that is not empty. */
export function progressRunBytes(run: ProgressRun): number {
  return FIXED_BYTES + run.ranges * RANGE_BYTES
}

/** Fills everything of a run's record except length and checksum. */
export function writeProgressRun(
  bytes: Uint8Array,
  view: DataView,
  at: number,
  stream: number,
  consumer: number,
  run: ProgressRun,
): void {
  const settled = run.what === 'settled'
  const delivered = run.tracked ? DELIVERED_RUN : DELIVERED_RUN_UNTRACKED
  writeHead(bytes, view, at, TYPE_PROGRESS, settled ? SETTLED_RUN : delivered, stream, run.firsts[0])
  view.setUint32(at + 32, consumer, true)
  view.setUint32(at + 36, run.ranges, true)
  writeU64(view, at + 40, settled ? 0 : run.consumerSeq)
  view.setFloat64(at + 48, settled ? 0 : run.atMs, true)
  for (let i = 0, p = at + FIXED_BYTES; i < run.ranges; i++, p += RANGE_BYTES) {
    writeU64(view, p, run.firsts[i])
    view.setUint32(p + 8, run.counts[i], true)
  }
}

/** Applies the record at `at`: one event, or each of a run in order. Nothing when its kind is not known. */
export function replayProgress(bytes: Uint8Array, view: DataView, at: number, progress: ConsumerProgress): void {
  const kind = recordFlag(bytes, at)
  if (kind !== DELIVERED_RUN && kind !== DELIVERED_RUN_UNTRACKED && kind !== SETTLED_RUN) {
    const event = readProgress(bytes, view, at)
    if (event) progress.apply(event)
    return
  }
  const tracked = kind === DELIVERED_RUN
  const atMs = view.getFloat64(at + 48, true)
  let consumerSeq = readU64(view, at + 40)
  const end = at + FIXED_BYTES + view.getUint32(at + 36, true) * RANGE_BYTES
  for (let p = at + FIXED_BYTES; p < end; p += RANGE_BYTES) {
    const first = readU64(view, p)
    const beyond = first + view.getUint32(p + 8, true)
    for (let streamSeq = first; streamSeq < beyond; streamSeq++) {
      if (kind === SETTLED_RUN) progress.apply({ what: 'settled', streamSeq })
      else progress.apply({ what: 'delivered', streamSeq, consumerSeq: consumerSeq++, deliveries: 1, atMs, tracked })
    }
  }
}

/** The id of the consumer whose event the record at `at` is. */
export function progressConsumer(view: DataView, at: number): number {
  return view.getUint32(at + 32, true)
}

/** The event of the record at `at`; undefined when its kind is not known. */
export function readProgress(bytes: Uint8Array, view: DataView, at: number): ProgressEvent | undefined {
  const streamSeq = recordSeq(view, at)
  const consumerSeq = readU64(view, at + 40)
  const kind = recordFlag(bytes, at)
  switch (kind) {
    case DELIVERED:
    case DELIVERED_UNTRACKED: {
      const tracked = kind === DELIVERED
      const atMs = view.getFloat64(at + 48, true)
      return { what: 'delivered', streamSeq, consumerSeq, deliveries: view.getUint32(at + 36, true), atMs, tracked }
    }
    case SETTLED:
      return { what: 'settled', streamSeq }
    case SETTLED_THROUGH:
      return { what: 'settled-through', streamSeq, consumerSeq }
    case HELD: {
      const detail = textOf(bytes.subarray(at + FIXED_BYTES + 1, at + recordLength(view, at)))
      return { what: 'held', streamSeq, reason: HELD_REASONS[bytes[at + FIXED_BYTES]], detail }
    }
    case EXHAUSTED:
      return { what: 'exhausted', streamSeq }
    case REQUEUED:
      return { what: 'requeued', streamSeq }
    case MOVED: {
      const ackFloor = { consumerSeq: readU64(view, at + FIXED_BYTES), streamSeq: readU64(view, at + FIXED_BYTES + 8) }
      const clear = bytes[at + FIXED_BYTES + 16] === 1
      return { what: 'moved', delivered: { consumerSeq, streamSeq }, ackFloor, clear }
    }
    default:
      return undefined
  }
}
