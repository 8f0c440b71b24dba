/** One running server: storage, broker, engine, listeners, put together and taken apart in the right order. */
import type { HeadwaterError } from '../base/errors.ts'
import { Broker, type BrokerListener } from '../broker/broker.ts'
import type { Transport, TransportPeer } from '../broker/transport.ts'
import { type Monitor, startMonitor } from '../monitor/http.ts'
import type { HeldMessages, ServerSnapshot } from '../monitor/snapshot.ts'
import { PROTOCOL_VERSION } from '../protocol/server-info.ts'
import type { Store } from '../store/store.ts'
import { accessOf, type ClientCredentials } from './access.ts'
import { isLoopback, urlOf } from './addresses.ts'
import { type Engine, heldBy, openEngine, stopServing } from './engine.ts'
import type { Events } from './events.ts'
import { forgetAddress, leaveAddress } from './joined.ts'
import { listenTcp, type TcpListener } from './listen/tcp.ts'
import type { Settings } from './options.ts'
import type { Seams } from './seams.ts'
import { type Tap, tapped } from './tap.ts'
import { traceTo } from './trace.ts'
import { VERSION } from './version.ts'

/** How often the data folder is looked for while nothing is written; writes look by themselves. */
const LOOK_MS = 5000

export class Server {
  readonly settings: Settings
  readonly broker: Broker
  readonly engine: Engine | undefined
  /** What connections made inside the process present. */
  readonly credentials: ClientCredentials
  /** Serves one connection. */
  accept: (transport: Transport) => TransportPeer = (transport) => this.broker.accept(transport)
  readonly #seams: Seams
  readonly #startMs: number
  #listener: TcpListener | undefined
  #monitor: Monitor | undefined
  #closing: Promise<void> | undefined
  #failure: Error | undefined
  #takeAddress: () => Promise<void> = async () => {}

  private constructor(
    settings: Settings,
    seams: Seams,
    broker: Broker,
    engine: Engine | undefined,
    credentials: ClientCredentials,
  ) {
    this.settings = settings
    this.broker = broker
    this.engine = engine
    this.credentials = credentials
    this.#seams = seams
    this.#startMs = seams.connectionClock.now()
  }

  /**
   * Opens storage, then lets clients in. Throws HeadwaterError; nothing stays open then.
   * `tapOf` listens in on every connection.
   */
  static async open(settings: Settings, seams: Seams, events: Events, tapOf?: () => Tap): Promise<Server> {
    const access = accessOf(settings, seams.random)
    const broker = new Broker({
      clock: seams.connectionClock,
      turn: seams.turn,
      random: seams.random,
      log: settings.logger,
      limits: brokerLimits(settings),
      authenticator: access.authenticator,
      listener: tellers(events),
      serverName: settings.serverName,
      jetstream: settings.jetstream,
      metadata: { 'headwater.version': VERSION },
    })
    const engine = settings.jetstream
      ? await openEngine(settings, seams, broker.bus, broker.serverName, events)
      : undefined
    const server = new Server(settings, seams, broker, engine, access.internal)
    const tapOfEach = tapOf ?? (settings.trace ? traceTo(settings.logger) : undefined)
    if (tapOfEach) server.accept = tapped(server.accept, tapOfEach)
    if (engine) server.#watchStore(engine, events)
    try {
      await server.#listen()
    } catch (error) {
      await server.close()
      throw error
    }
    server.#warnWhenOpen(access.authenticator !== undefined)
    return server
  }

  /** Where TCP clients connect; undefined when there is no listener. */
  get url(): string | undefined {
    return this.#listener && urlOf('nats', this.settings.host, this.#listener.port)
  }

  /** Where the monitor answers; undefined when there is none. */
  get monitorUrl(): string | undefined {
    return this.#monitor && urlOf('http', this.settings.host, this.#monitor.port)
  }

  get isClosed(): boolean {
    return this.#closing !== undefined
  }

  snapshot(): ServerSnapshot {
    const { settings, broker, engine } = this
    const { inMsgs, outMsgs, ...traffic } = broker.stats
    const account = engine?.jetstream.accountInfo()
    return {
      serverId: broker.serverId,
      serverName: broker.serverName,
      protocolVersion: PROTOCOL_VERSION,
      headwaterVersion: VERSION,
      host: settings.host,
      port: this.#listener?.port ?? 0,
      authRequired: settings.users !== undefined || settings.token !== undefined,
      startMs: this.#startMs,
      nowMs: this.#seams.connectionClock.now(),
      limits: settings.limits,
      traffic: { ...traffic, inMessages: inMsgs, outMessages: outMsgs },
      jetstream: engine &&
        account && {
          folder: settings.data === 'memory' ? undefined : settings.data,
          sync: settings.sync,
          maxMemoryBytes: settings.limits.maxMemoryBytes,
          maxStorageBytes: settings.limits.maxStorageBytes,
          memoryBytes: account.memory,
          storageBytes: account.storage,
          streams: account.streams,
          consumers: account.consumers,
          messages: engine.store.streams().reduce((sum, log) => sum + log.state.messages, 0),
          apiTotal: account.api.total,
          apiErrors: account.api.errors,
        },
    }
  }

