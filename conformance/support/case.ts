/** What a case is: a name, the server it wants, and what must be true on every target. */
import type { ServerOptions } from './server-options.ts'
import type { Trial } from './trial.ts'

export interface Case {
  readonly name: string
  /** Left out: the shared server of the target, with JetStream and no limits of its own. */
  readonly server?: ServerOptions
  /** May be run once more when the targets differ: nats-server counts a little after it answers, and a case that looks often sees it. */
  readonly repeatable?: boolean
  run(t: Trial): Promise<void>
}

export interface Group {
  /** Shown before the names of its cases: `core/limits`. */
  readonly name: string
  readonly cases: readonly Case[]
}
