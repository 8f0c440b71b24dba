/** The monitor's listener: a table of paths over a server's snapshots. The only use of node:http; it reads and changes nothing. */
import { createServer, type ServerResponse } from 'node:http'
import { availableParallelism } from 'node:os'
import { HeadwaterError } from '../base/errors.ts'
import { healthz } from './healthz.ts'
import type { Observed } from './snapshot.ts'
import { varz } from './varz.ts'

/** What one path answers. */
interface Answer {
  readonly status: number
  readonly body: Record<string, unknown>
}

/** A monitor that listens. */
export interface Monitor {
  readonly port: number
  close(): Promise<void>
}

/** Listens on `host` and `port` (0 is any free one). Throws HW_PORT_IN_USE, or HW_CONFIG when the address cannot be used. */
export async function startMonitor(observed: Observed, host: string, port: number): Promise<Monitor> {
  const requests: Record<string, number> = {}
  const cpuAtStart = process.cpuUsage()
  const paths: Readonly<Record<string, (query: URLSearchParams) => Answer>> = {
    '/healthz': (query) => healthz(observed, query),
    '/varz': () => {
      const snapshot = observed.snapshot()
      const monitor = { host, port: listeningOn(), requests }
      return {
        status: 200,
        body: varz(snapshot, processNumbers(cpuAtStart, snapshot.nowMs - snapshot.startMs), monitor),
      }
    },
  }
  const known = Object.keys(paths)
  const server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://monitor')
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      return answer(response, 405, { error: `${request.method} changes nothing here: use GET` })
    }
    const path = paths[pathname]
    if (!path) return answer(response, 404, { error: `${pathname} does not exist: there are ${known.join(' and ')}` })
    requests[pathname] = (requests[pathname] ?? 0) + 1
    const { status, body } = path(searchParams)
    answer(response, status, body)
  })
  const listeningOn = (): number => {
    const address = server.address()
    return typeof address === 'object' && address !== null ? address.port : 0
  }
  // A scraper that holds its connection must not hold up a close.
  server.keepAliveTimeout = 5000
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => reject(listenError(cause, host, port)))
    server.listen(port, host, resolve)
  })
  server.unref()
  return {
    port: listeningOn(),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

function listenError(cause: NodeJS.ErrnoException, host: string, port: number): HeadwaterError {
  if (cause.code === 'EADDRINUSE') {
    return new HeadwaterError('HW_PORT_IN_USE', `The monitor cannot listen on ${host}:${port}: it is in use`, {
      hint: 'Choose another monitor port, or 0 for any free one.',
      cause,
    })
  }
  return new HeadwaterError('HW_CONFIG', `The monitor cannot listen on ${host}:${port}: ${cause.message}`, {
    hint: 'Choose a host and a port that this process may listen on.',
    cause,
  })
}

function processNumbers(cpuAtStart: NodeJS.CpuUsage, uptimeMs: number) {
  const { user, system } = process.cpuUsage(cpuAtStart)
  const cpuPercent = uptimeMs > 0 ? Math.round((user + system) / uptimeMs) / 10 : 0
  return { memoryBytes: process.memoryUsage.rss(), cores: availableParallelism(), cpuPercent }
}

/** As nats-server: one line for health, indented for people otherwise; any page may read it. */
function answer(response: ServerResponse, status: number, body: Record<string, unknown>): void {
  const text = 'status' in body ? JSON.stringify(body) : JSON.stringify(body, undefined, 2)
  response.writeHead(status, { 'Content-Type': 'application/json', 'Access-Control-Allow-Origin': '*' })
  response.end(text)
}
