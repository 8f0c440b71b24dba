/**
 * A server for tests: the same one, on a disk in memory that can fail, with message time that only the test moves.
 * Thirty seconds of redelivery take milliseconds; connections (pings, pull expiry, the clients' own timers) stay real.
 */
import type { NatsConnection } from '@nats-io/nats-core'
import { SystemClock, SystemTurn } from '../base/clock.ts'
import { HeadwaterError } from '../base/errors.ts'
import { SeededRandom } from '../base/testing/seeded-random.ts'
import { type Crash, SimDisk } from '../base/testing/sim-disk.ts'
import { VirtualClock } from '../base/testing/virtual-clock.ts'
import { MessageView } from '../store/message-view.ts'
import { FOUND } from '../store/stream-log.ts'
import { type ConnectOptions, connectInProcess } from './in-process-client.ts'
import { Headwater, type HeadwaterOptions } from './index.ts'
import { type Published, PublishedLog } from './testing/published.ts'
import { PumpedClock } from './testing/pumped-clock.ts'
import { settle, turnEnd } from './testing/settle.ts'
import { type Snapshot, snapshotOf } from './testing/snapshot.ts'

export type { Published } from './testing/published.ts'
export type { ConsumerSnapshot, Snapshot, StreamSnapshot } from './testing/snapshot.ts'

/** As Headwater's, with the simulated disk as `data` unless it is `'memory'`. */
export interface TestOptions extends HeadwaterOptions {
  /** Ids, queue-group choice and the disk's order of things; 1 when left out. */
  seed?: number
  /** Where message time starts, milliseconds since the epoch; now when left out. */
  startMs?: number
}

/**
 * What can go wrong: the next write or sync fails with an I/O error (the store is poisoned), or the disk fills up: publishes
 * are refused at the latest after 64 KiB more, everything else goes on.
 */
export type Failure = 'next-write' | 'next-sync' | 'disk-full'

/** Small, so that a full disk shows after little. */
const JOURNAL_BYTES = 64 * 1024
/** Clients that are not back after this are not waited for. */
const RECONNECT_MS = 1000

/** Starts a server for one test. Throws what Headwater.start throws. */
export async function startTest(options: TestOptions = {}): Promise<TestServer> {
  const test = new TestServer(options)
  await test.restart()
  return test
}

/** A server whose time, disk and life the test owns. */
export class TestServer {
  readonly #options: HeadwaterOptions
  readonly #turn = new SystemTurn()
  readonly #connectionClock = new SystemClock()
  readonly #messageClock: VirtualClock
  readonly #random: SeededRandom
  readonly #diskClock = new PumpedClock(this.#turn)
  readonly #disk: SimDisk
  readonly #log = new PublishedLog()
  readonly #clients = new Set<NatsConnection>()
  #headwater: Headwater | undefined
  /** Kept over restarts, so that clients find their way back. */
  #port: number | false | undefined

  constructor({ seed = 1, startMs, ...options }: TestOptions) {
    this.#random = new SeededRandom(seed)
    this.#messageClock = new VirtualClock(startMs ?? this.#connectionClock.now())
    this.#disk = new SimDisk({ clock: this.#diskClock, random: this.#random.fork() })
    this.#options = { data: 'data', ...options }
    this.#port = options.port
  }

