import { expect, it } from 'vitest'
import { SeededRandom } from '../base/testing/seeded-random.ts'
import { Run } from './run.ts'
import { StreamIndex } from './stream-index.ts'

const KEYS = 3000
const HISTORY = 3

function publish(index: StreamIndex, key: number): void {
  index.add(index.lastSeq, index.subjects.idOf(`key.${key}`), 1)
}

/** As a flush or a compaction does: the living entries of the oldest run take its place. */
function rewriteOldest(index: StreamIndex): void {
  const run = index.runs[0]
  if (run === index.tail) return
  const copy = new Run(run.seqOf(run.nextLiving(0)), run.live)
  copy.offsets = new Uint32Array(run.live)
  for (let i = run.nextLiving(0); i < run.n; i = run.nextLiving(i + 1)) {
    copy.offsets[copy.n] = run.seqOf(i) - copy.first
    copy.push(0, run.ids[i])
  }
  index.replace(run, copy)
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
      if (key === 1000) {
        index.startTail()
        rewriteOldest(index)
      }
    }
    return index.searched - before
  }
  // The first subjects lost a message before its link was made: they search once more.
  round()
  round()
  round()
  expect(round()).toBe(0)
})

it('subjects that lost their first messages with the head of the log do not search one by one', () => {
  const index = new StreamIndex()
  for (let i = 0; i < KEYS * 10; i++) {
    publish(index, i % KEYS)
    if (i % 5000 === 0) index.startTail()
  }
  const removeHead = (count: number): void => {
    for (let left = count; left > 0; left--) {
      const run = index.runOf(index.firstSeq)
      if (run) index.remove(run, run.find(index.firstSeq), 1)
    }
  }
  const settleAll = (): void => {
    for (const id of index.subjects.ids()) expect(index.firstOf(id)).toBe(index.nextOfSubject(id, 0))
  }
  removeHead(KEYS * 2)
  settleAll()
  const searched = index.searched
  expect(searched).toBeLessThan(KEYS * 20)
  removeHead(KEYS * 4)
  settleAll()
  expect(index.searched).toBe(searched)
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
      if (random.below(4000) === 0) rewriteOldest(index)
      if (i % 997 !== 0) continue
      for (const used of index.subjects.ids()) {
        expect(index.firstOf(used)).toBe(index.nextOfSubject(used, 0))
      }
    }
  },
)
