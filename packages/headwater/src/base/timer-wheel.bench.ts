/** Schedule and cancel, as a consumer does for every delivery and ack: the cost of a pair with few and many pending. */
import { bench, describe } from 'vitest'
import { VirtualClock } from './testing/virtual-clock.ts'
import { TimerWheel } from './timer-wheel.ts'

describe.each([1_000, 100_000, 1_000_000])('%d pending', (pending) => {
  const clock = new VirtualClock(0)
  const wheel = new TimerWheel(clock, () => {})
  let key = 0
  while (key < pending) wheel.schedule(key++, 30_000 + key / 100)

  bench('1,000 times: schedule the next, cancel the oldest', () => {
    for (let n = 0; n < 1000; n++) {
      wheel.schedule(key, 30_000 + key / 100)
      wheel.cancel(key - pending)
      key++
    }
  })
})
