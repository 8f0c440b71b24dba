/**
 * The corruption matrix, sampled; HEADWATER_MATRIX=whole takes every byte and every length (minutes).
 * HEADWATER_MATRIX=whole npx vitest run --project unit store/corruption
 */
import { describe, expect, test } from 'vitest'
import { type Ending, everyHarm, judge, makeSubject, type Stop } from './corruption.case.ts'

const WHOLE = process.env.HEADWATER_MATRIX === 'whole'
const SAMPLES = 150

describe.each<Stop>(['clean', 'killed', 'young', 'young-killed', 'turning'])('a folder after a %s stop', (stop) => {
  test('of which one byte is flipped, one file is cut or missing', async () => {
    const subject = await makeSubject(stop)
    const harms = [...everyHarm(subject)]
    const stride = WHOLE ? 1 : Math.max(1, Math.floor(harms.length / SAMPLES))
    const counts = new Map<string, number>()
    const faults: string[] = []
    for (const [i, harm] of harms.entries()) {
      if (i % stride !== 0 && harm.what !== 'missing') continue
      const ending: Ending | 'wrong' = await judge(subject, harm).catch((error) => {
        faults.push((error as Error).message)
        return 'wrong' as const
      })
      const key = `${harm.what} ${ending}`
      counts.set(key, (counts.get(key) ?? 0) + 1)
    }
    if (WHOLE)
      console.info(
        stop,
        [...counts]
          .sort()
          .map(([key, count]) => `${key} ${count}`)
          .join(', '),
      )
    expect(faults).toEqual([])
    // What the journal has from the beginning is made again from it.
    for (const ending of stop !== 'clean' && stop !== 'killed'
      ? ['whole', 'refused']
      : ['whole', 'reported', 'refused']) {
      expect(
        [...counts.keys()].some((key) => key.endsWith(ending)),
        ending,
      ).toBe(true)
    }
  }, 3_600_000)
})
