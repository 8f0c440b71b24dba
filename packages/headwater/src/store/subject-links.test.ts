import { expect, it } from 'vitest'
import { SeededRandom } from '../base/testing/seeded-random.ts'
import { StreamIndex } from './stream-index.ts'

const KEYS = 3000
const HISTORY = 3

function publish(index: StreamIndex, key: number): void {
  index.add(index.lastSeq, index.subjects.idOf(`key.${key}`), 1)
}

function trim(index: StreamIndex, key: number): void {
  const id = index.subjects.find(`key.${key}`)
  while (index.subjects.counts[id] > HISTORY) {
    const seq = index.firstOf(id)
    const run = index.runOf(seq)
    if (!run) throw new Error(`the first message of ${key} is in no run`)
    index.remove(run, run.find(seq), 1)
  }
}

it('a subject at its limit finds its next message without a search, once the links are there', () => {
  const index = new StreamIndex()
  for (let i = 0; i < KEYS * HISTORY; i++) publish(index, i % KEYS)
  const round = (): number => {
    const before = index.searched
    for (let key = 0; key < KEYS; key++) {
      publish(index, key)
      trim(index, key)
    }
    return index.searched - before
  }
  // The first subjects lost a message before its link was made: they search once more.
  round()
  round()
  round()
  expect(round()).toBe(0)
})

it.each([1, 2, 3, 4, 5])(
  'links lead to what a search finds, whatever leaves and whatever comes back (seed %i)',
  (seed) => {
    const random = new SeededRandom(seed)
    const index = new StreamIndex()
    const keys = 2000
    for (let i = 0; i < 40_000; i++) {
      publish(index, random.below(keys))
      const id = index.subjects.find(`key.${random.below(keys)}`)
      if (index.subjects.counts[id] > 0) {
        // The first, or one from anywhere.
        const seq = random.below(3) === 0 ? index.next(1 + random.below(index.lastSeq)) : index.firstOf(id)
        const run = seq === 0 ? undefined : index.runOf(seq)
        if (run) index.remove(run, run.find(seq), 1)
      }
      if (random.below(2000) === 0) index.startTail()
      if (i % 997 !== 0) continue
      for (const used of index.subjects.ids()) {
        expect(index.firstOf(used)).toBe(index.nextOfSubject(used, 0))
      }
    }
  },
)
