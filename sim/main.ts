/** `npm run sim`: runs seeds, tells which failed and how to replay them. Ends with `N passed, N failed`. */
import { parseArgs } from 'node:util'
import { runSeed, SCENARIOS, type Scenario } from './run.ts'

const help = `The whole engine under a seed: simulated disk, clock, bus and faults, and a model of what must be true.

Usage: npm run sim -- [options]

  --seeds A..B   these seeds; 1..100 when left out
  --seed N       one seed
  --trace        prints what happened
  --twice        runs each seed twice, and compares the hashes of their traces
  --only NAME    one scenario: ${SCENARIOS.join(' or ')}
  --steps N      how long a life is
  --keep         goes on after ten failed seeds
  --help         this text

Exits 1 when a seed failed, 2 when it could not be asked for.
`

/** Undefined when the words are not ours. */
function options() {
  try {
    return parseArgs({
      options: {
        seeds: { type: 'string' },
        seed: { type: 'string' },
        only: { type: 'string' },
        steps: { type: 'string' },
        trace: { type: 'boolean', default: false },
        twice: { type: 'boolean', default: false },
        keep: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    }).values
  } catch (error) {
    console.error((error as Error).message)
    return undefined
  }
}

process.exit(await main())

async function main(): Promise<number> {
  const values = options()
  if (values?.help) {
    console.log(help)
    return 0
  }
  const range = values && /^(\d+)(?:\.\.(\d+))?$/.exec(values.seeds ?? values.seed ?? '1..100')
  if (!range || (values.only && !(SCENARIOS as readonly string[]).includes(values.only))) {
    console.error(help)
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
    const problem = await tried(seed, scenarios, values)
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
async function tried(
  seed: number,
  scenarios: readonly Scenario[],
  values: { steps?: string; trace?: boolean; twice?: boolean },
): Promise<string | undefined> {
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
