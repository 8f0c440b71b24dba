import { describe, expect, it } from 'vitest'
import { ConsumerProgress, type ProgressEvent } from './consumer-progress.ts'

const give = (streamSeq: number, consumerSeq: number, deliveries = 1): ProgressEvent => ({
  what: 'delivered',
  streamSeq,
  consumerSeq,
  deliveries,
  atMs: consumerSeq * 10,
  tracked: true,
})
const settle = (streamSeq: number): ProgressEvent => ({ what: 'settled', streamSeq })
const play = (...events: ProgressEvent[]): ConsumerProgress => {
  const progress = new ConsumerProgress()
  for (const event of events) progress.apply(event)
  return progress
}
const pair = (consumerSeq: number, streamSeq: number) => ({ consumerSeq, streamSeq })

describe('the ack floor', () => {
  it.each<[string, ProgressEvent[], [number, number]]>([
    ['stays at zero while the first message is pending', [give(1, 1), give(2, 2), settle(2)], [0, 0]],
    ['passes gaps that a filter left', [give(1, 1), give(5, 2), settle(1)], [1, 4]],
    ['reaches the last delivery when nothing is pending', [give(1, 1), give(5, 2), settle(1), settle(5)], [2, 5]],
    [
      'counts in first deliveries, whatever was redelivered',
      [give(1, 1), give(2, 2), give(1, 3, 2), give(3, 4), settle(1)],
      [1, 1],
    ],
    ['stays where it is when a message is exhausted', [give(1, 1), { what: 'exhausted', streamSeq: 1 }], [0, 0]],
    [
      'passes exhausted messages with the next one that is settled',
      [give(1, 1), give(2, 2), { what: 'exhausted', streamSeq: 1 }, settle(2)],
      [2, 2],
    ],
    [
      'stops below a held message',
      [give(1, 1), give(2, 2), { what: 'held', streamSeq: 1, reason: 'max-deliver', detail: '' }, settle(2)],
      [0, 0],
    ],
    [
      'takes everything with ack all',
      [give(1, 1), give(2, 2), give(3, 3), { what: 'settled-through', streamSeq: 2, consumerSeq: 2 }],
      [2, 2],
    ],
    ['follows the delivery with ack none', [{ ...give(4, 1), tracked: false } as ProgressEvent], [1, 4]],
  ])('%s', (_, events, [consumerSeq, streamSeq]) => {
    expect(play(...events).ackFloor).toEqual({ consumerSeq, streamSeq })
  })

  it('agrees with a search over everything pending, for random orders of settling', () => {
    let seed = 20_261_125
    const random = (below: number) => (seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648) % below
    const progress = new ConsumerProgress()
    const unsettled = new Map<number, number>()
    let last = 0
    for (let step = 1; step < 20_000; step++) {
      if (unsettled.size === 0 || (unsettled.size < 50 && random(2) === 0)) {
        last += 1 + random(3)
        progress.apply(give(last, step))
        unsettled.set(last, step)
      } else {
        const keys = [...unsettled.keys()]
        const seq = keys[random(3) === 0 ? random(keys.length) : 0]
        unsettled.delete(seq)
        progress.apply(settle(seq))
        const floor = unsettled.size > 0 ? Math.min(...unsettled.keys()) - 1 : last
        expect(progress.ackFloor.streamSeq, `seed 20261125, step ${step}`).toBe(floor)
      }
    }
  })
})

describe('a replay', () => {
  const events: ProgressEvent[] = [
    { what: 'moved', delivered: pair(0, 3), ackFloor: pair(0, 3), clear: false },
    give(4, 1),
    give(5, 2),
    give(6, 3),
    settle(5),
    give(4, 4, 2),
    { what: 'held', streamSeq: 4, reason: 'terminated', detail: 'bad' },
    { what: 'exhausted', streamSeq: 6 },
    give(8, 5),
    { what: 'requeued', streamSeq: 4 },
    give(4, 6, 1),
    settle(4),
  ]

  it('converges from any checkpoint, however many older events come again', () => {
    const whole = play(...events).snapshot()
    for (let checkpoint = 1; checkpoint <= events.length; checkpoint++) {
      for (let from = 1; from <= checkpoint; from++) {
        const progress = ConsumerProgress.restore(structuredClone(play(...events.slice(0, checkpoint)).snapshot()))
        for (const event of events.slice(from)) progress.apply(event)
        expect(progress.snapshot(), `checkpoint ${checkpoint}, replay from ${from}`).toEqual(whole)
      }
    }
  })

  it('gives back what a snapshot kept', () => {
    const snapshot = play(...events.slice(0, 9)).snapshot()
    expect(snapshot.held).toHaveLength(1)
    expect(snapshot.exhausted).toEqual([[6, 1]])
    expect(ConsumerProgress.restore(JSON.parse(JSON.stringify(snapshot))).snapshot()).toEqual(snapshot)
  })
})

describe('moving', () => {
  it('drops what lies at or below the new floor when told to', () => {
    const progress = play(give(1, 1), give(2, 2), give(7, 3), {
      what: 'moved',
      delivered: pair(3, 7),
      ackFloor: pair(2, 5),
      clear: true,
    })
    expect([...progress.pending.keys()]).toEqual([7])
    progress.apply(settle(7))
    expect(progress.ackFloor).toEqual(pair(3, 7))
  })

  it('keeps what was given up, though the floor passes it', () => {
    const progress = play(give(5, 1), { what: 'exhausted', streamSeq: 5 }, give(6, 2), settle(6), {
      what: 'moved',
      delivered: pair(2, 6),
      ackFloor: pair(2, 6),
      clear: true,
    })
    expect(progress.needs(5)).toBe(true)
    progress.apply(settle(5))
    expect(progress.needs(5)).toBe(false)
  })
})

it('needs what was not given and what is pending or held, and nothing else', () => {
  const progress = play(give(1, 1), give(2, 2), settle(1))
  expect([1, 2, 3].map((seq) => progress.needs(seq))).toEqual([false, true, true])
})
