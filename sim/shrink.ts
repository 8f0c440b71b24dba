/**
 * Makes a failing seed simpler while it fails in the same way: fewer steps, fewer actions, faults and features. What is switched
 * off changes what the seed's numbers mean for all that follows, so each try is a run of its own, and what still fails is kept.
 */
import type { RunOptions } from './faults.ts'
import { runSeed, type Scenario, switchesOf } from './run.ts'

export interface Shrunk {
  readonly options: RunOptions
  readonly problem: string
  readonly lines: number
  readonly tries: number
}

/** The first line of a problem without what differs from run to run. */
function kindOf(problem: string): string {
  return problem
    .split('\n')[0]
    .replace(/"[^"]*"|\{[^}]*\}/g, '')
    .replace(/\b[SDCmp]?\d+(\.\d+)?\b/g, 'N')
    .slice(0, 60)
}

/** Takes `forMs` at most, and what one run takes. */
export async function shrink(
  scenario: Scenario,
  seed: number,
  failing: RunOptions,
  problem: string,
  forMs: number,
): Promise<Shrunk> {
  const untilMs = performance.now() + forMs
  const kind = kindOf(problem)
  let best: Shrunk = { options: failing, problem, lines: Number.POSITIVE_INFINITY, tries: 0 }
  let tries = 0
  const fails = async (options: RunOptions): Promise<boolean> => {
    if (performance.now() > untilMs) return false
    tries++
    const { problem: found, lines, step } = await runSeed(scenario, seed, options)
    if (found === undefined || kindOf(found) !== kind) return false
    // The steps after the failing one were never made.
    const steps = Math.min(step + 1, options.steps ?? step + 1)
    best = { options: { ...options, steps }, problem: found, lines, tries }
    return true
  }
  await fails(failing)
  for (let improved = true; improved && performance.now() < untilMs; ) {
    improved = false
    for (const part of [0.25, 0.5, 0.75, 0.9]) {
      const steps = Math.floor((best.options.steps ?? 200) * part)
      if (steps > 0 && (await fails({ ...best.options, steps }))) improved = true
    }
    const without = best.options.without ?? []
    const left = switchesOf(scenario).filter((name) => !without.includes(name))
    // Half of them at once, then a quarter, then one by one.
    for (let size = Math.ceil(left.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 4)) {
      for (let at = 0; at < left.length; at += size) {
        const now = best.options.without ?? []
        const more = left.slice(at, at + size).filter((name) => !now.includes(name))
        if (more.length > 0 && (await fails({ ...best.options, without: [...now, ...more] }))) improved = true
      }
    }
  }
  return { ...best, tries }
}