  /** The server as it is now: events, stats, accept. Throws HW_CLOSED between `crash` and `restart`. */
  get headwater(): Headwater {
    if (this.#headwater) return this.#headwater
    throw new HeadwaterError('HW_CLOSED', 'The server of this test is down', { hint: 'Call test.restart() first.' })
  }

  get url(): string {
    return this.headwater.url
  }

  /** Message time. */
  now(): Date {
    return new Date(this.#messageClock.now())
  }

  /** An official client inside the process; it finds the server again after `crash`, `restart` and `disconnect`. */
  async connect(options: ConnectOptions = {}): Promise<NatsConnection> {
    const { server } = this.headwater
    const attach = (transport: Parameters<typeof server.accept>[0]) => this.headwater.server.accept(transport)
    const client = await connectInProcess({ attach, url: server.url, credentials: server.credentials }, options)
    this.#clients.add(client)
    void client.closed().then(() => this.#clients.delete(client))
    return client
  }

  /** Moves message time on: everything that falls due in it happens, in order, and is settled before the next. */
  async advance(ms: number): Promise<void> {
    const untilMs = this.#messageClock.now() + ms
    await this.settle()
    for (;;) {
      const nextAtMs = this.#messageClock.nextAtMs
      if (nextAtMs === undefined || nextAtMs > untilMs) break
      this.#messageClock.advance(nextAtMs - this.#messageClock.now())
      await this.settle()
    }
    this.#messageClock.advance(untilMs - this.#messageClock.now())
    await this.settle()
  }

  /** Resolves when nothing moves any more: what was sent has been handled, by the server, by its disk, and by the clients. */
  async settle(): Promise<void> {
    await settle({
      server: this.headwater.server,
      turn: this.#turn,
      connectionClock: this.#connectionClock,
      diskPending: () => this.#diskClock.pending,
    })
  }

  /** What clients published on subjects that match `subject`, and the dead letters that the server wrote there, oldest first. */
  published(subject: string): Published[] {
    return this.#log.on(subject)
  }

  /** Streams and consumers as they are now. */
  snapshot(): Snapshot {
    const { engine } = this.headwater.server
    return engine ? snapshotOf(engine.store) : {}
  }

  /** Makes something go wrong; the result makes a full disk have room again. Throws HW_CONFIG in memory, where there is no disk. */
  fail(what: Failure): () => void {
    if (this.#options.data === 'memory') {
      throw new HeadwaterError('HW_CONFIG', `There is no disk to fail: this test runs with data: 'memory'`, {
        hint: 'Leave data out.',
      })
    }
    if (what === 'disk-full') {
      const used = this.#disk.files().reduce((sum, { data }) => sum + data.length, 0)
      this.#disk.faults.capacityBytes = used + 4 * JOURNAL_BYTES
      return () => {
        this.#disk.faults.capacityBytes = Number.POSITIVE_INFINITY
      }
    }
    this.#disk.failNext(what === 'next-sync' ? 'sync' : 'write')
    return () => {}
  }

  /** Ends the server without a word, as SIGKILL (`kill`) or a power cut (`power`) does. Clients are cut off; call `restart` next. */
  async crash(kind: Crash = 'kill'): Promise<void> {
    const { server } = this.headwater
    this.#headwater = undefined
    this.#disk.crash(kind)
    await server.abandon()
    await turnEnd(this.#turn)
  }

  /** Stops the server, unless it crashed, and starts it again on the same disk and port. Resolves when `connect`'s clients are back. */
  async restart(): Promise<void> {
    const before = this.#headwater
    this.#headwater = undefined
    await before?.close()
    const headwater = await Headwater.startOn(
      {
        messageClock: this.#messageClock,
        connectionClock: this.#connectionClock,
        turn: this.#turn,
        random: this.#random.fork(),
        fs: this.#disk.mount(),
        journalBytes: JOURNAL_BYTES,
      },
      { ...this.#options, port: this.#port },
      () => this.#log.tap(),
    )
    this.#headwater = headwater
    if (this.#port !== false) this.#port = Number(new URL(headwater.url).port)
    headwater.on('deadLetter', (letter) => this.#remember(letter.subject, letter.letterStream, letter.letterSeq))
    await this.#clientsAreBack()
  }

  /** Cuts every connection, as a network does; the server stays. Resolves when `connect`'s clients are back. */
  async disconnect(): Promise<void> {
    const { broker } = this.headwater.server
    for (const connection of broker.connections()) connection.transport.destroy()
    await turnEnd(this.#turn)
    await this.#clientsAreBack()
  }

  /** Closes clients and server. */
  async close(): Promise<void> {
    await Promise.all([...this.#clients].map((client) => client.close()))
    await this.#headwater?.close()
    this.#headwater = undefined
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  /** Waits for the clients inside the process, which try again every few milliseconds; not for one that was told not to. */
  async #clientsAreBack(): Promise<void> {
    const startMs = this.#connectionClock.now()
    const isBack = (): boolean => {
      const open = this.headwater.server.broker.connections().filter((one) => one.connectedMs > 0)
      return open.length >= this.#clients.size
    }
    while (!isBack() && this.#connectionClock.now() - startMs < RECONNECT_MS) await turnEnd(this.#turn)
  }

  #remember(subject: string, stream: string, seq: number): void {
    const view = new MessageView()
    const log = this.#headwater?.server.engine?.jetstream.stream(stream)?.log
    if (log?.read(seq, view) !== FOUND) return
    this.#log.add(subject, '', view.bytes.slice(view.headersStart, view.end), view.headersLength)
  }
}
