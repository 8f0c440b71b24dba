/** The broker: who is connected, and who gets which message. Composes the parts of this folder; knows no socket. */
import type { Clock, Timer, Turn } from '../base/clock.ts'
import { HeadwaterError } from '../base/errors.ts'
import { type Logger, silentLogger } from '../base/log.ts'
import type { Random } from '../base/random.ts'
import { Parser } from '../protocol/parser.ts'
import { type ClosedReason, protocolErrors } from '../protocol/protocol-errors.ts'
import { encodeInfo, PROTOCOL_VERSION, type ServerInfo } from '../protocol/server-info.ts'
import { Account } from './account.ts'
import type { Authenticator } from './auth/authenticator.ts'
import { Connection } from './connection.ts'
import type { ConnectionHost } from './connection-host.ts'
import { Delivery } from './deliver.ts'
import { Flusher } from './flusher.ts'
import { beat } from './heartbeat.ts'
import { InternalClient } from './internal-client.ts'
import { type BrokerLimits, defaultBrokerLimits } from './limits.ts'
import { type BrokerStats, type ConnectionSnapshot, snapshotOf } from './stats.ts'
import type { Transport, TransportPeer } from './transport.ts'

/** A head with a longest line, a longest sid and a payload that is not shared fits a chunk with this. */
const CONTROL_LINE_MAX = 16 * 1024
/** A closed transport that does not go away by itself is dropped after this. */
const GOODBYE_MS = 2_000

/** What the broker tells whoever wants to know. */
export interface BrokerListener {
  connectionOpened?(connection: ConnectionSnapshot): void
  connectionClosed?(connection: ConnectionSnapshot, reason: ClosedReason): void
  slowConsumer?(connection: ConnectionSnapshot): void
}

/** What a broker is made of; only the seams are needed. */
export interface BrokerOptions {
  /** Connection time: pings, deadlines, timeouts. */
  readonly clock: Clock
  readonly turn: Turn
  readonly random: Random
  readonly log?: Logger
  readonly limits?: Partial<BrokerLimits>
  /** Without one, everybody may connect. */
  readonly authenticator?: Authenticator
  readonly listener?: BrokerListener
  /** INFO's own fields; `host` and `port` may be set later by `listensOn`. */
  readonly serverId?: string
  readonly serverName?: string
  readonly jetstream?: boolean
  /** What else INFO says of the server, for people. */
  readonly metadata?: Readonly<Record<string, string>>
}

export class Broker {
  readonly serverId: string
  readonly serverName: string
  readonly limits: BrokerLimits
  /** The engine's port. */
  readonly bus: InternalClient
  readonly account: Account = new Account('$G')

  readonly #clock: Clock
  readonly #log: Logger
  readonly #listener: BrokerListener
  readonly #jetstream: boolean
  readonly #metadata: Readonly<Record<string, string>> | undefined
  readonly #flusher: Flusher
  readonly #host: ConnectionHost
  readonly #open = new Map<number, Connection>()
  /** Closed, but their last bytes are under way. */
  readonly #leaving = new Set<Connection>()
  readonly #closed: ConnectionSnapshot[] = []
  readonly #totals = { inMsgs: 0, inBytes: 0, outMsgs: 0, outBytes: 0, slowConsumers: 0, staleConnections: 0 }
  readonly #sweepMs: number
  #sweepTimer: Timer | undefined
  #lastId = 0
  #endpoint = { host: '127.0.0.1', port: 0 }
  #authRequired: boolean
  #isLameDuck = false
  #isClosed = false
  #whenEmpty: (() => void)[] = []

