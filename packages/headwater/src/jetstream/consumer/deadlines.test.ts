import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { VirtualClock } from '../../base/testing/virtual-clock.ts'
import { Deadlines } from './deadlines.ts'

describe('deadlines', () => {
  test('each is told once it is due, whatever is scheduled, changed and cancelled', () => {
    const step = fc.record({
      what: fc.constantFrom('schedule', 'schedule', 'schedule', 'cancel', 'advance'),
      seq: fc.integer({ min: 1, max: 200 }),
      ms: fc.constantFrom(0, 1, 3, 1000, 1000, 1000, 1000.5, 5000),
    })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
        const clock = new VirtualClock(1_000_000)
        const due = new Map<number, number>()
        const deadlines = new Deadlines(clock, {
          dueMs: (seq) => due.get(seq) ?? 0,
          expired: (seqs) => {
            for (const seq of seqs) if ((due.get(seq) ?? Number.POSITIVE_INFINITY) <= clock.now()) due.delete(seq)
          },
        })
        for (const { what, seq, ms } of steps) {
          if (what === 'schedule') {
            due.set(seq, clock.now() + ms)
            deadlines.schedule(seq, clock.now() + ms)
          } else if (what === 'cancel') {
            due.delete(seq)
            deadlines.cancel(seq)
          } else clock.advance(ms)
          // A wheel is late by less than two milliseconds.
          for (const [late, atMs] of due) expect(atMs, `${late}`).toBeGreaterThan(clock.now() - 2)
        }
        clock.advance(10_000)
        expect(due.size).toBe(0)
        expect(clock.pending).toBe(0)
      }),
    )
  })

  test('a million that are settled leave no line behind one that is not', () => {
    const clock = new VirtualClock(0)
    const due = new Map<number, number>([[1, 1000]])
    const told: number[] = []
    let asked = 0
    const deadlines = new Deadlines(clock, {
      dueMs: (seq) => {
        asked++
        return due.get(seq) ?? 0
      },
      expired: (seqs) => told.push(...seqs),
    })
    for (let seq = 1; seq <= 1_000_000; seq++) deadlines.schedule(seq, 1000)
    expect(asked).toBeLessThan(1_100_000)
    clock.advance(1000)
    expect(told).toEqual([1])
  })
})
