/** The public API: a server that starts inside the process. */
import type { Duplex } from 'node:stream'
import type { NatsConnection } from '@nats-io/nats-core'
import { HeadwaterError } from '../base/errors.ts'
import type { ServerSnapshot } from '../monitor/snapshot.ts'
import { acceptDuplex } from './duplex-transport.ts'
import { EVENT_NAMES, Events, type HeadwaterEvents, type Listener } from './events.ts'
import { type ClientHome, type ConnectOptions, connectInProcess } from './in-process-client.ts'
import { type Address, addressOfHolder } from './joined.ts'
import { type HeadwaterOptions, type Settings, settingsOf } from './options.ts'
import { type Seams, systemSeams } from './seams.ts'
import { hasCode, Server } from './server.ts'
import type { Tap } from './tap.ts'

export { HeadwaterError, type HeadwaterErrorCode } from '../base/errors.ts'
export type { Logger } from '../base/log.ts'
export type { DeadLetterEvent, DeadLetterHeldEvent } from '../jetstream/environment.ts'
export type { JetStreamSnapshot, ServerSnapshot } from '../monitor/snapshot.ts'
export type { RecoveryReport, SyncMode } from '../store/store.ts'
export type { HeadwaterEvents, Listener } from './events.ts'
export type { ConnectOptions } from './in-process-client.ts'
export type { Limits } from './limits.ts'
export type { HeadwaterOptions } from './options.ts'
export { VERSION as version } from './version.ts'

/** A running server. Made by `start`; ended by `close`, or by leaving an `await using` block. */
export class Headwater {
  /** Undefined when this is somebody else's server, joined. */
  readonly #own: Server | undefined
  readonly #joined: Address | undefined
  readonly #events: Events
  /** What `connect` made and nobody closed yet. */
  readonly #clients = new Set<NatsConnection>()
  readonly #unwatch: () => void
  #isClosed = false

  private constructor(running: { own: Server } | { joined: Address }, events: Events, settings: Settings) {
    this.#own = 'own' in running ? running.own : undefined
    this.#joined = 'joined' in running ? running.joined : undefined
    this.#events = events
    const { signal } = settings
    const abort = (): void => {
      void this.close()
    }
    signal?.addEventListener('abort', abort, { once: true })
    this.#unwatch = () => signal?.removeEventListener('abort', abort)
  }

  /**
   * Starts a server; without options in memory, on loopback, on a free port.
   * Throws HeadwaterError: HW_CONFIG, HW_PORT_IN_USE, HW_DATA_LOCKED, HW_DATA_NEWER, HW_DATA_CORRUPT, HW_DATA_UNUSABLE.
   */
  static async start(options: HeadwaterOptions = {}): Promise<Headwater> {
    return Headwater.startOn(systemSeams(), options)
  }

  /** @internal As start, on a world of the caller's, with somebody who listens in: `headwater/testing`. */
  static async startOn(seams: Seams, options: HeadwaterOptions, tapOf?: () => Tap): Promise<Headwater> {
    const settings = settingsOf(options)
    settings.signal?.throwIfAborted()
    const events = new Events(seams.turn, settings.logger)
    try {
      return new Headwater({ own: await Server.open(settings, seams, events, tapOf) }, events, settings)
    } catch (error) {
      if (settings.onLocked !== 'join' || !hasCode(error, 'HW_DATA_LOCKED')) throw error
      const joined = await addressOfHolder(seams.fs, settings.data, seams.connectionClock, error)
      return new Headwater({ joined }, events, settings)
    }
  }

  /** Comes with a later version. Throws HW_CONFIG. */
  static async restore(_from: string, _to: string): Promise<never> {
    throw later('Headwater.restore')
  }

  /** `nats://127.0.0.1:53122`: what a NATS client in any language needs. Throws HW_CONFIG when the server has no port. */
  get url(): string {
    const url = this.#joined?.url ?? this.#own?.url
    if (url === undefined) {
      throw new HeadwaterError('HW_CONFIG', 'This server has no url: it was started with port: false', {
        hint: 'Use hw.connect() or hw.accept(duplex), or start it with a port (0 is any free one).',
      })
    }
    return url
  }

