/**
 * Measures what a stored message costs on the disk: bytes that stay, bytes that were written for it, and the most that the
 * folder took meanwhile, beside nats-server under the same load. Writes the table of docs/disk-use.md.
 *
 * npm run disk-use [-- --messages N] [--print]
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { lstatSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { jetstream, jetstreamManager } from '@nats-io/jetstream'
import { connect, type NatsConnection } from '@nats-io/transport-node'
import { findJudge } from '../conformance/support/find-judge.ts'
import { freePort } from '../conformance/support/free-port.ts'
import { SystemClock } from '../packages/headwater/src/base/clock.ts'
import { NodeFileSystem } from '../packages/headwater/src/base/node-fs.ts'
import { openReading } from '../packages/headwater/src/store/open-reading.ts'

const IN_FLIGHT = 2000
const SAMPLE_MS = 100
/** After the load: flushes and compactions come to their end. */
const REST_MS = 3000
/** Every so manieth message of the work queue stays in it. */
const STUCK_EVERY = 50
const DOC = fileURLToPath(new URL('../docs/disk-use.md', import.meta.url))
const MAIN = fileURLToPath(new URL('../packages/headwater/src/cli/main.ts', import.meta.url))

type Kind = 'headwater' | 'nats-server'
type Load = 'limits' | 'key-value' | 'work queue'

interface Measured {
  readonly kind: Kind
  readonly load: Load
  readonly bytes: number
  readonly messages: number
  /** Payload and subject of all messages that were published, and of those that live at the end. */
  readonly userBytes: number
  readonly live: number
  /** Of these, those that are in segments: the others take no place but in the journal. */
  readonly inSegments: number
  readonly liveBytes: number
  /** What the process caused to be written, as the system counts it. */
  readonly writtenBytes: number
  readonly folderBytes: number
  /** Of these, in files that are written again and again, whatever is stored. */
  readonly journalBytes: number
  readonly peakBytes: number
}

async function measure(kind: Kind, load: Load, bytes: number, messages: number): Promise<Measured> {
  const folder = mkdtempSync(join(tmpdir(), 'headwater-disk-use-'))
  const port = await freePort()
  const child = start(kind, port, join(folder, 'data'))
  let peakBytes = 0
  const sampling = setInterval(() => {
    peakBytes = Math.max(peakBytes, sizeOf(folder))
  }, SAMPLE_MS)
  try {
    const nc = await connected(port)
    const { live, subjectBytes } = await run(nc, load, bytes, messages)
    await nc.close()
    await new Promise((resolve) => setTimeout(resolve, REST_MS))
    const writtenBytes = Number(/^write_bytes: (\d+)$/m.exec(readFileSync(`/proc/${child.pid}/io`, 'utf8'))?.[1])
    const folderBytes = sizeOf(folder)
    const journalBytes = kind === 'headwater' ? sizeOf(join(folder, 'data', 'journal')) : 0
    child.kill('SIGKILL')
    return {
      kind,
      load,
      bytes,
      messages,
      userBytes: messages * (bytes + subjectBytes),
      live,
      inSegments: kind === 'headwater' ? await inSegments(join(folder, 'data')) : live,
      liveBytes: live * (bytes + subjectBytes),
      writtenBytes,
      folderBytes,
      journalBytes,
      peakBytes,
    }
  } finally {
    clearInterval(sampling)
    child.kill('SIGKILL')
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
    rmSync(folder, { recursive: true })
  }
}

async function inSegments(folder: string): Promise<number> {
  const { recovered } = await openReading({ fs: new NodeFileSystem(), folder, clock: new SystemClock() })
  const runs = recovered.homes.flatMap(({ log }) => log.index.runs.filter((run) => run.segment))
  return runs.reduce((sum, run) => sum + run.live, 0)
}

function start(kind: Kind, port: number, data: string): ChildProcess {
  const flags = ['-a', '127.0.0.1', '-p', String(port), '-js', '-sd', data]
  const { server } = findJudge()
  if (kind === 'nats-server') return spawn(server as string, flags, { stdio: 'ignore' })
  const own = ['--conditions=headwater-source', '--import', 'tsx', MAIN, ...flags]
  return spawn(process.execPath, own, { stdio: 'ignore' })
}

