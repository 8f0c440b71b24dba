import { expect, it } from 'vitest'
import { SeededRandom } from '../../base/testing/seeded-random.ts'
import { ReadyQueue } from './ready-queue.ts'

it('gives the first that was added and is still there, as a list would', () => {
  for (let seed = 1; seed <= 20; seed++) {
    const random = new SeededRandom(seed)
    const queue = new ReadyQueue()
    let model: number[] = []
    for (let step = 0; step < 500; step++) {
      const seq = 1 + random.below(30)
      const what = random.below(5)
      if (what < 2) {
        queue.add(seq)
        if (!model.includes(seq)) model.push(seq)
      } else if (what === 2) {
        expect(queue.remove(seq)).toBe(model.includes(seq))
        model = model.filter((other) => other !== seq)
      } else if (model.length > 0) {
        queue.remove(queue.first())
        model.shift()
      }
      expect([queue.first(), queue.size], `seed ${seed}, step ${step}`).toEqual([model[0] ?? 0, model.length])
    }
  }
})