  constructor(options: BrokerOptions) {
    this.#clock = options.clock
    this.#log = options.log ?? silentLogger
    this.#listener = options.listener ?? {}
    this.#jetstream = options.jetstream ?? false
    this.#metadata = options.metadata
    this.limits = { ...defaultBrokerLimits, ...options.limits }
    if (this.limits.maxControlLine > CONTROL_LINE_MAX) {
      throw new HeadwaterError('HW_CONFIG', `max_control_line ${this.limits.maxControlLine} is too large`, {
        hint: `Set max_control_line to at most ${CONTROL_LINE_MAX} bytes.`,
      })
    }
    this.serverId = options.serverId ?? newServerId(options.random)
    this.serverName = options.serverName ?? this.serverId
    this.#authRequired = options.authenticator !== undefined
    this.#flusher = new Flusher(options.turn)
    const delivery = new Delivery(options.random)
    this.bus = new InternalClient({ account: this.account, delivery, release: () => this.#release() })
    this.#host = {
      account: this.account,
      authenticator: options.authenticator,
      clock: options.clock,
      delivery,
      flusher: this.#flusher,
      limits: this.limits,
      parser: new Parser(),
      turn: options.turn,
      infoFor: (connection, again) => encodeInfo(this.#infoFor(connection, again)),
      closed: (connection, reason) => this.#connectionClosed(connection, reason),
      gone: (connection) => this.#connectionGone(connection),
      slowConsumer: (connection) => this.#slowConsumer(connection),
    }
    const { pingIntervalMs, writeDeadlineMs } = this.limits
    this.#sweepMs = Math.min(1_000, Math.max(10, Math.min(pingIntervalMs, writeDeadlineMs) / 4))
  }

  /** Takes a new connection and greets it. The transport tells the returned peer what happens. */
  accept(transport: Transport): TransportPeer {
    const connection = new Connection(this.#host, ++this.#lastId, transport)
    const isFull = this.#open.size >= this.limits.maxConnections || this.#isClosed
    this.#open.set(connection.id, connection)
    if (this.#sweepTimer === undefined) this.#sweepLater()
    this.#listener.connectionOpened?.(snapshotOf(connection, this.account.name))
    connection.open(isFull)
    return connection
  }

  /** The address that INFO names. */
  listensOn(host: string, port: number): void {
    this.#endpoint = { host, port }
  }

  get stats(): BrokerStats {
    const sums = { ...this.#totals }
    for (const connection of this.#open.values()) {
      sums.inMsgs += connection.inMsgs
      sums.inBytes += connection.inBytes
      sums.outMsgs += connection.outMsgs
      sums.outBytes += connection.outBytes
    }
    return {
      ...sums,
      connections: this.#open.size,
      totalConnections: this.#lastId,
      subscriptions: this.account.subscriptionCount,
    }
  }

  /** The open connections, as they are now. */
  connections(): Connection[] {
    return [...this.#open.values()]
  }

  connection(id: number): Connection | undefined {
    return this.#open.get(id)
  }

  /** The connections that closed last, oldest first. */
  closedConnections(): readonly ConnectionSnapshot[] {
    return this.#closed
  }

  /** Closes one connection, as an operator. False when there is none of this id. */
  kick(id: number): boolean {
    const connection = this.#open.get(id)
    connection?.close('Kicked')
    return connection !== undefined
  }

  /** Tells clients that this server is about to go, so that they reconnect elsewhere. */
  lameDuck(): void {
    if (this.#isLameDuck) return
    this.#isLameDuck = true
    for (const connection of this.#open.values()) connection.inform()
  }

  /**
   * Lame duck, then the end: clients have `graceMs` to leave by themselves, then those that stayed are closed one after another within
   * `spreadMs`, so that they do not all reconnect at once. Resolves when nobody is left.
   */
  async drain(options: { graceMs: number; spreadMs: number }): Promise<void> {
    this.lameDuck()
    const stepMs = options.spreadMs / Math.max(1, this.#open.size)
    const closeNext = (): void => {
      for (const connection of this.#open.values()) {
        connection.close('Server Shutdown')
        break
      }
      if (this.#open.size > 0) this.#clock.after(stepMs, closeNext)
    }
    const grace = this.#clock.after(options.graceMs, closeNext)
    await this.#empty()
    grace.cancel()
  }

  /** Closes every connection: what waits for them is still written. Resolves when all are gone. New ones are refused. */
  async close(): Promise<void> {
    this.#isClosed = true
    for (const connection of [...this.#open.values()]) connection.close('Server Shutdown')
    await this.#empty()
    this.#sweepTimer?.cancel()
    this.#sweepTimer = undefined
    this.#flusher.close()
  }

  #empty(): Promise<void> {
    if (this.#open.size === 0 && this.#leaving.size === 0) return Promise.resolve()
    return new Promise((resolve) => this.#whenEmpty.push(resolve))
  }

  #infoFor(connection: Connection, again: boolean): ServerInfo {
    return {
      server_id: this.serverId,
      server_name: this.serverName,
      version: PROTOCOL_VERSION,
      proto: 1,
      go: `node ${process.versions.node}`,
      host: this.#endpoint.host,
      port: this.#endpoint.port,
      headers: true,
      max_payload: this.limits.maxPayload,
      jetstream: this.#jetstream || undefined,
      auth_required: this.#authRequired || undefined,
      client_id: connection.id,
      client_ip: connection.transport.remoteAddress,
      ldm: this.#isLameDuck || undefined,
      server_metadata: this.#metadata,
      ...(again ? { connect_info: true, remote_account: this.account.name } : {}),
    }
  }

  #connectionClosed(connection: Connection, reason: ClosedReason): void {
    this.#open.delete(connection.id)
    this.#leaving.add(connection)
    const totals = this.#totals
    totals.inMsgs += connection.inMsgs
    totals.inBytes += connection.inBytes
    totals.outMsgs += connection.outMsgs
    totals.outBytes += connection.outBytes
    const snapshot = snapshotOf(connection, this.account.name)
    this.#closed.push(snapshot)
    if (this.#closed.length > this.limits.maxClosedShown) this.#closed.shift()
    this.#log.debug({ client: connection.id, reason }, 'connection closed')
    this.#listener.connectionClosed?.(snapshot, reason)
  }

  #connectionGone(connection: Connection): void {
    this.#leaving.delete(connection)
    if (this.#open.size > 0 || this.#leaving.size > 0) return
    const waiting = this.#whenEmpty
    this.#whenEmpty = []
    for (const resolve of waiting) resolve()
  }

  #slowConsumer(connection: Connection): void {
    this.#totals.slowConsumers++
    this.#log.warn({ client: connection.id, pendingBytes: connection.outbox.pendingBytes }, 'slow consumer')
    this.#listener.slowConsumer?.(snapshotOf(connection, this.account.name))
  }

  #release(): void {
    for (const connection of this.#open.values()) if (connection.isHeld) connection.release()
  }

  #sweepLater(): void {
    const dueMs = this.#clock.now() + this.#sweepMs
    this.#sweepTimer = this.#clock.after(this.#sweepMs, () => {
      this.#sweepTimer = undefined
      this.#forgive(this.#clock.now() - dueMs)
      this.#sweep()
      if (this.#open.size > 0 || this.#leaving.size > 0) this.#sweepLater()
    })
  }

  /** While the process itself stood still, no write could go on: that is no fault of who reads. */
  #forgive(lateMs: number): void {
    if (lateMs < this.#sweepMs) return
    for (const { outbox } of this.#open.values()) if (outbox.flightSinceMs > 0) outbox.flightSinceMs += lateMs
  }

  #sweep(): void {
    const now = this.#clock.now()
    const { pingIntervalMs, pingMax, writeDeadlineMs } = this.limits
    for (const connection of this.#open.values()) {
      const flightSinceMs = connection.outbox.flightSinceMs
      if (flightSinceMs > 0 && now - flightSinceMs > writeDeadlineMs) {
        connection.slow('Slow Consumer (Write Deadline)')
        continue
      }
      const what = beat(connection, now, pingIntervalMs, pingMax)
      if (what === 'ping') connection.ping(now)
      else if (what === 'stale') {
        this.#totals.staleConnections++
        connection.refuse(protocolErrors.staleConnection)
      }
    }
    for (const connection of this.#leaving) {
      if (now - connection.closedMs > GOODBYE_MS) connection.ended()
    }
  }
}

/** As long and as shaped as NATS ids: an N, then base32 characters. */
function newServerId(random: Random): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'
  let id = 'N'
  for (let i = 0; i < 55; i++) id += alphabet[random.below(32)]
  return id
}
