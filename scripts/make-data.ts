/**
 * Makes a large data folder quickly, through the store itself, and leaves it as a killed server does: with a journal that has
 * to be replayed. For measurements of the start, of `headwater check` and of disk use.
 *
 * node --conditions=headwater-source --import tsx scripts/make-data.ts FOLDER [--messages N] [--subjects N] [--streams N]
 *   [--bytes N] [--clean]
 *
 * The process that makes the folder ends itself with SIGKILL (with --clean it closes the store instead).
 */
import { SystemClock, SystemTurn } from '../packages/headwater/src/base/clock.ts'
import { silentLogger } from '../packages/headwater/src/base/log.ts'
import { NodeFileSystem } from '../packages/headwater/src/base/node-fs.ts'
import { formatTime, timeFromMs } from '../packages/headwater/src/base/time.ts'
import { withDefaults } from '../packages/headwater/src/jetstream/stream/stream-config.ts'
import { openFileStore } from '../packages/headwater/src/store/file-store.ts'
import type { Store } from '../packages/headwater/src/store/store.ts'

/** What the folder holds. */
export interface DataShape {
  readonly messages: number
  /** Distinct subjects of each stream, 31 bytes each. */
  readonly subjects: number
  readonly streams: number
  /** Of a payload. */
  readonly bytes: number
}

const BATCH = 5000

/** The `i`-th subject of the stream `stream`: 31 bytes. */
export function subjectOf(stream: number, i: number): string {
  return `data.${String(stream).padStart(4, '0')}.customer.${String(i).padStart(8, '0')}.new`
}

/** Fills a new folder, and returns its store, still open: everything is written. */
export async function makeData(folder: string, { messages, subjects, streams, bytes }: DataShape): Promise<Store> {
  const clock = new SystemClock()
  const turn = new SystemTurn()
  const options = { folder, sync: 'never' as const, fs: new NodeFileSystem(), clock, realClock: clock, turn }
  const store = await openFileStore({ ...options, log: silentLogger })
  const logs = Array.from({ length: streams }, (_, k) => {
    const config = withDefaults({ name: `DATA_${k}`, subjects: [`data.${String(k).padStart(4, '0')}.>`] })
    const stored = { config, created: formatTime(timeFromMs(clock.now())) }
    return store.createStream({ storage: 'file', config: JSON.stringify(stored) })
  })
  const names = logs.map((_, k) => Array.from({ length: subjects }, (_s, i) => subjectOf(k, i)))
  const payload = new Uint8Array(bytes).fill(120)
  for (let i = 0; i < messages; i++) {
    const k = i % streams
    // A stride without a common divisor: neighbours have different subjects, and each is used equally often.
    const subject = names[k][(Math.floor(i / streams) * 7919) % subjects]
    logs[k].append({ subject, bytes: payload, start: 0, headersLength: 0, end: bytes, flags: 0 })
    if (i % BATCH !== BATCH - 1 && i !== messages - 1) continue
    await new Promise<void>((resolve, failed) => store.whenReadable({ readable: resolve, failed }))
    if (!store.congested) continue
    // As a server does: publishers wait while the flush is behind.
    await new Promise<void>((resolve) => {
      store.onRelieved = resolve
    })
  }
  return store
}

function numberOf(name: string, fallback: number): number {
  const at = process.argv.indexOf(`--${name}`)
  return at < 0 ? fallback : Number(process.argv[at + 1])
}

if (process.argv[1]?.endsWith('make-data.ts')) {
  const folder = process.argv[2]
  if (folder === undefined || folder.startsWith('-')) throw new Error('say which folder to make')
  const shape: DataShape = {
    messages: numberOf('messages', 10_000_000),
    subjects: numberOf('subjects', 1000),
    streams: numberOf('streams', 1),
    bytes: numberOf('bytes', 128),
  }
  const store = await makeData(folder, shape)
  if (process.argv.includes('--clean')) await store.close()
  else process.kill(process.pid, 'SIGKILL')
}
