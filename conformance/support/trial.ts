/** One run of one case on one target: its server, its connections, its names, and what it observed. */
import { createHash } from 'node:crypto'
import { type ConnectionOptions, connect, type NatsConnection } from '@nats-io/transport-node'
import { differences } from '../differences.ts'
import { Caller } from './caller.ts'
import { expectEqual } from './expectations.ts'
import { JetStreamCaller } from './jetstream-caller.ts'
import { normalise, stable } from './normalise.ts'
import type { OfficialSchemas } from './official-schemas.ts'
import { RawClient } from './raw-client.ts'
import type { RunningServer, TargetName } from './target.ts'

export interface Observation {
  readonly label: string
  readonly value: string
}

export class Trial {
  readonly target: TargetName
  readonly server: RunningServer
  /** A stream name of this case's own, the same on every target. */
  readonly id: string
  /** A first subject token of this case's own. */
  readonly subject: string
  readonly observations: Observation[] = []
  private readonly schemas: OfficialSchemas | undefined
  private readonly cleanups: (() => unknown)[] = []
  private callers = 0

  constructor(target: TargetName, server: RunningServer, caseName: string, schemas: OfficialSchemas | undefined) {
    this.target = target
    this.server = server
    this.schemas = schemas
    const hash = createHash('sha256').update(caseName).digest('hex').slice(0, 8)
    this.id = `S${hash}`
    this.subject = `s${hash}`
  }

  get url(): string {
    return `nats://${this.server.host}:${this.server.port}`
  }

  /** A raw connection that has sent CONNECT and seen its PONG. */
  async raw(options: Record<string, unknown> = {}): Promise<RawClient> {
    return this.defer(await RawClient.connected(this.server, options), (client) => client.close())
  }

  /** A raw connection that has read INFO and said nothing. */
  async rawOpen(): Promise<RawClient> {
    return this.defer(await RawClient.open(this.server), (client) => client.close())
  }

  async caller(options: Record<string, unknown> = {}): Promise<Caller> {
    const prefix = `${this.subject}${++this.callers}`
    return this.defer(await Caller.open(this.server, prefix, options), (caller) => caller.close())
  }

  async js(): Promise<JetStreamCaller> {
    return new JetStreamCaller(await this.caller(), this)
  }

  /** An official client's connection. */
  async client(options: ConnectionOptions = {}): Promise<NatsConnection> {
    const connection = await connect({ servers: this.url, ...options })
    return this.defer(connection, (open) => open.close())
  }

  /** Something that must be the same on every target. Times and ids are masked. */
  observe(label: string, value: unknown): void {
    this.observations.push({ label, value: typeof value === 'string' ? value : stable(normalise(value)) })
  }

  /** Fails when the value breaks the official schema that `type` names. */
  checkSchema(type: string, value: unknown): void {
    const problem = this.schemas?.violation(type, value)
    if (problem) throw new Error(`breaks the official schema: ${problem}`)
  }

  /** A stated difference: `id` names its row in differences.ts. */
  differs(id: string, actual: unknown, expected: Readonly<Record<TargetName, unknown>>, what = id): void {
    if (!differences.some((row) => row.id === id)) throw new Error(`no row ${id} in differences.ts`)
    expectEqual(actual, expected[this.target], what)
  }

  /** Closes at the end of the case, whatever happens. */
  defer<T>(value: T, cleanup: (value: T) => unknown): T {
    this.cleanups.push(() => cleanup(value))
    return value
  }

  async end(): Promise<void> {
    for (const cleanup of this.cleanups.splice(0).reverse()) await cleanup()
  }
}
