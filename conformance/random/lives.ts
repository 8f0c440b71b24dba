/** Random lives of streams, one a seed: `--seeds A..B` runs others. */
import type { Case, Group } from '../support/case.ts'
import { type Kind, Workload } from './workload.ts'

const steps = 80

/** Cases for the seeds from `first` to `last`, for every kind of retention. */
export function randomLives(first: number, last: number): Group {
  const cases: Case[] = []
  for (const kind of ['limits', 'workqueue', 'interest'] as const satisfies readonly Kind[]) {
    for (let seed = first; seed <= last; seed++) {
      cases.push({
        name: `${kind}, seed ${seed}`,
        repeatable: true,
        async run(t) {
          await new Workload(t, await t.js(), kind, seed, false).run(steps)
        },
      })
      if (seed % 5 !== 0) continue
      cases.push({
        name: `${kind} with restarts, seed ${seed}`,
        repeatable: true,
        server: { fresh: true },
        async run(t) {
          await new Workload(t, await t.js(), kind, seed, true).run(steps)
        },
      })
    }
  }
  return { name: 'random', cases }
}
