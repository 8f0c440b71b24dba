import { expect, it } from 'vitest'
import { SeededRandom } from './seeded-random.ts'

const first = (seed: number, count = 20): number[] => {
  const random = new SeededRandom(seed)
  return Array.from({ length: count }, () => random.below(1000))
}

it('repeats itself for a seed, and differs for its neighbour', () => {
  expect(first(7)).toEqual(first(7))
  expect(first(7)).not.toEqual(first(8))
  expect(first(0)).not.toEqual(first(1))
})

it('spreads evenly and stays inside its bound', () => {
  const random = new SeededRandom(1)
  const counts = new Array(10).fill(0)
  for (let n = 0; n < 100_000; n++) counts[random.below(10)]++
  for (const count of counts) expect(Math.abs(count - 10_000)).toBeLessThan(500)
  for (let n = 0; n < 1000; n++) expect(random.below(2 ** 32)).toBeLessThan(2 ** 32)
  const between = new Set(Array.from({ length: 200 }, () => random.between(3, 5)))
  expect([...between].sort()).toEqual([3, 4, 5])
})

it('draws bytes, chances and picks', () => {
  const random = new SeededRandom(3)
  expect(random.bytes(5)).toHaveLength(5)
  expect(random.chance(0)).toBe(false)
  expect(random.chance(1)).toBe(true)
  expect(['a', 'b']).toContain(random.pick(['a', 'b']))
  expect(random.fork().bits()).not.toBe(random.bits())
})
