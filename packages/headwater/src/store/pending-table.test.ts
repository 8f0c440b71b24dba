import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Pending } from './consumer-progress.ts'
import { PendingTable } from './pending-table.ts'

const BASES = [1, 2 ** 31 - 8, 2 ** 32 - 8, 2 ** 40]

describe('the pending table', () => {
  test('is a map in order of insertion, whatever is put in and taken out', () => {
    const step = fc.record({
      what: fc.constantFrom('insert', 'insert', 'insert', 'delete', 'redeliver'),
      // Some share a place in the table: 16 and 64 apart.
      seq: fc.oneof(
        fc.integer({ min: 0, max: 40 }),
        fc.integer({ min: 0, max: 5 }).map((n) => n * 16),
        fc.integer({ min: 0, max: 5 }).map((n) => n * 64),
      ),
      base: fc.constantFrom(...BASES),
      number: fc.integer({ min: 1, max: 2 ** 40 }),
    })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const table = new PendingTable()
        const map = new Map<number, Pending>()
        for (const { what, seq: offset, base, number } of steps) {
          const seq = base + offset
          if (what === 'delete') expect(table.delete(seq)).toBe(map.delete(seq))
          else if (what === 'insert') {
            if (map.has(seq)) continue
            table.insert(seq, number, number + 1, 1, number + 2)
            map.set(seq, {
              firstConsumerSeq: number,
              consumerSeq: number + 1,
              deliveries: 1,
              deliveredAtMs: number + 2,
            })
          } else if (map.has(seq)) {
            table.redelivered(table.find(seq), number, 2, 7)
            Object.assign(map.get(seq) as Pending, { consumerSeq: number, deliveries: 2, deliveredAtMs: 7 })
          }
          expect(table.get(seq)).toEqual(map.get(seq))
          expect(table.size).toBe(map.size)
          expect(table.oldest).toBe([...map.keys()][0] ?? 0)
        }
        expect(table.entries()).toEqual([...map])
        expect(table.keys()).toEqual([...map.keys()])
        expect(table.countRedelivered()).toBe([...map.values()].filter((p) => p.deliveries > 1).length)
        for (const seq of map.keys()) expect(table.firstConsumerSeqOf(seq)).toBe(map.get(seq)?.firstConsumerSeq)
      }),
    )
  })

  test('what is not there has no numbers', () => {
    const table = new PendingTable()
    table.insert(5, 1, 1, 1, 1)
    expect([table.find(4), table.deliveriesOf(4), table.consumerSeqOf(4), table.firstConsumerSeqOf(4)]).toEqual([
      -1, 0, 0, 0,
    ])
  })

  test('finds those up to a sequence', () => {
    const table = new PendingTable()
    for (const seq of [3, 5, 9, 4]) table.insert(seq, seq, seq, 1, 1)
    expect(table.keysThrough(5, false)).toEqual([3, 5, 4])
    expect(table.keysThrough(5, true)).toEqual([3, 5])
  })
})
