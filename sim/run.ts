/** Runs one seed of one scenario, and tells how it went. */
import { runStoreSeed } from './store-world.ts'
import { Trace } from './trace.ts'
import { runEngineSeed } from './world.ts'

/** `store`: the store alone. `engine`: store and jetstream together. */
export const SCENARIOS = ['store', 'engine'] as const
export type Scenario = (typeof SCENARIOS)[number]

export interface Outcome {
  /** Of everything that happened. */
  readonly digest: string
  readonly lines: number
  /** What was not as it must be; undefined when all was. */
  readonly problem: string | undefined
}

const runners: Record<Scenario, (seed: number, trace: Trace, steps?: number) => Promise<void>> = {
  store: runStoreSeed,
  engine: runEngineSeed,
}

export async function runSeed(
  scenario: Scenario,
  seed: number,
  options: { steps?: number; print?: (line: string) => void } = {},
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
    await runners[scenario](seed, trace, options.steps)
  } catch (error) {
    problem = error
  } finally {
    process.off('unhandledRejection', onStray)
  }
  problem ??= stray
  const lines = trace.lines
  return { digest: trace.digest(), lines, problem: problem === undefined ? undefined : textOf(problem) }
}

function textOf(problem: unknown): string {
  if (!(problem instanceof Error)) return String(problem)
  return problem.name === 'Violation' ? problem.message : (problem.stack ?? problem.message)
}
