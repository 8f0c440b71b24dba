import { describe, expect, test } from 'vitest'
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
})
