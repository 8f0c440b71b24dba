/** Every option of a server: its key, its flag on the command line, what it may be, its default, and what it is for. One row each. */

import { DEFAULT_LIMITS } from './limits.ts'
import { type Check, either, integer, listOf, only, port, record, text } from './option-checks.ts'

/** One option. */
export interface OptionRow {
  readonly key: string
  /** On the command line: as nats-server spells it, where it has the flag. `value` is undefined for a switch. */
  readonly flag?: { readonly names: readonly string[]; readonly value?: string }
  readonly check: Check
  /** Undefined: there is no default, it is off. */
  readonly fallback?: unknown
  readonly doc: string
}

const host = text('a host name or an address')
const userAndPass = record({ user: text('a name'), pass: text('a password') })

/** The options of `Headwater.start`, in the order in which the documentation shows them. */
export const OPTIONS: readonly OptionRow[] = [
  {
    key: 'data',
    flag: { names: ['sd', 'store_dir'], value: '<folder>' },
    check: text("'memory' or a folder"),
    fallback: 'memory',
    doc: 'Where streams live: a folder, or memory (never touches the disk).',
  },
  {
    key: 'sync',
    flag: { names: ['sync'], value: '<always|never|ms>' },
    check: either(only('always', 'never'), integer(1, 3_600_000)),
    fallback: 'always',
    doc: 'When an acknowledged message is on disk: before the ack, every so many milliseconds, or when the system likes.',
  },
  {
    key: 'scrub',
    flag: { names: ['scrub'], value: '<bytes|off>' },
    check: either(integer(4096), only(false)),
    fallback: 8_388_608,
    doc: 'Bytes a second that are read again of stored messages, once a day, to find what the disk lost; false is none.',
  },
  {
    key: 'port',
    flag: { names: ['p', 'port'], value: '<port>' },
    check: either(integer(0, 65_535), only(false)),
    fallback: 0,
    doc: 'Where NATS clients connect; 0 is any free port, false is none.',
  },
  {
    key: 'host',
    flag: { names: ['a', 'addr', 'net'], value: '<host>' },
    check: host,
    fallback: '127.0.0.1',
    doc: 'The address to listen on.',
  },
  {
    key: 'serverName',
    flag: { names: ['n', 'name', 'server_name'], value: '<name>' },
    check: (value) => (/^\S+$/.test(String(value)) ? undefined : 'a name without blanks'),
    doc: 'What the server calls itself; its id when left out.',
  },
  {
    key: 'jetstream',
    flag: { names: ['js', 'jetstream'] },
    check: only(true, false),
    fallback: true,
    doc: 'Streams and consumers; without them it is publish and subscribe alone.',
  },
  {
    key: 'users',
    check: listOf(userAndPass),
    doc: 'Who may connect, as a list of { user, pass }.',
  },
  {
    key: 'token',
    flag: { names: ['auth'], value: '<token>' },
    check: text('a token'),
    doc: 'The token that every client must present.',
  },
  {
    key: 'monitor',
    flag: { names: ['m', 'http_port'], value: '<port>' },
    check: either(integer(0, 65_535), only(false)),
    fallback: false,
    doc: 'The port of /healthz and /varz, on the same host; 0 is any free port.',
  },
  { key: 'limits', check: checkLimits, fallback: {}, doc: 'The bounds of the server, by name.' },
  {
    key: 'onLocked',
    check: only('fail', 'join'),
    fallback: 'fail',
    doc: 'When another process has the data folder: fail, or join (its address is handed back; for hot reload).',
  },
  {
    key: 'replicas',
    check: only('refuse', 'accept'),
    fallback: 'refuse',
    doc: 'Streams that ask for more than one replica: refused as one nats-server does, or accepted with one copy.',
  },
  {
    key: 'logger',
    check: port('a logger', 'error', 'warn', 'info', 'debug', 'trace'),
    doc: 'Who hears of what happens: a pino logger fits as it is. Silent when left out.',
  },
  {
    key: 'trace',
    flag: { names: ['V', 'trace'] },
    check: only(true, false),
    fallback: false,
    doc: 'Log every piece of the protocol, secrets left out.',
  },
  {
    key: 'signal',
    check: port('an AbortSignal', 'addEventListener'),
    doc: 'Closes the server when it is aborted.',
  },
]

/** What is planned and not there yet, by key: refused by name, never accepted and ignored. */
export const LATER: Readonly<Record<string, string>> = {
  authorize: 'give users or token instead',
  tls: 'put a TLS proxy in front, or stay on loopback',
  websocket: 'give clients the TCP address',
  config: 'say the same with options or flags',
  accounts: 'all clients share one account',
  cluster: 'one Headwater is one machine; for several, run the same applications on a NATS cluster',
}

function checkLimits(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null) return 'an object of limits'
  for (const [key, given] of Object.entries(value)) {
    if (!(key in DEFAULT_LIMITS)) return `without ${key}: the limits are ${Object.keys(DEFAULT_LIMITS).join(', ')}`
    if (given === undefined) continue
    const fault = integer(lowestOf(key))(given)
    if (fault !== undefined) return `an object whose ${key} is ${fault}`
  }
  return undefined
}

/** -1 is unlimited for what JetStream counts, 0 where it means unlimited or at once, otherwise nothing works below 1. */
function lowestOf(limit: string): number {
  if (/^max(MemoryBytes|StorageBytes|Streams|Consumers)$/.test(limit)) return -1
  return limit === 'maxSubscriptions' || limit.startsWith('lameDuck') ? 0 : 1
}
