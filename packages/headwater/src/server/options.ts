/** From what the caller gave to a whole and checked set of settings. The table of options is option-table.ts. */
import { HeadwaterError } from '../base/errors.ts'
import { type Logger, silentLogger } from '../base/log.ts'
import type { SyncMode } from '../store/store.ts'
import { DEFAULT_LIMITS, type Limits } from './limits.ts'
import { LATER, OPTIONS } from './option-table.ts'

/** What `Headwater.start` takes; everything may be left out. option-table.ts says what each is for. */
export interface HeadwaterOptions {
  /** Where streams live: a folder, or `'memory'` (the default: never touches the disk). */
  data?: 'memory' | (string & {})
  /** `'always'` (default): acknowledged means synced. Milliseconds: synced that often. `'never'`: when the system likes. */
  sync?: SyncMode
  /** Bytes a second that are read again of stored messages, to find what the disk lost (8 MiB by default); false is none. */
  scrub?: number | false
  /** Where clients connect: 0 (default) is any free port, false is none. */
  port?: number | false
  /** The address to listen on; `127.0.0.1` by default. */
  host?: string
  /** What the server calls itself; its id by default. */
  serverName?: string
  /** Streams and consumers; on by default. */
  jetstream?: boolean
  /** Who may connect; everybody by default. */
  users?: readonly { readonly user: string; readonly pass: string }[]
  /** The token that every client must present; instead of users. */
  token?: string
  /** The port of /healthz and /varz: 0 is any free one, false (default) is none. */
  monitor?: number | false
  /** The bounds of the server, by name; see Limits. */
  limits?: { readonly [limit in keyof Limits]?: number | undefined }
  /** When another process has the data folder: fail (default), or join it: its address is handed back. */
  onLocked?: 'fail' | 'join'
  /** Streams that ask for more than one replica: refused (default), or accepted with one copy. */
  replicas?: 'refuse' | 'accept'
  /** Who hears of what happens; a pino logger fits as it is. Silent by default. */
  logger?: Logger
  /** Log every piece of the protocol, secrets left out. */
  trace?: boolean
  /** Closes the server when it is aborted. */
  signal?: AbortSignal
}

/** The same, whole. */
export interface Settings {
  readonly data: string
  readonly sync: SyncMode
  readonly scrub: number | false
  readonly port: number | false
  readonly host: string
  readonly serverName: string | undefined
  readonly jetstream: boolean
  readonly users: readonly { readonly user: string; readonly pass: string }[] | undefined
  readonly token: string | undefined
  readonly monitor: number | false
  readonly limits: Limits
  readonly onLocked: 'fail' | 'join'
  readonly replicas: 'refuse' | 'accept'
  readonly logger: Logger
  readonly trace: boolean
  readonly signal: AbortSignal | undefined
}

/** Checks `given` against the table and fills in the defaults. Throws HW_CONFIG, naming the first option that is wrong. */
export function settingsOf(given: HeadwaterOptions): Settings {
  if (typeof given !== 'object' || given === null) {
    throw new HeadwaterError('HW_CONFIG', 'Options must be an object', {
      hint: 'Write Headwater.start({ port: 4222 }).',
    })
  }
  for (const [key, value] of Object.entries(given)) if (value !== undefined) refuseUnknown(key)
  const settings: Record<string, unknown> = {}
  for (const row of OPTIONS) {
    const value = given[row.key as keyof HeadwaterOptions] ?? row.fallback
    settings[row.key] = value
    const fault = value === undefined ? undefined : row.check(value)
    if (fault !== undefined) {
      throw new HeadwaterError('HW_CONFIG', `Option ${row.key} must be ${fault}, not ${shown(value)}`, {
        hint: row.doc,
      })
    }
  }
  const limits = Object.entries(given.limits ?? {}).filter(([, value]) => value !== undefined)
  settings.limits = { ...DEFAULT_LIMITS, ...Object.fromEntries(limits) }
  settings.logger ??= silentLogger
  const whole = settings as unknown as Settings
  checkTogether(whole)
  return whole
}

function refuseUnknown(key: string): void {
  if (OPTIONS.some((row) => row.key === key)) return
  const instead = LATER[key]
  if (instead !== undefined) {
    const code = key === 'cluster' ? 'HW_CLUSTER_CONFIG' : 'HW_CONFIG'
    throw new HeadwaterError(code, `Option ${key} is not supported yet`, { hint: `Leave it out; ${instead}.` })
  }
  throw new HeadwaterError('HW_CONFIG', `Option ${key} is not known`, {
    hint: `The options are ${OPTIONS.map((row) => row.key).join(', ')}.`,
  })
}

/** What is fine alone and not together. */
function checkTogether(settings: Settings): void {
  if (settings.users !== undefined && settings.token !== undefined) {
    throw new HeadwaterError('HW_CONFIG', 'Options users and token exclude each other', { hint: 'Keep one of them.' })
  }
  if (settings.users?.length === 0) {
    throw new HeadwaterError('HW_CONFIG', 'Option users is empty: nobody could connect', {
      hint: 'Leave it out for an open server, or name somebody.',
    })
  }
  if (settings.users?.some(({ pass }) => /^\$2[abxy]?\$/.test(pass))) {
    throw new HeadwaterError(
      'HW_CONFIG',
      'Option users has a bcrypt hash for a password: hashes are not supported yet',
      {
        hint: 'Give the password itself, from a secret that only this process reads.',
      },
    )
  }
  if (settings.limits.maxPayloadBytes > settings.limits.maxPendingBytes) {
    throw new HeadwaterError(
      'HW_CONFIG',
      'Limit maxPayloadBytes is above maxPendingBytes: no client could take such a message',
      {
        hint: 'Raise maxPendingBytes to a few times maxPayloadBytes.',
      },
    )
  }
  if (settings.onLocked === 'join' && settings.data === 'memory') {
    throw new HeadwaterError('HW_CONFIG', "Option onLocked 'join' needs a data folder: memory is nobody else's", {
      hint: 'Give data a folder, or leave onLocked out.',
    })
  }
}

/** A value for an error message: short, and no secret of a nested object in it. */
function shown(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.length > 40 ? `${value.slice(0, 40)}...` : value)
  return Array.isArray(value) ? 'this list' : typeof value === 'object' ? 'this object' : String(value)
}
