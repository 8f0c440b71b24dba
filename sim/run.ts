/** Runs one seed of one scenario, and tells how it went. */
import { NO_EXTRAS, type RunOptions, SWITCHES } from './faults.ts'
import type { Statistics } from './statistics.ts'
import { STORE_SWITCHES } from './store-workload.ts'
import { runStoreSeed } from './store-world.ts'
import { Trace } from './trace.ts'
import { runEngineSeed } from './world.ts'

/** `store`: the store alone. `engine`: store and jetstream together. */
export const SCENARIOS = ['store', 'engine'] as const
export type Scenario = (typeof SCENARIOS)[number]

/** The extras that the store's scenario has too. */
const STORE_EXTRAS = ['fullDisk', 'rot', 'hoursDown', 'crashAgain', 'readFailure']

export interface Outcome {
  /** Of everything that happened. */
  readonly digest: string
  readonly lines: number
  /** What was not as it must be; undefined when all was. */
  readonly problem: string | undefined
  /** The step in which it failed, or the last. */
  readonly step: number
  readonly statistics: Statistics
  /** The last lines of the trace. */
  readonly recent: readonly string[]
}

const runners: Record<Scenario, (seed: number, trace: Trace, options: RunOptions) => Promise<void>> = {
  store: runStoreSeed,
  engine: runEngineSeed,
}

export async function runSeed(
  scenario: Scenario,
  seed: number,
  options: RunOptions & { print?: ((line: string) => void) | undefined } = {},
): Promise<Outcome> {
  const trace = new Trace(options.print)
  // An error that nobody waited for is a failure of the seed too.
  let stray: unknown
  const onStray = (error: unknown): void => {
    stray ??= error
  }
  process.on('unhandledRejection', onStray)
  let problem: unknown
  try {
    await runners[scenario](seed, trace, options)
  } catch (error) {
    problem = error
  } finally {
    process.off('unhandledRejection', onStray)
  }
  problem ??= stray
  const lines = trace.lines
  const { step, statistics, recent } = trace
  return {
    digest: trace.digest(),
    lines,
    problem: problem === undefined ? undefined : textOf(problem),
    step,
    statistics,
    recent,
  }
}

function textOf(problem: unknown): string {
  if (!(problem instanceof Error)) return String(problem)
  return problem.name === 'Violation' ? problem.message : (problem.stack ?? problem.message)
}

/** What can be switched off in a scenario. */
export function switchesOf(scenario: Scenario): readonly string[] {
  return scenario === 'engine' ? SWITCHES : [...STORE_EXTRAS.filter((name) => name in NO_EXTRAS), ...STORE_SWITCHES]
}
