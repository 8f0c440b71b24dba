import { describe, expect, it } from 'vitest'
import { VIRTUAL_START_MS, VirtualClock } from './virtual-clock.ts'

describe('VirtualClock', () => {
  it('fires in the order of time, equal times in the order asked for', () => {
    const clock = new VirtualClock()
    const fired: string[] = []
    clock.after(20, () => fired.push('c'))
    clock.after(10, () => fired.push('a'))
    clock.after(10, () => fired.push('b'))
    clock.advance(9)
    expect(fired).toEqual([])
    clock.advance(11)
    expect(fired).toEqual(['a', 'b', 'c'])
    expect(clock.now()).toBe(VIRTUAL_START_MS + 20)
  })

  it('shows each timer its own time, and fires what a timer asks for on the way', () => {
    const clock = new VirtualClock(0)
    const times: number[] = []
    const again = (): void => {
      times.push(clock.now())
      if (times.length < 3) clock.after(5, again)
    }
    clock.after(5, again)
    clock.advance(100)
    expect(times).toEqual([5, 10, 15])
    expect(clock.now()).toBe(100)
    expect(clock.pending).toBe(0)
  })

  it('does not fire what was cancelled', () => {
    const clock = new VirtualClock(0)
    const timer = clock.after(5, () => expect.unreachable())
    timer.cancel()
    timer.cancel()
    clock.advance(10)
    expect(clock.nextAtMs).toBeUndefined()
  })

  it('jumps to the next timer alone', () => {
    const clock = new VirtualClock(0)
    let fired = 0
    clock.after(1000, () => fired++)
    clock.after(2000, () => fired++)
    expect(clock.fireNext()).toBe(true)
    expect([fired, clock.now(), clock.nextAtMs]).toEqual([1, 1000, 2000])
    clock.fireNext()
    expect(clock.fireNext()).toBe(false)
  })
})
