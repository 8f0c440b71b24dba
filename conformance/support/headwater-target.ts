/** Headwater, started in this process as an application would. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ServerOptions } from './server-options.ts'
import type { RunningServer, Target } from './target.ts'

/** The part of the public API that is used here. */
interface Broker {
  readonly url: string
  drain(): Promise<void>
  close(): Promise<void>
}

const modulePath = 'headwater'

export async function headwaterTarget(): Promise<Target> {
  const { Headwater } = (await import(modulePath)) as { Headwater: { start(options: object): Promise<Broker> } }
  return {
    name: 'headwater',
    description: 'Headwater, in process',
    start: (options) => HeadwaterServer.start((more) => Headwater.start(more), options),
  }
}

class HeadwaterServer implements RunningServer {
  readonly host = '127.0.0.1'
  port = 0
  private readonly start: (options: object) => Promise<Broker>
  private readonly options: object
  private readonly dir: string
  private broker: Broker | undefined

  private constructor(start: (options: object) => Promise<Broker>, options: object, dir: string) {
    this.start = start
    this.options = options
    this.dir = dir
  }

  static async start(start: (options: object) => Promise<Broker>, options: ServerOptions): Promise<HeadwaterServer> {
    const dir = mkdtempSync(join(tmpdir(), 'headwater-conformance-'))
    const server = new HeadwaterServer(start, toHeadwater(options, join(dir, 'data')), dir)
    await server.launch()
    return server
  }

  async restart(): Promise<void> {
    await this.broker?.close()
    await this.launch()
  }

  lameDuck(): void {
    void this.broker?.drain()
  }

  async stop(): Promise<void> {
    await this.broker?.close()
    rmSync(this.dir, { recursive: true, force: true })
  }

  private async launch(): Promise<void> {
    this.broker = await this.start({ ...this.options, port: this.port })
    this.port = Number(new URL(this.broker.url).port)
  }
}

/** The same wishes as Headwater's options. */
function toHeadwater(options: ServerOptions, data: string): object {
  return {
    data,
    jetstream: options.jetstream !== false,
    serverName: options.serverName,
    users: options.users ?? (options.user === undefined ? undefined : [{ user: options.user, pass: options.pass }]),
    token: options.token,
    limits: {
      maxPayloadBytes: options.maxPayloadBytes,
      maxControlLineBytes: options.maxControlLineBytes,
      maxConnections: options.maxConnections,
      maxSubscriptions: options.maxSubscriptions,
      maxPendingBytes: options.maxPendingBytes,
      writeDeadlineMs: options.writeDeadlineMs,
      pingIntervalMs: options.pingIntervalMs,
      pingMax: options.pingMax,
      authTimeoutMs: options.authTimeoutMs,
      lameDuckDurationMs: options.lameDuckDurationMs,
      lameDuckGraceMs: options.lameDuckGraceMs,
    },
  }
}
