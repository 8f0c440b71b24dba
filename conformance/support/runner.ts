/** Runs cases on targets, several at a time, and compares what they observed. */
import type { Case, Group } from './case.ts'
import { difference } from './difference.ts'
import type { OfficialSchemas } from './official-schemas.ts'
import type { ServerOptions } from './server-options.ts'
import type { RunningServer, Target } from './target.ts'
import { type Observation, Trial } from './trial.ts'

const caseTimeoutMs = 30_000

export interface NamedCase {
  readonly name: string
  readonly body: Case
}

export interface Outcome {
  readonly name: string
  readonly error: string | undefined
  readonly observations: readonly Observation[]
  readonly ms: number
}

/** Cases with their full names; throws when two have the same. */
export function namedCases(groups: readonly Group[]): NamedCase[] {
  const cases = groups.flatMap((group) => group.cases.map((body) => ({ name: `${group.name}: ${body.name}`, body })))
  const names = new Set<string>()
  for (const { name } of cases) {
    if (names.has(name)) throw new Error(`two cases are named ${name}`)
    names.add(name)
  }
  return cases
}

/** Runs all cases on one target, `atOnce` at a time; `done` hears of each. */
export async function runOn(
  target: Target,
  cases: readonly NamedCase[],
  options: { atOnce: number; schemas: OfficialSchemas | undefined; done: (outcome: Outcome) => void },
): Promise<Outcome[]> {
  const servers = new ServerPool(target)
  const outcomes: Outcome[] = []
  const queue = [...cases]
  const worker = async () => {
    for (let next = queue.shift(); next; next = queue.shift()) {
      const outcome = await runCase(target, servers, next, options.schemas)
      outcomes.push(outcome)
      options.done(outcome)
    }
  }
  try {
    await Promise.all(Array.from({ length: options.atOnce }, worker))
  } finally {
    await servers.stopAll()
  }
  return outcomes
}

/** The first thing that two runs of a case saw differently, as text. */
export function firstDifference(ours: readonly Observation[], theirs: readonly Observation[]): string | undefined {
  for (let i = 0; i < Math.max(ours.length, theirs.length); i++) {
    const our = ours[i]
    const their = theirs[i]
    if (our?.label === their?.label && our?.value === their?.value) continue
    const label = our?.label ?? their?.label
    return `differs from the judge at ${label} (observation ${i + 1}):\n      ${difference(their?.value ?? 'nothing', our?.value ?? 'nothing').join('\n      ')}`
  }
  return undefined
}

async function runCase(
  target: Target,
  servers: ServerPool,
  { name, body }: NamedCase,
  schemas: OfficialSchemas | undefined,
): Promise<Outcome> {
  const startedMs = performance.now()
  let trial: Trial | undefined
  let error: string | undefined
  try {
    const server = await servers.get(body.server ?? {})
    trial = new Trial(target.name, server, name, schemas)
    await inTime(body.run(trial))
  } catch (thrown) {
    error = thrown instanceof Error ? thrown.message || String(thrown) : String(thrown)
  }
  try {
    if (trial) await inTime(trial.end())
    if (trial && body.server?.fresh) await trial.server.stop()
  } catch (thrown) {
    error ??= `cleaning up: ${thrown}`
  }
  return { name, error, observations: trial?.observations ?? [], ms: performance.now() - startedMs }
}

function inTime<T>(work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`took longer than ${caseTimeoutMs} ms`)), caseTimeoutMs)
    work.then(resolve, reject).finally(() => clearTimeout(timer))
  })
}

/** One server for each set of options that cases share; a fresh one each time for those that ask. */
class ServerPool {
  private readonly target: Target
  private readonly shared = new Map<string, Promise<RunningServer>>()

  constructor(target: Target) {
    this.target = target
  }

  get(options: ServerOptions): Promise<RunningServer> {
    if (options.fresh) return this.target.start(options)
    const key = JSON.stringify(options)
    let server = this.shared.get(key)
    if (!server) this.shared.set(key, (server = this.target.start(options)))
    return server
  }

  async stopAll(): Promise<void> {
    for (const server of this.shared.values()) await (await server.catch(() => undefined))?.stop()
  }
}
