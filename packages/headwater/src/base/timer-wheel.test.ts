import { describe, expect, it } from 'vitest'
import { SeededRandom } from './testing/seeded-random.ts'
import { VirtualClock } from './testing/virtual-clock.ts'
import { TimerWheel } from './timer-wheel.ts'

function start(): { clock: VirtualClock; wheel: TimerWheel; fired: [key: number, atMs: number][] } {
  const clock = new VirtualClock(0)
  const fired: [number, number][] = []
  const wheel = new TimerWheel(clock, (keys) => {
    for (const key of keys) fired.push([key, clock.now()])
  })
  return { clock, wheel, fired }
}

describe('TimerWheel', () => {
  it.each([1, 63, 64, 65, 4095, 4096, 30_000, 3_600_000, 86_400_000 * 365 * 5])(
    'fires at its deadline: %d ms',
    (ms) => {
      const { clock, wheel, fired } = start()
      clock.advance(12.5)
      wheel.schedule(7, 12.5 + ms)
      clock.advance(ms - 0.5)
      expect(fired).toEqual([])
      clock.advance(1.5)
      expect(fired.map(([key]) => key)).toEqual([7])
      expect(fired[0][1] - ms - 12.5).toBeGreaterThanOrEqual(0)
      expect(fired[0][1] - ms - 12.5).toBeLessThan(1)
      expect(wheel.size).toBe(0)
      expect(clock.pending).toBe(0)
    },
  )

  it('replaces, cancels, and fires the overdue with the next tick', () => {
    const { clock, wheel, fired } = start()
    wheel.schedule(1, 50)
    wheel.schedule(1, 5000)
    wheel.schedule(2, 60)
    wheel.schedule(3, -10)
    expect(wheel.cancel(2)).toBe(true)
    expect(wheel.cancel(2)).toBe(false)
    expect(wheel.size).toBe(2)
    clock.advance(100)
    expect(fired).toEqual([[3, 1]])
    clock.advance(10_000)
    expect(fired[1]).toEqual([1, 5000])
  })

  it('gives all that is due in one call, soonest first, and takes new deadlines from it', () => {
    const clock = new VirtualClock(0)
    const calls: number[][] = []
    const wheel = new TimerWheel(clock, (keys) => {
      calls.push([...keys])
      if (calls.length === 1) wheel.schedule(9, clock.now() + 10)
    })
    wheel.schedule(5, 10)
    wheel.schedule(6, 10)
    wheel.schedule(4, 9)
    clock.advance(100)
    expect(calls).toEqual([[4], [5, 6], [9]])
  })

  it('bounds the next deadline from below, and forgets everything when closed', () => {
    const { clock, wheel, fired } = start()
    expect(wheel.next()).toBeUndefined()
    wheel.schedule(1, 40)
    expect(wheel.next()).toBe(40)
    wheel.close()
    expect([wheel.size, wheel.next(), clock.pending]).toEqual([0, undefined, 0])
    clock.advance(100)
    wheel.schedule(2, 200)
    clock.advance(200)
    expect(fired).toEqual([[2, 200]])
  })

  it('agrees with a plain map of deadlines under random use', () => {
    for (let seed = 1; seed <= 40; seed++) {
      const random = new SeededRandom(seed)
      const { clock, wheel, fired } = start()
      const deadlines = new Map<number, number>()
      const scales = [10, 100, 5000, 300_000, 20_000_000]
      for (let step = 0; step < 400; step++) {
        const key = random.below(60)
        const act = random.below(10)
        if (act < 5) {
          const atMs = clock.now() + random.below(random.pick(scales)) + random.pick([0, 0.25])
          wheel.schedule(key, atMs)
          deadlines.set(key, atMs)
        } else if (act < 7) {
          expect(wheel.cancel(key), `seed ${seed}`).toBe(deadlines.delete(key))
        } else {
          clock.advance(random.below(random.pick(scales)) + random.pick([0, 0.5]))
          for (const [due, firedAtMs] of fired.splice(0)) {
            const lateMs = firedAtMs - deadlines.get(due)!
            expect(lateMs >= 0 && lateMs <= 1, `seed ${seed}: key ${due} fired ${lateMs} ms late`).toBe(true)
            deadlines.delete(due)
          }
          const missed = [...deadlines].filter(([, atMs]) => atMs <= clock.now() - 1)
          expect(missed, `seed ${seed}`).toEqual([])
        }
        expect(wheel.size, `seed ${seed}`).toBe(deadlines.size)
      }
    }
  })
})