  /** What is wrong, a sentence each: for /healthz. */
  troubles(): string[] {
    const troubles: string[] = []
    if (this.isClosed) troubles.push('the server is closing')
    const cause = this.#failure ?? this.engine?.store.poisoned
    if (cause) troubles.push(`storage failed, nothing is acknowledged any more: ${cause.message}`)
    if (this.engine?.store.full) troubles.push('the disk is full: publishes are refused')
    if (this.engine) troubles.push(...this.engine.store.troubles())
    return troubles
  }

  /** Consumers that hold messages whose dead letters cannot be written now. */
  held(): HeldMessages[] {
    return this.engine ? heldBy(this.engine) : []
  }

  /** Lets the process end while this server is open. */
  unref(): void {
    this.#listener?.unref()
  }

  /** Lame duck: clients are told, have the grace period to leave, are closed one after the other; then the server closes. */
  async drain(): Promise<void> {
    void this.#listener?.close()
    const { lameDuckGraceMs, lameDuckDurationMs } = this.settings.limits
    await this.broker.drain({ graceMs: lameDuckGraceMs, spreadMs: Math.max(0, lameDuckDurationMs - lameDuckGraceMs) })
    await this.close()
  }

  /** Takes no more, answers what is on its way to the disk, closes connections, storage and listeners. Once; later calls wait too. */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  /** Lets go without waiting for the disk, as a process that dies: for tests that pull the plug. */
  async abandon(): Promise<void> {
    this.#closing ??= Promise.resolve()
    const listener = this.#listener?.close()
    this.engine?.jetstream.close()
    await this.broker.close()
    await listener
    await this.#monitor?.close()
  }

  async #close(): Promise<void> {
    const listener = this.#listener?.close()
    if (this.engine) await stopServing(this.engine)
    await this.broker.close()
    await listener
    await this.#takeAddress().catch((error: unknown) => {
      this.settings.logger.warn({ error }, 'the address could not be taken out of the data folder')
    })
    await this.engine?.store.close()
    await this.#monitor?.close()
  }

  async #listen(): Promise<void> {
    const { settings, broker } = this
    if (settings.port !== false) {
      this.#listener = await listenTcp({
        host: settings.host,
        port: settings.port,
        log: settings.logger,
        accept: (transport) => this.accept(transport),
      })
    }
    broker.listensOn(settings.host, this.#listener?.port ?? 0)
    await this.#leaveAddress()
    if (settings.monitor !== false) this.#monitor = await startMonitor(this, settings.host, settings.monitor)
  }

  /** For starts with `onLocked: 'join'`; whatever goes wrong here is no reason not to serve. */
  async #leaveAddress(): Promise<void> {
    const { settings, url, credentials } = this
    if (!this.engine || settings.data === 'memory') return
    const { fs } = this.#seams
    try {
      await forgetAddress(fs, settings.data)
      if (url !== undefined) this.#takeAddress = await leaveAddress(fs, settings.data, { url, credentials })
    } catch (error) {
      settings.logger.warn({ error }, 'the address could not be left in the data folder: it cannot be joined')
    }
  }

  #watchStore(engine: Engine, events: Events): void {
    const { store } = engine
    const engineHears = store.onPoisoned
    store.onPoisoned = (cause) => {
      this.#failure = cause
      engineHears?.(cause)
      events.emit('storageFailed', { cause })
    }
    if (this.settings.data === 'memory') return
    store.onDamage = (place) => events.emit('damage', { place })
    this.#lookForFolder(store)
    const { logger } = this.settings
    const { damage, repaired } = store.recovery
    for (const text of damage) logger.error({ hint: 'headwater check says what is lost' }, `damage: ${text}`)
    for (const text of repaired) logger.warn({}, `made good: ${text}`)
    events.emit('recovered', store.recovery)
  }

  #lookForFolder(store: Store): void {
    this.#seams.connectionClock.after(LOOK_MS, () => {
      if (this.isClosed || store.poisoned) return
      void store.checkFolder().then(() => this.#lookForFolder(store))
    })
  }

  #warnWhenOpen(asksForCredentials: boolean): void {
    const { host, port, logger } = this.settings
    if (port === false || asksForCredentials || isLoopback(host)) return
    const text = `OPEN SERVER: everybody who reaches ${host} may read, write and delete everything. Set users or a token, or listen on 127.0.0.1.`
    logger.warn({ host }, text)
    // A silent logger must not hide this one.
    process.emitWarning(text, { code: 'HW_OPEN_SERVER' })
  }
}

function brokerLimits({ limits }: Settings) {
  return {
    maxPayload: limits.maxPayloadBytes,
    maxControlLine: limits.maxControlLineBytes,
    maxConnections: limits.maxConnections,
    maxSubscriptions: limits.maxSubscriptions,
    maxPending: limits.maxPendingBytes,
    writeDeadlineMs: limits.writeDeadlineMs,
    pingIntervalMs: limits.pingIntervalMs,
    pingMax: limits.pingMax,
    authTimeoutMs: limits.authTimeoutMs,
  }
}

function tellers(events: Events): BrokerListener {
  return {
    slowConsumer: ({ id, name, remoteAddress, pendingBytes }) =>
      events.emit('slowConsumer', { client: id, name, address: remoteAddress, pendingBytes }),
  }
}

/** For callers that tell errors apart by their code. */
export function hasCode(error: unknown, code: HeadwaterError['code']): error is HeadwaterError {
  return (error as Partial<HeadwaterError> | undefined)?.code === code
}
