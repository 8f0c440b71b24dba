/** The soak: everything at once, faster than the disk, while memory, disk, event loop and a bystander are watched each second. */
import { lstatSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Kvm } from '@nats-io/kv'
import { payloadOf } from './payload.ts'
import { Random } from './random.ts'
import { RawClient } from './raw-client.ts'
import { Server } from './server.ts'
import { printTable } from './table.ts'
import { World } from './world.ts'

/** Stated: resident memory of the server at full load, at any moment. */
export const RESIDENT_MB_MAX = 350
/** What the streams may hold, and the room for journal and files that are not given back yet. */
const STREAM_BYTES = 128 << 20
export const DISK_MB_MAX = 400
/** The bystander's message and a PING on an idle connection come back within this, but for one sample in a hundred. */
export const ANSWER_MS_MAX = 1000

const PAYLOAD = 'x'.repeat(1000)

export interface SoakOptions {
  readonly folder: string
  readonly minutes: number
  readonly seed: number
  readonly sync?: string
  readonly command?: string
  readonly log: (line: string) => void
}

/** Runs, prints the table and returns the exit code. */
export async function runSoak(options: SoakOptions): Promise<number> {
  const server = new Server({ folder: options.folder, sync: options.sync, command: options.command })
  await server.start()
  const world = new World(server.url, new Random(options.seed))
  const load = new SoakLoad(world, server.port)
  const samples: Sample[] = []
  try {
    await load.start()
    const pinger = await RawClient.open(server.port)
    const endMs = performance.now() + options.minutes * 60_000
    for (let count = 1; performance.now() < endMs; count++) {
      await sleep(1000)
      if (!server.isRunning) throw new Error(`The server ended by itself:\n${server.output}`)
      samples.push({
        residentMb: server.memory().residentMb,
        diskMb: diskOf(options.folder) / 2 ** 20,
        pingMs: await pinger.ping(),
        bystanderMs: await load.bystander(),
      })
      if (count % 10 === 0) {
        const { residentMb, diskMb, pingMs } = samples[samples.length - 1]
        options.log(
          `${residentMb.toFixed(0)} MB resident, ${diskMb.toFixed(0)} MB on disk, ping ${pingMs.toFixed(0)} ms, ${load.counts.flood} flooded, ${load.counts.worked} worked`,
        )
      }
    }
    await load.stop()
    return await judge(samples, load, server)
  } finally {
    world.stopping = true
    await world.closeAll()
    await server.kill()
  }
}

interface Sample {
  readonly residentMb: number
  readonly diskMb: number
  readonly pingMs: number
  readonly bystanderMs: number
}

async function judge(samples: readonly Sample[], load: SoakLoad, server: Server): Promise<number> {
  const of = (key: keyof Sample): number[] => samples.map((sample) => sample[key]).sort((one, other) => one - other)
  const at = (values: number[], share: number): number => values[Math.floor((values.length - 1) * share)]
  const { peakMb } = server.memory()
  const [pings, bystanders, disk] = [of('pingMs'), of('bystanderMs'), of('diskMb')]
  const varz = (await (await fetch(`http://127.0.0.1:${server.monitorPort}/varz`)).json()) as Record<string, number>
  printTable({
    seconds: samples.length,
    'flooded into a stream, no ack asked': load.counts.flood,
    'of it stored': load.counts.stored,
    'published and acknowledged': load.counts.acknowledged,
    'worked off the queue, double acks': load.counts.worked,
    'fan-out deliveries': load.counts.fanned,
    'requests answered': load.counts.requests,
    'key-value writes': load.counts.keyValue,
    'never-reading subscribers cut off': load.counts.cutOff,
    'slow consumers by /varz': varz.slow_consumers ?? 0,
    'resident median, MB': at(of('residentMb'), 0.5),
    'resident peak, MB': peakMb,
    'disk median, MB': at(disk, 0.5),
    'disk peak, MB': at(disk, 1),
    'ping p50, ms': at(pings, 0.5),
    'ping p99, ms': at(pings, 0.99),
    'bystander p50, ms': at(bystanders, 0.5),
    'bystander p99, ms': at(bystanders, 0.99),
  })
  const faults: string[] = [...load.faults]
  if (peakMb > RESIDENT_MB_MAX) faults.push(`${peakMb.toFixed(0)} MB resident, stated are ${RESIDENT_MB_MAX}`)
  if (at(disk, 1) > DISK_MB_MAX) faults.push(`${at(disk, 1).toFixed(0)} MB on disk, stated are ${DISK_MB_MAX}`)
  for (const [name, values] of [
    ['a ping', pings],
    ['the bystander', bystanders],
  ] as const)
    if (at(values, 0.99) > ANSWER_MS_MAX) faults.push(`${name} took ${at(values, 0.99).toFixed(0)} ms`)
  if (load.counts.flood !== load.counts.stored)
    faults.push(`${load.counts.flood} were flooded in and ${load.counts.stored} stored: some were dropped in silence`)
  for (const fault of faults) console.log(`  ${fault}`)
  console.log(`${faults.length} faults`)
  return faults.length > 0 ? 1 : 0
}

