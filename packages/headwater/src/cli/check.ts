/** `headwater check`: verifies a data folder offline, or saves what holds of it; says how far it is when that takes long. */
import { resolve } from 'node:path'
import type { Clock } from '../base/clock.ts'
import { HeadwaterError } from '../base/errors.ts'
import type { FileSystem } from '../base/fs.ts'
import { formatTime, timeFromMs } from '../base/time.ts'
import type { StoredStream } from '../jetstream/stream/stream.ts'
import { withDefaults } from '../jetstream/stream/stream-config.ts'
import { type CheckOptions, checkFolder } from '../store/check.ts'
import { salvage } from '../store/salvage.ts'
import type { CheckCommand } from './check-flags.ts'
import { checkLines, salvageLines } from './check-text.ts'

/** A check that takes longer than this says where it is, and again after as long. */
const PATIENCE_MS = 1000

/** What the command needs of the process. */
export interface CheckTerminal {
  readonly fs: FileSystem
  readonly clock: Clock
  /** One line of the result. */
  readonly say: (line: string) => void
  /** Text beside the result, with its newline. */
  readonly log: (text: string) => void
}

/** Checks, or saves; resolves with the exit code. */
export async function check(command: CheckCommand & { what: 'check' }, terminal: CheckTerminal): Promise<number> {
  const { fs, clock, say, log } = terminal
  const options: CheckOptions = { fs, folder: resolve(command.folder), clock, nameOf, onFile: patience(terminal) }
  try {
    if (command.repairTo === undefined) {
      const report = await checkFolder(options)
      if (command.json) say(JSON.stringify(report))
      else for (const line of checkLines(report)) say(line)
      return report.fine ? 0 : 1
    }
    const configFor = (id: number): string => savedConfig(id, clock.now())
    const report = await salvage({ ...options, to: resolve(command.repairTo), configFor })
    if (command.json) say(JSON.stringify(report))
    else for (const line of [...checkLines(report.check), ...salvageLines(report)]) say(line)
    return report.check.fine ? 0 : 1
  } catch (error) {
    return failed(error, command.json, say, log)
  }
}

function failed(error: unknown, json: boolean, say: (line: string) => void, log: (text: string) => void): number {
  const {
    code = 'HW_DATA_UNUSABLE',
    message,
    hint = 'Check that the folder and the disk can be read.',
  } = error instanceof HeadwaterError ? error : { message: (error as Error).stack ?? String(error) }
  if (json) say(JSON.stringify({ error: { code, message, hint } }))
  else log(`headwater: ${message}\n  ${hint}\n`)
  return code === 'HW_CONFIG' ? 2 : 1
}

/** Told of each file; says one of them each second that passes. */
function patience({ clock, log }: CheckTerminal): (path: string) => void {
  let saidMs = clock.now()
  let files = 0
  return (path) => {
    files++
    if (clock.now() - saidMs < PATIENCE_MS) return
    saidMs = clock.now()
    log(`  reading  file ${files}: ${path}\n`)
  }
}

function nameOf(config: string): string | undefined {
  try {
    const { config: stored } = JSON.parse(config) as Partial<StoredStream>
    return stored?.name
  } catch {
    return undefined
  }
}

/** For a stream that lost its configuration: it keeps all that it has, and captures nothing. */
function savedConfig(id: number, nowMs: number): string {
  const name = `SAVED_${id}`
  const config = { ...withDefaults({ name, description: 'saved by headwater check' }), subjects: [] }
  return JSON.stringify({ config, created: formatTime(timeFromMs(nowMs)) } satisfies StoredStream)
}