  /** Where /healthz and /varz answer; undefined without the option `monitor`. */
  get monitorUrl(): string | undefined {
    return this.#own?.monitorUrl
  }

  /** True when another process has the data folder, and this is its server (`onLocked: 'join'`): `url` and `connect` alone. */
  get isJoined(): boolean {
    return this.#joined !== undefined
  }

  /** @internal Throws HW_CONFIG for what only the process that has the data can do. */
  get server(): Server {
    if (this.#own) return this.#own
    throw new HeadwaterError('HW_CONFIG', 'This server runs in another process, and was joined', {
      hint: 'Use url and connect(), or ask in the process that holds the data folder.',
    })
  }

  /** An official client, connected inside the process, and closed by `close`. Throws HW_CLIENT_MISSING when it is not installed. */
  async connect(options: ConnectOptions = {}): Promise<NatsConnection> {
    this.#mustBeOpen()
    const client = await connectInProcess(this.#home(), options)
    this.#clients.add(client)
    void client.closed().then(() => this.#clients.delete(client))
    return client
  }

  /** Serves one connection over a stream of the caller's: bring your own listener. */
  accept(duplex: Duplex): void {
    this.#mustBeOpen()
    acceptDuplex(duplex, this.server.accept)
  }

  /** The server's numbers, as they are now. */
  stats(): ServerSnapshot {
    return this.server.snapshot()
  }

  /** Calls `listener` after each such event. Throws HW_CONFIG for an event that does not exist. */
  on<E extends keyof HeadwaterEvents>(event: E, listener: Listener<E>): this {
    if (!EVENT_NAMES.includes(event)) {
      throw new HeadwaterError('HW_CONFIG', `Event ${String(event)} is not known`, {
        hint: `The events are ${EVENT_NAMES.join(', ')}.`,
      })
    }
    this.#events.on(event, listener)
    return this
  }

  /** Calls it no more. */
  off<E extends keyof HeadwaterEvents>(event: E, listener: Listener<E>): this {
    this.#events.off(event, listener)
    return this
  }

  /** Comes with a later version. Throws HW_CONFIG. */
  async backup(_folder: string): Promise<never> {
    throw later('hw.backup')
  }

  /** Lets the process end while the server is open. */
  unref(): this {
    this.#own?.unref()
    return this
  }

  /**
   * Lame duck: `connect`'s clients drain, the others are told and have time to leave (limits lameDuckGraceMs and
   * lameDuckDurationMs: two minutes in all, unless said otherwise); then as close. Resolves at once when nobody is left.
   */
  async drain(): Promise<void> {
    await Promise.allSettled([...this.#clients].map((client) => client.drain()))
    await this.#own?.drain()
    await this.close()
  }

  /** Closes clients, connections and storage; waits for the last write. May be called again. */
  async close(): Promise<void> {
    this.#unwatch()
    const clients = [...this.#clients]
    this.#clients.clear()
    await Promise.all(clients.map((client) => client.close()))
    this.#isClosed = true
    await this.#own?.close()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  #home(): ClientHome {
    if (this.#joined) return { attach: undefined, ...this.#joined }
    const { url, credentials, accept } = this.server
    const attach = (transport: Parameters<typeof accept>[0]) => {
      this.#mustBeOpen()
      return accept(transport)
    }
    return { attach, url, credentials }
  }

  #mustBeOpen(): void {
    if (!this.#isClosed && !this.#own?.isClosed) return
    throw new HeadwaterError('HW_CLOSED', 'This server is closed', {
      hint: 'Start another one with Headwater.start().',
    })
  }
}

function later(name: string): HeadwaterError {
  return new HeadwaterError('HW_CONFIG', `${name} is not supported yet`, {
    hint: 'Stop the server and copy its data folder: that is a whole and consistent copy.',
  })
}
