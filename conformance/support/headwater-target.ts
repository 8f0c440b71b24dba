/** Headwater, started in this process as an application would. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Headwater, HeadwaterOptions } from 'headwater'
import { goesWithUs } from './leftovers.ts'
import type { ServerOptions } from './server-options.ts'
import type { RunningServer, Target } from './target.ts'

type Start = (options: HeadwaterOptions) => Promise<Headwater>

/** Loads Headwater only when it is asked for, so that the judge can be run alone. */
export async function headwaterTarget(): Promise<Target> {
  const { Headwater, version } = await import('headwater')
  return {
    name: 'headwater',
    description: `Headwater ${version}, in process`,
    start: (options) => HeadwaterServer.start((more) => Headwater.start(more), options),
  }
}

class HeadwaterServer implements RunningServer {
  readonly host = '127.0.0.1'
  port = 0
  private readonly start: Start
  private readonly options: HeadwaterOptions
  private readonly dir: string
  private readonly gone: () => void
  private broker: Headwater | undefined

  private constructor(start: Start, options: HeadwaterOptions, dir: string, gone: () => void) {
    this.start = start
    this.options = options
    this.dir = dir
    this.gone = gone
  }

  static async start(start: Start, options: ServerOptions): Promise<HeadwaterServer> {
    const dir = await mkdtemp(join(tmpdir(), 'headwater-conformance-'))
    const gone = goesWithUs(dir)
    const server = new HeadwaterServer(start, toHeadwater(options, join(dir, 'data')), dir, gone)
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
    await rm(this.dir, { recursive: true, force: true })
    this.gone()
  }

  private async launch(): Promise<void> {
    this.broker = await this.start({ ...this.options, port: this.port })
    this.port = Number(new URL(this.broker.url).port)
  }
}

/** The same wishes as Headwater's options. */
function toHeadwater(options: ServerOptions, data: string): HeadwaterOptions {
  const one = options.user === undefined ? undefined : [{ user: options.user, pass: options.pass ?? '' }]
  return {
    data,
    jetstream: options.jetstream !== false,
    serverName: options.serverName,
    users: options.users ?? one,
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
