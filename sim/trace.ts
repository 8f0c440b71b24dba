/** What happened, as lines: folded into one hash, so that two runs can be compared, and printed when asked. */
import { createHash, type Hash } from 'node:crypto'
import { Statistics } from './statistics.ts'

export class Trace {
  readonly #hash: Hash = createHash('sha1')
  readonly #print: ((line: string) => void) | undefined
  /** The last lines, for the report of a failure. */
  readonly recent: string[] = []
  lines = 0
  /** Steps of the world so far: a failing run is cut here when it is made shorter. */
  step = 0
  /** What the run exercised. */
  readonly statistics: Statistics = new Statistics()

  constructor(print?: (line: string) => void) {
    this.#print = print
  }

  /** `nowMs` is virtual time. */
  add(nowMs: number, text: string): void {
    const line = `${nowMs.toFixed(3)} ${text}`
    this.#hash.update(line)
    this.lines++
    this.recent.push(line)
    if (this.recent.length > 60) this.recent.splice(0, 30)
    this.#print?.(line)
  }

  /** Of all lines so far; call it once, at the end. */
  digest(): string {
    return this.#hash.digest('hex').slice(0, 16)
  }
}

/** Something that must be true was not. */
export class Violation extends Error {
  override readonly name = 'Violation'
}

/** Throws a Violation that says `what` unless `condition` holds. */
export function must(condition: unknown, what: string | (() => string)): asserts condition {
  if (!condition) throw new Violation(typeof what === 'string' ? what : what())
}
