import { describe, expect, it } from 'vitest'
import { runSeed, SCENARIOS } from './run.ts'
import once from './seeds.json' with { type: 'json' }

const replay = (scenario: string, seed: number): string => `npm run sim -- --seed ${seed} --trace --only ${scenario}`

describe.each(SCENARIOS)('simulation of the %s', (scenario) => {
  it.each([1, 2, 3])('holds for seed %d', async (seed) => {
    const { problem } = await runSeed(scenario, seed)
    expect(problem, replay(scenario, seed)).toBeUndefined()
  })

  it('does the same twice', async () => {
    const [first, second] = [await runSeed(scenario, 7), await runSeed(scenario, 7)]
    expect(first.lines).toBeGreaterThan(100)
    expect(second).toEqual(first)
    expect((await runSeed(scenario, 8)).digest).not.toBe(first.digest)
  })
})

describe('seeds that failed once', () => {
  it.each(once)('$scenario $seed: $found', async ({ scenario, seed, version }) => {
    const { problem } = await runSeed(scenario as (typeof SCENARIOS)[number], seed, { version })
    expect(problem, replay(scenario, seed)).toBeUndefined()
  })
})
