/** `npm run sim`: runs seeds, tells which failed and how to replay them, and what was exercised. Ends with `N passed, N failed`. */
import { parseArgs } from 'node:util'
import type { RunOptions } from './faults.ts'
import { REQUIRED } from './required.ts'
import { runSeed, SCENARIOS, type Scenario, switchesOf } from './run.ts'
import once from './seeds.json' with { type: 'json' }
import { shrink } from './shrink.ts'
import { SEEDS_OF_A_WHOLE_RUN, Statistics } from './statistics.ts'
import { Watchdog } from './watchdog.ts'

const PROGRESS_MS = 10_000
const SHRINK_SECONDS = 60
const HANG_MS = 120_000

const help = `The whole engine under a seed: simulated disk, clock, bus and faults, and a model of what must be true.

Usage: npm run sim -- [options]

  --seeds A..B       these seeds; 1..100 when left out
  --seed N           one seed
  --minutes N        seeds for so long, from the one that is printed; --from says which
  --from N           the first seed of --minutes
  --only NAME        one scenario: ${SCENARIOS.join(' or ')}
  --twice            runs each seed twice, and compares the hashes of their traces
  --trace            prints what happened
  --steps N          how long a life is; 200 when left out
  --without A,B      switches off actions, faults and features (see below)
  --version N        of the simulation under which the seed was written down; the newest when left out
  --shrink           makes each failed seed shorter and simpler, ${SHRINK_SECONDS} s at most; --minutes does so for the first three
  --keep             goes on after ten failed seeds
  --no-replay        leaves out the seeds of sim/seeds.json, which come first otherwise
  --help             this text

Each seed draws its own mix: sizes, weights of what clients do, how they handle messages, and which faults there are.
What --without knows:
${SCENARIOS.map((name) => `  ${name}: ${switchesOf(name).join(' ')}`).join('\n')}

At the end stands what was exercised. A run of ${SEEDS_OF_A_WHOLE_RUN} seeds or more fails when something that it must visit was
never visited; a shorter one says so.
Exits 1 when a seed failed, 2 when it could not be asked for.
`

