/** `headwater` without a verb: starts the server, says what it is, and drains it when told to stop. */
import { resolve } from 'node:path'
import type { Clock } from '../base/clock.ts'
import { HeadwaterError } from '../base/errors.ts'
import type { Logger } from '../base/log.ts'
import { Headwater } from '../server/index.ts'
import type { HeadwaterOptions } from '../server/options.ts'
import type { Command } from './flags.ts'
import { versionText } from './help.ts'
import { lineLogger } from './log-lines.ts'
import { writePidFile } from './pid-file.ts'

/** A start that takes longer than this says so, and again after as long. */
const PATIENCE_MS = 1000
/** After a signal clients are told, and have this long to leave by themselves. */
const LEAVE_MS = 250

/** What the command needs of the process. */
export interface Terminal {
  readonly clock: Clock
  /** One line for whoever started it. */
  readonly say: (line: string) => void
  /** Log text, with its newline. */
  readonly log: (text: string) => void
  readonly onSignal: (handle: (signal: string) => void) => void
  readonly exit: (code: number) => void
  /** Headwater.start, unless a test has one of its own. */
  readonly start?: (options: HeadwaterOptions) => Promise<Headwater>
}

/** Serves until a signal; resolves with the exit code. A second signal exits at once. */
export async function serve(command: Command & { what: 'serve' }, terminal: Terminal): Promise<number> {
  const logger = lineLogger(command.logLevel, terminal.clock, terminal.log)
  let signals = 0
  let stop: (signal: string) => void = () => {}
  const stopped = new Promise<string>((resolveStop) => {
    stop = resolveStop
  })
  terminal.onSignal((signal) => {
    if (++signals > 1) terminal.exit(1)
    stop(signal)
  })
  try {
    const options = withDefaults(command.options, logger)
    terminal.say(versionText())
    terminal.say(`  data     ${dataText(options)}`)
    terminal.say(`  promise  ${promiseText(options)}`)
    const hw = await startPatiently(options, terminal)
    const removePidFile = command.pidFile === undefined ? undefined : await writePidFile(command.pidFile)
    terminal.say(`  streams  ${foundText(hw)}`)
    terminal.say(`  clients  ${hw.url}`)
    if (hw.monitorUrl) terminal.say(`  monitor  ${hw.monitorUrl}/healthz ${hw.monitorUrl}/varz`)
    terminal.say('Server is ready')
    const signal = await stopped
    terminal.say(`${signal}: draining; once more to end at once`)
    await hw.drain()
    await removePidFile?.()
    terminal.say('drained: every acknowledged message is safe')
    return 0
  } catch (error) {
    terminal.log(failureText(error))
    return 1
  }
}

function withDefaults(options: HeadwaterOptions, logger: Logger): HeadwaterOptions & { logger: Logger } {
  const data = options.data === undefined || options.data === 'memory' ? options.data : resolve(options.data)
  return {
    ...options,
    data,
    logger,
    limits: { ...options.limits, lameDuckGraceMs: LEAVE_MS, lameDuckDurationMs: LEAVE_MS },
  }
}

/** Starts, and says every second that it is still reading, and how far it is: what the store logs of it goes there. */
async function startPatiently(
  options: HeadwaterOptions & { logger: Logger },
  { clock, say, start = (given) => Headwater.start(given) }: Terminal,
): Promise<Headwater> {
  const startMs = clock.now()
  let isDone = false
  let howFar = ''
  const { logger } = options
  const info: Logger['info'] = (fields, text) => {
    if (typeof fields.percent === 'number') howFar = `: ${fields.percent}%, ${fields.doing}`
    else logger.info(fields, text)
  }
  const tell = (): void => {
    if (isDone) return
    say(`  reading  ${options.data} (${Math.round((clock.now() - startMs) / 1000)} s)${howFar}`)
    clock.after(PATIENCE_MS, tell)
  }
  clock.after(PATIENCE_MS, tell)
  try {
    return await start({ ...options, logger: { ...logger, info } })
  } finally {
    isDone = true
  }
}

function dataText({ data, jetstream }: HeadwaterOptions): string {
  if (jetstream === false) return 'none: JetStream is off'
  return data === 'memory' ? 'in memory: gone when this process ends' : String(data)
}

function promiseText({ data, sync = 'always', jetstream }: HeadwaterOptions): string {
  if (jetstream === false) return 'publish and subscribe, nothing is kept'
  if (data === 'memory') return 'acknowledged means stored in memory'
  if (sync === 'always') return 'acknowledged means written and synced to disk'
  if (sync === 'never')
    return 'acknowledged means written; the system syncs when it likes (a power cut may lose acknowledged messages)'
  return `acknowledged means written; synced every ${sync} ms (a power cut may lose what came since)`
}

function foundText(hw: Headwater): string {
  const { jetstream } = hw.stats()
  if (!jetstream) return 'none'
  const { streams, messages, consumers } = jetstream
  return `${streams} with ${messages} messages and ${consumers} consumers`
}

function failureText(error: unknown): string {
  if (error instanceof HeadwaterError) return `headwater: ${error.message}\n  ${error.hint}\n`
  return `headwater: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`
}
