/** The conformance suite on the command line: one suite, two targets. `npm run conformance -- [--target headwater|judge|both] [--only text] [--seeds A..B] [--list] [--docs] [--times] [--observations]` */
import { spawnSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { differencesPage } from './differences.ts'
import { randomLives } from './random/lives.ts'
import { groups } from './suite.ts'
import type { Group } from './support/case.ts'
import { cloneRoot, findJudge } from './support/find-judge.ts'
import { headwaterTarget } from './support/headwater-target.ts'
import { judgeTarget } from './support/judge-target.ts'
import { OfficialSchemas } from './support/official-schemas.ts'
import { firstDifference, type NamedCase, namedCases, type Outcome, runOn } from './support/runner.ts'
import type { Target, TargetName } from './support/target.ts'

const { values } = parseArgs({
  options: {
    target: { type: 'string', default: 'both' },
    only: { type: 'string', multiple: true },
    seeds: { type: 'string', default: '1..20' },
    list: { type: 'boolean', default: false },
    docs: { type: 'boolean', default: false },
    'at-once': { type: 'string', default: '8' },
    times: { type: 'boolean', default: false },
    observations: { type: 'boolean', default: false },
  },
})

process.exitCode = await main()

async function main(): Promise<number> {
  if (!['headwater', 'judge', 'both'].includes(values.target)) {
    console.error(`--target is headwater, judge or both, not ${values.target}`)
    return 2
  }
  if (values.docs) return writeDocs()
  const cases = namedCases([...groups, randomGroup()]).filter(
    ({ name }) => !values.only || values.only.some((text) => name.includes(text)),
  )
  if (values.list) {
    for (const { name } of cases) console.log(name)
    console.log(`${cases.length} cases`)
    return 0
  }
  const targets = await chooseTargets()
  if (!targets) return 1
  const schemas = OfficialSchemas.find()
  if (!schemas)
    console.log('The official JSON schemas are not here (HEADWATER_SHARED): checks against them are skipped.')
  console.log(`${cases.length} cases on ${targets.map((target) => target.description).join(' and ')}`)
  const startedMs = performance.now()
  const results = await runAll(targets, cases, schemas)
  const failed = report(results)
  const total = targets.length * cases.length
  const seconds = ((performance.now() - startedMs) / 1000).toFixed(1)
  if (schemas) console.log(`${schemas.checked} replies and events checked against the official JSON schemas`)
  console.log(`${cases.length} cases, ${targets.length} target${targets.length === 1 ? '' : 's'}, ${seconds} s`)
  console.log(`${total - failed} passed, ${failed} failed`)
  return failed > 0 || total === 0 ? 1 : 0
}

function randomGroup(): Group {
  const [first, last = first] = values.seeds.split('..').map(Number)
  return randomLives(first, last)
}

function writeDocs(): number {
  mkdirSync(join(cloneRoot, 'docs'), { recursive: true })
  writeFileSync(join(cloneRoot, 'docs', 'differences.md'), differencesPage())
  console.log('docs/differences.md is written')
  return 0
}

/** Undefined when the judge must be there and is not. */
async function chooseTargets(): Promise<Target[] | undefined> {
  const targets: Target[] = []
  if (values.target !== 'judge') targets.push(await headwaterTarget())
  if (values.target === 'headwater') return targets
  const { server } = findJudge()
  if (server) return [...targets, judgeTarget(server)]
  const mustBeThere = values.target === 'judge' || (process.env.CI && spawnSync('go', ['version']).status === 0)
  const how =
    'set HEADWATER_JUDGE, or run `node --conditions=headwater-source --import tsx scripts/judge.ts` where Go is installed'
  if (mustBeThere) {
    console.error(`nats-server was not found: ${how}.`)
    return undefined
  }
  console.log(`THE JUDGE HALF IS SKIPPED: nats-server was not found (${how}). What follows is Headwater alone.`)
  return targets
}

async function runAll(
  targets: readonly Target[],
  cases: readonly NamedCase[],
  schemas: OfficialSchemas | undefined,
): Promise<Map<TargetName, Outcome[]>> {
  const results = new Map<TargetName, Outcome[]>()
  const all = targets.length * cases.length
  let count = 0
  const done = (outcome: Outcome) => {
    count++
    process.stdout.write(outcome.error ? 'F' : '.')
    if (count % 100 === 0) process.stdout.write(` ${count}/${all}\n`)
  }
  // One target after the other: nothing is gained by both at once, and cases that look at the time stay undisturbed.
  for (const target of targets) {
    results.set(target.name, await runOn(target, cases, { atOnce: Number(values['at-once']), schemas, done }))
  }
  await repeat(targets, cases, results, schemas)
  console.log()
  return results
}

/** Runs repeatable cases that differ once more, on both targets, and puts the new outcomes in place of the old ones. */
async function repeat(
  targets: readonly Target[],
  cases: readonly NamedCase[],
  results: Map<TargetName, Outcome[]>,
  schemas: OfficialSchemas | undefined,
): Promise<void> {
  const judged = byName(results.get('judge') ?? [])
  const differing = cases.filter(({ name, body }) => {
    const ours = results.get('headwater')?.find((outcome) => outcome.name === name)
    return body.repeatable && ours && judged.has(name) && problemOf(ours, judged.get(name))
  })
  for (const target of differing.length > 0 ? targets : []) {
    const again = byName(await runOn(target, differing, { atOnce: 1, schemas, done: () => process.stdout.write('r') }))
    results.set(
      target.name,
      (results.get(target.name) ?? []).map((outcome) => again.get(outcome.name) ?? outcome),
    )
  }
}

function byName(outcomes: readonly Outcome[]): Map<string, Outcome> {
  return new Map(outcomes.map((outcome) => [outcome.name, outcome]))
}

/** What is wrong with an outcome: its own error, or that it differs from the judge's. */
function problemOf(outcome: Outcome, judged: Outcome | undefined): string | undefined {
  if (outcome.error) return outcome.error
  return judged && !judged.error ? firstDifference(outcome.observations, judged.observations) : undefined
}

/** Prints what failed and returns how many did. */
function report(results: ReadonlyMap<TargetName, readonly Outcome[]>): number {
  let failed = 0
  const judged = byName(results.get('judge') ?? [])
  for (const [target, outcomes] of results) {
    for (const outcome of outcomes) {
      const problem = problemOf(outcome, target === 'headwater' ? judged.get(outcome.name) : undefined)
      if (!problem) continue
      failed++
      console.log(`FAILED on ${target}: ${outcome.name}\n    ${problem}`)
    }
    if (values.observations) {
      for (const { name, observations } of outcomes)
        for (const { label, value } of observations) console.log(`${name} | ${label} | ${value}`)
    }
    if (values.times) {
      const slow = [...outcomes].sort((a, b) => b.ms - a.ms).slice(0, 15)
      for (const { name, ms } of slow) console.log(`${target} ${ms.toFixed(0)} ms  ${name}`)
    }
  }
  return failed
}
