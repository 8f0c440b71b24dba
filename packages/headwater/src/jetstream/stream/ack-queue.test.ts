import { describe, expect, test } from 'vitest'
import { MemoryBus } from '../testing/memory-bus.ts'
import { AckQueue, writeDigits } from './ack-queue.ts'

const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes)

describe('digits', () => {
  test.each([
    0, 1, 9, 10, 99, 100, 2_147_483_646, 2_147_483_647, 2_147_483_648, 4_294_967_295, 4_294_967_296, 9_999_999_999,
    10_000_000_000, 999_999_999_999_999, 9_007_199_254_740_991,
  ])('of %d', (value) => {
    const into = new Uint8Array(20)
    const end = writeDigits(into, 2, value)
    expect(text(into.subarray(2, end))).toBe(String(value))
  })
})

describe('the ack queue', () => {
  function queue(): { acks: AckQueue; sent: string[] } {
    const bus = new MemoryBus()
    const sent: string[] = []
    bus.listen('reply.*', ({ subject, payload }) => sent.push(`${subject} ${text(payload)}`))
    return { acks: new AckQueue(bus, 'S "quoted"'), sent }
  }

  test('sends what is readable, in order, and keeps the rest', () => {
    const { acks, sent } = queue()
    for (const seq of [1, 2, 5]) acks.wait(`reply.${seq}`, seq)
    acks.release(2)
    expect(sent.splice(0)).toEqual([
      'reply.1 {"stream":"S \\"quoted\\"","seq":1}',
      'reply.2 {"stream":"S \\"quoted\\"","seq":2}',
    ])
    expect(acks.waiting).toBe(1)
    acks.release(4)
    expect(sent).toEqual([])
    acks.release(5)
    expect(sent).toHaveLength(1)
    expect(acks.waiting).toBe(0)
  })

  test('cuts off what was sent when much waits', () => {
    const { acks, sent } = queue()
    for (let seq = 1; seq <= 10_000; seq++) acks.wait('reply.x', seq)
    for (let seq = 1; seq <= 10_000; seq += 700) acks.release(seq)
    expect(sent).toHaveLength(9801)
    acks.release(10_000)
    expect(sent).toHaveLength(10_000)
    expect(sent.at(-1)).toContain(':10000}')
  })

  test('sends other answers in their place, also behind a cut', () => {
    const { acks, sent } = queue()
    const told = (text: string) => new TextEncoder().encode(text)
    for (let seq = 1; seq <= 10_000; seq++) {
      acks.wait('reply.x', seq)
      if (seq % 1000 === 0) acks.waitToTell('reply.x', seq, told(`after ${seq}`))
    }
    for (const seq of [4500, 9999, 10_000]) acks.release(seq)
    expect(sent).toHaveLength(10_010)
    for (let thousand = 1; thousand <= 10; thousand++) {
      expect(sent[thousand * 1001 - 1]).toBe(`reply.x after ${thousand * 1000}`)
      expect(sent[thousand * 1001 - 2]).toContain(`:${thousand * 1000}}`)
    }
  })

  test('answers everyone who waits with the error', () => {
    const { acks, sent } = queue()
    acks.wait('reply.1', 1)
    acks.wait('reply.2', 2)
    acks.release(1)
    sent.length = 0
    acks.fail(new TextEncoder().encode('bad'))
    acks.release(9)
    expect(sent).toEqual(['reply.2 bad'])
  })
})
