import { expect, test } from 'vitest'
import { SeededRandom } from '../base/testing/seeded-random.ts'
import { countClear, isSet, lastClear, makeBits, nextClear, setBit } from './dead-bits.ts'

test.each([1, 2, 3])('agree with an array of booleans, seed %i', (seed) => {
  const random = new SeededRandom(seed)
  for (const n of [1, 31, 32, 33, 64, 100]) {
    const bits = makeBits(n)
    const dead = new Array<boolean>(n).fill(false)
    for (let step = 0; step < 2 * n; step++) {
      const i = random.below(n)
      setBit(bits, i)
      dead[i] = true
      const from = random.below(n)
      expect(isSet(bits, from)).toBe(dead[from])
      const next = dead.indexOf(false, from)
      expect(nextClear(bits, from, n), `seed ${seed}`).toBe(next < 0 ? n : next)
      expect(lastClear(bits, from), `seed ${seed}`).toBe(dead.lastIndexOf(false, from))
      expect(countClear(bits, from, n), `seed ${seed}`).toBe(dead.slice(from).filter((d) => !d).length)
    }
  }
})
