import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ConsumerProgress, type ProgressEvent } from './consumer-progress.ts'
import { progressConsumer, progressRunBytes, replayProgress, writeProgressRun } from './progress-record.ts'
import { ProgressRun, RANGES_MAX } from './progress-run.ts'
import { sealRecord } from './record.ts'

const delivered = (streamSeq: number, consumerSeq: number, atMs = 5, deliveries = 1): ProgressEvent => ({
  what: 'delivered',
  streamSeq,
  consumerSeq,
  deliveries,
  atMs,
  tracked: true,
})
const settled = (streamSeq: number): ProgressEvent => ({ what: 'settled', streamSeq })

/** Applies `run` as recovery would. */
function replay(run: ProgressRun, progress: ConsumerProgress): void {
  const length = progressRunBytes(run)
  const bytes = new Uint8Array(length)
  const view = new DataView(bytes.buffer)
  writeProgressRun(bytes, view, 0, 7, 3, run)
  sealRecord(bytes, view, 0, length)
  expect(progressConsumer(view, 0)).toBe(3)
  replayProgress(bytes, view, 0, progress)
}

describe('a run of progress', () => {
  test('takes what goes on, and refuses what does not', () => {
    const run = new ProgressRun()
    expect([10, 11, 14].map((seq, i) => run.take(delivered(seq, i + 1)))).toEqual([true, true, true])
    expect([run.count, run.ranges]).toEqual([3, 2])
    // A later moment, a redelivery, another consumer sequence, another kind, something rare.
    expect(run.take(delivered(15, 4, 6))).toBe(false)
    expect(run.take(delivered(15, 4, 5, 2))).toBe(false)
    expect(run.take(delivered(15, 5))).toBe(false)
    expect(run.take(settled(10))).toBe(false)
    expect(run.take({ what: 'exhausted', streamSeq: 10 })).toBe(false)
    expect(run.take(delivered(15, 4))).toBe(true)
    run.clear()
    expect(run.take(settled(10))).toBe(true)
    expect(run.take(delivered(16, 5))).toBe(false)
  })

  test('a run that is full begins no other range', () => {
    const run = new ProgressRun()
    for (let i = 0; i < RANGES_MAX; i++) expect(run.take(settled(i * 2 + 1))).toBe(true)
    expect(run.take(settled(RANGES_MAX * 2 + 1))).toBe(false)
    expect(run.take(settled(RANGES_MAX * 2))).toBe(true)
  })

  test('read back it does what its events did, once or twice', () => {
    const step = fc.record({ acks: fc.boolean(), skip: fc.integer({ min: 0, max: 2 }), atMs: fc.constantFrom(1, 2) })
    const bases = fc.constantFrom(0, 2 ** 32 - 20, 2 ** 40)
    fc.assert(
      fc.property(bases, fc.array(step, { maxLength: 120 }), (base, steps) => {
        const live = new ConsumerProgress()
        const read = new ConsumerProgress()
        const run = new ProgressRun()
        let seq = base
        let consumerSeq = 0
        const write = (): void => {
          if (run.what === '') return
          replay(run, read)
          if (run.what === 'settled' || run.count % 2 === 0) replay(run, read)
          run.clear()
        }
        for (const { acks, skip, atMs } of steps) {
          const open = live.pending.keys()
          const event =
            acks && open.length > 0
              ? settled(open[skip % open.length])
              : delivered((seq += 1 + skip), ++consumerSeq, atMs)
          live.apply(event)
          if (run.take(event)) continue
          write()
          expect(run.take(event)).toBe(true)
        }
        write()
        expect(read.snapshot()).toEqual(live.snapshot())
      }),
    )
  })
})