class SoakLoad {
  readonly counts = { flood: 0, stored: 0, acknowledged: 0, worked: 0, fanned: 0, requests: 0, keyValue: 0, cutOff: 0 }
  readonly faults: string[] = []
  readonly #world: World
  readonly #port: number
  readonly #running: Promise<void>[] = []
  #pass: (() => Promise<number>) | undefined

  constructor(world: World, port: number) {
    this.#world = world
    this.#port = port
  }

  async start(): Promise<void> {
    const { js, jsm, nc } = await this.#world.connect()
    await jsm.streams.add({ name: 'SOAK_FLOOD', subjects: ['soak.flood'], max_bytes: STREAM_BYTES })
    await jsm.streams.add({ name: 'SOAK_AGED', subjects: ['soak.aged'], max_age: 5_000_000_000 })
    await jsm.streams.add({ name: 'SOAK_WORK', subjects: ['soak.work'], retention: 'workqueue' })
    await jsm.consumers.add('SOAK_WORK', { durable_name: 'worker', ack_policy: 'explicit', max_ack_pending: 1000 })
    const kv = await new Kvm(js).create('soak', { history: 5 })
    const consumer = await js.consumers.get('SOAK_WORK', 'worker')
    const messages = await consumer.consume({
      max_messages: 200,
      callback: (message) =>
        void message.ackAck().then(
          () => (this.counts.worked += 1),
          () => {},
        ),
    })
    void messages
    for (let index = 0; index < 10; index++)
      nc.subscribe('soak.fan', { callback: () => void (this.counts.fanned += 1) })
    nc.subscribe('soak.echo', { callback: (_error, message) => void message.respond(message.data) })
    this.#run(() => this.#flood())
    for (let lane = 0; lane < 16; lane++)
      this.#run(async () => {
        await js.publish(
          lane % 2 === 0 ? 'soak.aged' : 'soak.work',
          payloadOf(`lane:${lane}-${this.counts.acknowledged}`),
        )
        this.counts.acknowledged += 1
      })
    for (let lane = 0; lane < 2; lane++)
      this.#run(async () => {
        await kv.put(`key-${this.#world.random.below(500)}`, PAYLOAD)
        this.counts.keyValue += 1
      })
    this.#run(async () => {
      await nc.request('soak.echo', 'hello', { timeout: 10_000 })
      this.counts.requests += 1
    })
    this.#run(async () => {
      nc.publish('soak.fan', PAYLOAD)
      await sleep(2)
    })
    this.#run(() => this.#neverRead())
    await this.#setBystander()
  }

  /** One message from one connection to another, both with nothing else to do: milliseconds. */
  bystander(): Promise<number> {
    return (this.#pass as () => Promise<number>)()
  }

  async stop(): Promise<void> {
    this.#world.stopping = true
    await Promise.all(this.#running)
    const { jsm } = await this.#world.connect()
    this.counts.stored = (await jsm.streams.info('SOAK_FLOOD')).state.last_seq
  }

  #run(step: () => Promise<void>): void {
    const go = async (): Promise<void> => {
      while (!this.#world.stopping) await step()
    }
    this.#running.push(go().catch((error) => void this.faults.push(String(error))))
  }

  /** Publishes without asking for an ack, as fast as the socket takes it, until the run ends. */
  async #flood(): Promise<void> {
    const client = await RawClient.open(this.#port)
    const batch = Buffer.from(`PUB soak.flood ${PAYLOAD.length}\r\n${PAYLOAD}\r\n`.repeat(100))
    while (!this.#world.stopping) {
      await client.sendPatiently(batch)
      this.counts.flood += 100
    }
    await client.ping()
    client.close()
  }

  /** Subscribes to the fan-out and the flood and never reads; when the server cuts it off, the next one comes. */
  async #neverRead(): Promise<void> {
    const client = await RawClient.open(this.#port)
    let isClosed = false
    client.socket.on('close', () => (isClosed = true))
    client.send('SUB soak.> 1\r\nPING\r\n')
    client.socket.pause()
    const startMs = performance.now()
    while (!isClosed && !this.#world.stopping) {
      await sleep(500)
      // A paused socket does not hear that it was closed: a write does.
      if (performance.now() - startMs > 15_000) client.send('PING\r\n')
    }
    if (isClosed) this.counts.cutOff += 1
    client.close()
  }

  async #setBystander(): Promise<void> {
    const [from, to] = [await this.#world.connect(), await this.#world.connect()]
    let arrived: (() => void) | undefined
    to.nc.subscribe('bystander', { callback: () => arrived?.() })
    await to.nc.flush()
    this.#pass = async () => {
      const startMs = performance.now()
      const arrival = new Promise<void>((resolve) => (arrived = resolve))
      from.nc.publish('bystander')
      await arrival
      return performance.now() - startMs
    }
  }
}

/** What the files below `folder` take, in bytes. */
function diskOf(folder: string): number {
  let bytes = 0
  try {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      const path = join(folder, entry.name)
      bytes += entry.isDirectory() ? diskOf(path) : lstatSync(path).blocks * 512
    }
  } catch {
    // Removed while we looked.
  }
  return bytes
}
