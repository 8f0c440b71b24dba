import { describe, expect, test } from 'vitest'
import { KEPT_IDS_MAX, KEPT_LENGTH_MAX } from '../../store/kept-ids.ts'
import { DedupeWindow } from './dedupe.ts'

describe('the duplicate window', () => {
  test('remembers an id until the window has passed', () => {
    const window = new DedupeWindow(1000)
    window.record('a', 1, 0)
    window.record('b', 2, 500)
    expect(window.find('a', 999)).toBe(1)
    expect(window.find('a', 1000)).toBeUndefined()
    expect(window.find('b', 1499)).toBe(2)
    expect(window.find('b', 1500)).toBeUndefined()
    expect(window.size).toBe(0)
  })

  test('keeps an id that came again after its first window', () => {
    const window = new DedupeWindow(1000)
    window.record('a', 1, 0)
    window.record('a', 9, 1000)
    expect(window.find('a', 1500)).toBe(9)
    expect(window.find('a', 2000)).toBeUndefined()
  })

  test('holds no more than comes in one window', () => {
    const window = new DedupeWindow(100)
    for (let i = 0; i < 20_000; i++) {
      window.find(`${i}`, i)
      window.record(`${i}`, i, i)
    }
    expect(window.size).toBeLessThanOrEqual(101)
    expect(window.find('19950', 20_000)).toBe(19_950)
  })

  test('of nothing remembers nothing; a shorter one forgets sooner', () => {
    const off = new DedupeWindow(0)
    off.record('a', 1, 0)
    expect(off.find('a', 0)).toBeUndefined()
    const window = new DedupeWindow(1000)
    window.record('a', 1, 0)
    window.setWindow(100)
    expect(window.find('a', 200)).toBeUndefined()
    window.record('b', 2, 300)
    window.setWindow(0)
    expect(window.size).toBe(0)
  })

  test('gives a checkpoint its newest ids, without those that a start reads from the journal', () => {
    const window = new DedupeWindow(100_000)
    window.record('old', 1, -30_000)
    for (let i = 1; i <= KEPT_IDS_MAX + 5; i++) window.record(`id${i}`, i + 1, i)
    const kept = window.kept(80_000, (seq) => seq === KEPT_IDS_MAX + 6)
    expect(kept).toHaveLength(KEPT_IDS_MAX)
    expect(kept[0]).toEqual({ id: 'id5', seq: 6, atMs: 5 })
    expect(kept.at(-1)?.seq).toBe(KEPT_IDS_MAX + 5)
    expect(window.kept(100_002, () => false)[0].seq).toBeGreaterThan(1)
    window.setWindow(0)
    expect(window.kept(80_000, () => false)).toEqual([])
  })

  test('keeps long ids within a bound of their own', () => {
    const window = new DedupeWindow(1000)
    for (let i = 1; i <= 9; i++) window.record('x'.repeat(KEPT_LENGTH_MAX / 4), i, i)
    expect(window.kept(10, () => false).map(({ seq }) => seq)).toEqual([6, 7, 8, 9])
    // One whose window ended is not kept.
    expect(window.kept(1008, () => false).map(({ seq }) => seq)).toEqual([9])
  })
})