async function connected(port: number): Promise<NatsConnection> {
  return connect({ port, waitOnFirstConnect: true, reconnectTimeWait: 100, maxReconnectAttempts: 200 })
}

async function run(
  nc: NatsConnection,
  load: Load,
  bytes: number,
  messages: number,
): Promise<{ live: number; subjectBytes: number }> {
  const jsm = await jetstreamManager(nc)
  const more =
    load === 'key-value' ? { max_msgs_per_subject: 1 } : load === 'work queue' ? { retention: 'workqueue' } : {}
  await jsm.streams.add({ name: 'S', subjects: ['data.>'], ...more } as Parameters<typeof jsm.streams.add>[0])
  if (load === 'work queue') {
    const config = { durable_name: 'worker', ack_policy: 'explicit', max_ack_pending: 200_000 } as const
    await jsm.consumers.add('S', config)
  }
  const keys = load === 'key-value' ? Math.floor(messages / 10) : 1000
  const subjectOf = (i: number): string => `data.customer.${String((i * 7919) % keys).padStart(8, '0')}.new`
  const payload = new Uint8Array(bytes).fill(120)
  const js = jetstream(nc)
  const consuming = load === 'work queue' ? consume(nc, messages) : undefined
  let next = 0
  const lane = async (): Promise<void> => {
    while (next < messages) await js.publish(subjectOf(next++), payload, { timeout: 60_000 })
  }
  await Promise.all(Array.from({ length: IN_FLIGHT }, lane))
  await consuming
  const { state } = await jsm.streams.info('S')
  return { live: state.messages, subjectBytes: subjectOf(0).length }
}

/** Acknowledges all but some, which stay where they are. */
async function consume(nc: NatsConnection, messages: number): Promise<void> {
  const consumer = await jetstream(nc).consumers.get('S', 'worker')
  const taken = await consumer.consume({ max_messages: 1000 })
  let count = 0
  for await (const message of taken) {
    if (message.seq % STUCK_EVERY !== 0) message.ack()
    if (++count === messages) break
  }
  await nc.flush()
}

/** Bytes that the files in a folder take on the disk: as many as the system gave them. */
function sizeOf(folder: string): number {
  let sum = 0
  try {
    for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue
      const found = lstatSync(join(entry.parentPath, entry.name), { throwIfNoEntry: false })
      sum += 512 * (found?.blocks ?? 0)
    }
  } catch {
    // A folder that went while it was read is counted the next time.
  }
  return sum
}

function rowOf(one: Measured): string {
  // Where hardly anything has come to segments there is nothing to divide.
  const isThere = one.inSegments * 10 > one.live
  const perMessage = isThere ? ((one.folderBytes - one.journalBytes) / one.inSegments).toFixed(0) : '-'
  const mib = (bytes: number): string => (bytes / 1024 / 1024).toFixed(0)
  return `| ${[
    `${one.load}, ${one.bytes} B`,
    one.kind,
    one.live.toLocaleString('en'),
    perMessage,
    (one.writtenBytes / one.userBytes).toFixed(2),
    mib(one.folderBytes),
    mib(one.journalBytes),
    mib(one.peakBytes),
    (one.peakBytes / one.liveBytes).toFixed(1),
  ].join(' | ')} |`
}

const at = process.argv.indexOf('--messages')
const messages = at < 0 ? 300_000 : Number(process.argv[at + 1])
const kinds: Kind[] = findJudge().server === undefined ? ['headwater'] : ['headwater', 'nats-server']
const rows: string[] = []
for (const load of ['limits', 'key-value', 'work queue'] as const) {
  for (const bytes of [128, 1024]) {
    for (const kind of kinds) {
      const row = rowOf(await measure(kind, load, bytes, messages))
      rows.push(row)
      console.log(row)
    }
  }
}
const head = [
  `${messages.toLocaleString('en')} messages a row.`,
  '',
  '| load | server | live at the end | bytes a live message | written over user bytes | folder MiB | of it journal | peak MiB | peak over live |',
  '|---|---|---|---|---|---|---|---|---|',
]
if (!process.argv.includes('--print')) {
  const [before = '', after = ''] = readFileSync(DOC, 'utf8').split(/<!-- table -->[\s\S]*<!-- end -->/)
  writeFileSync(DOC, `${before}<!-- table -->\n${[...head, ...rows].join('\n')}\n<!-- end -->${after}`)
}
