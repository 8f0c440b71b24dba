/**
 * `npm run sim -- --seeds A..B` runs seeds; `--seed N --trace` replays one and prints what happened. `--twice` runs each seed
 * twice and compares the hashes of their traces; `--only store|engine` leaves the other half out; `--steps N` sets the length.
 * Ends with `N passed, N failed`, and exits 1 when a seed failed.
 */
import { parseArgs } from 'node:util'
import { runSeed, SCENARIOS, type Scenario } from './run.ts'

const { values } = parseArgs({
  options: {
    seeds: { type: 'string' },
    seed: { type: 'string' },
    only: { type: 'string' },
    steps: { type: 'string' },
    trace: { type: 'boolean', default: false },
    twice: { type: 'boolean', default: false },
    keep: { type: 'boolean', default: false },
  },
})

process.exit(await main())

async function main(): Promise<number> {
  const range = /^(\d+)(?:\.\.(\d+))?$/.exec(values.seeds ?? values.seed ?? '1..100')
  if (!range || (values.only && !(SCENARIOS as readonly string[]).includes(values.only))) {
    console.error(
      `usage: npm run sim -- [--seeds A..B | --seed N] [--trace] [--twice] [--only ${SCENARIOS.join('|')}] [--steps N] [--keep]`,
    )
    return 2
  }
  const first = Number(range[1])
  const last = Number(range[2] ?? range[1])
  const scenarios: readonly Scenario[] = values.only ? [values.only as Scenario] : SCENARIOS
  const startedMs = performance.now()
  let passed = 0
  let failed = 0
  let shownMs = startedMs
  for (let seed = first; seed <= last; seed++) {
    const problem = await tried(seed, scenarios)
    if (problem === undefined) passed++
    else {
      failed++
      console.error(
        `\nseed ${seed}: ${problem}\nreplay: npm run sim -- --seed ${seed} --trace${values.only ? ` --only ${values.only}` : ''}${values.steps ? ` --steps ${values.steps}` : ''}\n`,
      )
      if (!values.keep && failed >= 10) {
        console.error('ten seeds failed: stopping (--keep goes on)')
        break
      }
    }
    if (performance.now() - shownMs > 5_000) {
      shownMs = performance.now()
      const perSeedMs = (shownMs - startedMs) / (seed - first + 1)
      console.log(`seed ${seed} of ${first}..${last}, ${perSeedMs.toFixed(0)} ms each, ${failed} failed so far`)
    }
  }
  console.log(`${((performance.now() - startedMs) / 1000).toFixed(1)} s, seeds ${first}..${last}`)
  console.log(`${passed} passed, ${failed} failed`)
  return failed > 0 ? 1 : 0
}

/** Undefined when the seed holds, else what went wrong. */
async function tried(seed: number, scenarios: readonly Scenario[]): Promise<string | undefined> {
  for (const scenario of scenarios) {
    const options = { steps: values.steps ? Number(values.steps) : undefined }
    const once = await runSeed(scenario, seed, { ...options, print: values.trace ? console.log : undefined })
    if (values.trace) console.log(`${scenario} trace ${once.digest}, ${once.lines} lines`)
    if (once.problem !== undefined) return `${scenario}: ${once.problem}`
    if (!values.twice) continue
    const again = await runSeed(scenario, seed, options)
    if (again.digest !== once.digest) return `${scenario}: two runs differ: trace ${once.digest}, then ${again.digest}`
  }
  return undefined
}
