/** The official JSON schemas, found beside the clone when they are there: a reply's `type` names its schema. */
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { cloneRoot } from './find-judge.ts'
import { type Schema, violation } from './json-schema.ts'

/** Where the schemas say what no server does: these two give the consumer sequence as text. */
const mistakes: readonly RegExp[] = [/^\$\.consumer_seq: \d+ is not string$/]

export class OfficialSchemas {
  /** How many values were checked. */
  checked = 0
  private readonly folder: string
  private readonly cache = new Map<string, Schema | undefined>()

  private constructor(folder: string) {
    this.folder = folder
  }

  /** Looks in `$HEADWATER_SHARED/data/schemas`, by default `shared` next to the clone. */
  static find(env: NodeJS.ProcessEnv = process.env): OfficialSchemas | undefined {
    const folder = join(env.HEADWATER_SHARED ?? join(dirname(cloneRoot), 'shared'), 'data', 'schemas')
    return existsSync(folder) ? new OfficialSchemas(folder) : undefined
  }

  /** The first violation of the schema that `type` names; undefined when it fits or there is no such schema. */
  violation(type: string, value: unknown): string | undefined {
    const schema = this.schema(type)
    if (!schema) return undefined
    this.checked++
    const problem = violation(schema, value)
    return problem === undefined || mistakes.some((mistake) => mistake.test(problem))
      ? undefined
      : `${type}: ${problem}`
  }

  private schema(type: string): Schema | undefined {
    if (!this.cache.has(type)) {
      const parts = /^io\.nats\.(jetstream)\.(api|advisory|metric)\.v1\.(\w+)$/.exec(type)
      const path = parts ? join(this.folder, parts[1], parts[2], 'v1', `${parts[3]}.json`) : ''
      this.cache.set(type, path && existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : undefined)
    }
    return this.cache.get(type)
  }
}