/** Undefined when the words are not ours. */
function optionsOf() {
  try {
    return parseArgs({
      options: {
        seeds: { type: 'string' },
        seed: { type: 'string' },
        minutes: { type: 'string' },
        from: { type: 'string' },
        only: { type: 'string' },
        steps: { type: 'string' },
        without: { type: 'string' },
        version: { type: 'string' },
        trace: { type: 'boolean', default: false },
        twice: { type: 'boolean', default: false },
        shrink: { type: 'boolean', default: false },
        keep: { type: 'boolean', default: false },
        'no-replay': { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    }).values
  } catch (error) {
    console.error((error as Error).message)
    return undefined
  }
}

async function main(): Promise<number> {
  const values = optionsOf()
  if (values?.help) {
    console.log(help)
    return 0
  }
  const range = values && /^(\d+)(?:\.\.(\d+))?$/.exec(values.seeds ?? values.seed ?? '1..100')
  const isNumber = (text: string | undefined): boolean => text === undefined || /^\d+(\.\d+)?$/.test(text)
  const numbers = [values?.minutes, values?.from, values?.steps, values?.version]
  if (!range || !numbers.every(isNumber) || (values.only && !SCENARIOS.includes(values.only as Scenario))) {
    console.error(help)
    return 2
  }
  const run: RunOptions = {
    steps: values.steps === undefined ? undefined : Number(values.steps),
    version: values.version === undefined ? undefined : Number(values.version),
    without: values.without?.split(','),
  }
  const minutes = values.minutes === undefined ? undefined : Number(values.minutes)
  const first = minutes === undefined ? Number(range[1]) : Number(values.from ?? Math.floor(Date.now() / 1000) % 1e9)
  const last = minutes === undefined ? Number(range[2] ?? range[1]) : Number.POSITIVE_INFINITY
  const scenarios = values.only ? [values.only as Scenario] : SCENARIOS
  const runner = new Runner(values, scenarios, minutes !== undefined)
  if (values.seed === undefined && !values['no-replay']) await runner.replay()
  await runner.seeds(first, last, run, minutes === undefined ? Number.POSITIVE_INFINITY : minutes * 60_000)
  return runner.ended()
}

interface Asked {
  readonly trace?: boolean | undefined
  readonly twice?: boolean | undefined
  readonly shrink?: boolean | undefined
  readonly keep?: boolean | undefined
}

class Runner {
  readonly #asked: Asked
  readonly #scenarios: readonly Scenario[]
  readonly #isLong: boolean
  readonly #statistics = new Statistics()
  readonly #watchdog = new Watchdog(HANG_MS)
  readonly #startedMs = performance.now()
  readonly #failures: string[] = []
  #passed = 0
  #failed = 0
  #ran = 0

  constructor(asked: Asked, scenarios: readonly Scenario[], isLong: boolean) {
    this.#asked = asked
    this.#scenarios = scenarios
    this.#isLong = isLong
  }

  /** Every seed that ever failed, under the version in which it did. */
  async replay(): Promise<void> {
    const known = once.filter(({ scenario }) => this.#scenarios.includes(scenario as Scenario))
    for (const { scenario, seed, version } of known) await this.#try(seed, [scenario as Scenario], { version })
    console.log(`${known.length} seeds that failed once, ${this.#failed} failed`)
  }

  async seeds(first: number, last: number, run: RunOptions, forMs: number): Promise<void> {
    if (this.#isLong) console.log(`${forMs / 60_000} minutes from seed ${first}`)
    const startedMs = performance.now()
    let shownMs = startedMs
    let seed = first
    for (; seed <= last && performance.now() - startedMs < forMs; seed++) {
      await this.#try(seed, this.#scenarios, run)
      this.#ran++
      if (!this.#asked.keep && !this.#isLong && this.#failed >= 10) {
        console.error('ten seeds failed: stopping (--keep goes on)')
        break
      }
      if (performance.now() - shownMs < PROGRESS_MS) continue
      shownMs = performance.now()
      const seconds = ((shownMs - startedMs) / 1000).toFixed(0)
      const eachMs = ((shownMs - startedMs) / this.#ran).toFixed(0)
      console.log(`${seconds} s: seed ${seed}, ${this.#ran} seeds, ${eachMs} ms each, ${this.#failed} failed so far`)
    }
    console.log(`seeds ${first}..${Math.min(last, seed - 1)}`)
  }

  /** Prints what was exercised and how it went; the exit code. */
  ended(): number {
    this.#watchdog.ends()
    if (this.#ran > 1) this.#tellStatistics()
    if (this.#failures.length > 0) console.error(`\nfailed:\n${this.#failures.join('\n')}`)
    console.log(`${((performance.now() - this.#startedMs) / 1000).toFixed(1)} s`)
    console.log(`${this.#passed} passed, ${this.#failed} failed`)
    return this.#failed > 0 ? 1 : 0
  }

  #tellStatistics(): void {
    console.log(`\nwhat was exercised:\n${this.#statistics.table()}\n`)
    const never = this.#statistics.never(this.#scenarios.flatMap((scenario) => REQUIRED[scenario]))
    if (never.length === 0) return
    const isWhole = this.#ran >= SEEDS_OF_A_WHOLE_RUN
    console.error(`NEVER VISITED${isWhole ? '' : ' (a short run)'}: ${never.join('; ')}\n`)
    if (isWhole) {
      this.#failed++
      this.#failures.push(`${never.length} corners were never visited`)
    }
  }

  async #try(seed: number, scenarios: readonly Scenario[], run: RunOptions): Promise<void> {
    for (const scenario of scenarios) {
      this.#watchdog.begins(`${scenario} seed ${seed}, ${commandOf(scenario, seed, run)}`)
      const problem = await this.#problemOf(scenario, seed, run)
      if (problem === undefined) continue
      this.#failed++
      console.error(`\n${scenario} seed ${seed}: ${problem}\nreplay: ${commandOf(scenario, seed, run)} --trace`)
      this.#failures.push(commandOf(scenario, seed, run))
      if (this.#asked.shrink || (this.#isLong && this.#failed <= 3)) await this.#shrink(scenario, seed, run, problem)
      return
    }
    this.#passed++
  }

  /** Undefined when the seed holds, else what went wrong. */
  async #problemOf(scenario: Scenario, seed: number, run: RunOptions): Promise<string | undefined> {
    const print = (line: string): void => {
      this.#watchdog.beat(line)
      if (this.#asked.trace) console.log(line)
    }
    const one = await runSeed(scenario, seed, { ...run, print })
    this.#statistics.add(one.statistics)
    if (this.#asked.trace) console.log(`${scenario} trace ${one.digest}, ${one.lines} lines`)
    if (one.problem !== undefined)
      return `${one.problem}\n  before it:\n${one.recent
        .slice(-5)
        .map((line) => `  ${line}`)
        .join('\n')}`
    if (!this.#asked.twice) return undefined
    const again = await runSeed(scenario, seed, run)
    return again.digest === one.digest ? undefined : `two runs differ: trace ${one.digest}, then ${again.digest}`
  }

  async #shrink(scenario: Scenario, seed: number, run: RunOptions, problem: string): Promise<void> {
    this.#watchdog.begins(`making ${scenario} seed ${seed} shorter`)
    const shrunk = await shrink(scenario, seed, run, problem, SHRINK_SECONDS * 1000)
    const command = commandOf(scenario, seed, shrunk.options)
    console.error(`shorter (${shrunk.tries} tries, ${shrunk.lines} lines): ${shrunk.problem}\n  ${command} --trace`)
  }
}

function commandOf(scenario: Scenario, seed: number, { steps, without, version }: RunOptions): string {
  const words = ['npm run sim --', `--seed ${seed}`, `--only ${scenario}`]
  if (steps !== undefined) words.push(`--steps ${steps}`)
  if (without?.length) words.push(`--without ${without.join(',')}`)
  if (version !== undefined) words.push(`--version ${version}`)
  return words.join(' ')
}

process.exit(await main())
