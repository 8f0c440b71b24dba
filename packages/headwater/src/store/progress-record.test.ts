import { expect, test } from 'vitest'
import type { ProgressEvent } from './consumer-progress.ts'
import { progressConsumer, progressRecordBytes, readProgress, writeProgress } from './progress-record.ts'
import { checkedLength, recordStream, sealRecord } from './record.ts'

const BIG = 2 ** 40 + 3

const EVENTS: ProgressEvent[] = [
  { what: 'delivered', streamSeq: BIG, consumerSeq: BIG + 1, deliveries: 3, atMs: 1_767_225_600_000.25, tracked: true },
  { what: 'delivered', streamSeq: 1, consumerSeq: 1, deliveries: 1, atMs: 0, tracked: false },
  { what: 'settled', streamSeq: BIG },
  { what: 'settled-through', streamSeq: BIG, consumerSeq: 7 },
  { what: 'held', streamSeq: 5, reason: 'max-deliver', detail: '' },
  { what: 'held', streamSeq: 5, reason: 'terminated', detail: 'weil es ungültig ist' },
  { what: 'exhausted', streamSeq: 9 },
  { what: 'requeued', streamSeq: 9 },
  {
    what: 'moved',
    delivered: { consumerSeq: 1, streamSeq: BIG },
    ackFloor: { consumerSeq: 2, streamSeq: 3 },
    clear: true,
  },
  {
    what: 'moved',
    delivered: { consumerSeq: 0, streamSeq: 0 },
    ackFloor: { consumerSeq: 0, streamSeq: 0 },
    clear: false,
  },
]

test.each(EVENTS.map((event) => [event.what, event] as const))('a %s event is what was written', (_what, event) => {
  const bytes = Buffer.alloc(400, 0xff)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const length = progressRecordBytes(event)
  writeProgress(bytes, view, 8, 77, 4_000_000_000, event)
  sealRecord(bytes, view, 8, length)
  expect(checkedLength(bytes, view, 8, bytes.length)).toBe(length)
  expect(recordStream(view, 8)).toBe(77)
  expect(progressConsumer(view, 8)).toBe(4_000_000_000)
  expect(readProgress(bytes, view, 8)).toEqual(event)
  bytes[8 + length - 1] ^= 1
  expect(checkedLength(bytes, view, 8, bytes.length)).toBe(0)
})
