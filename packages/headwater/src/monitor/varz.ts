/** /varz: a server's numbers under nats-server's names, so that its tools and dashboards read them. Pure. */
import { formatTime, timeFromMs } from '../base/time.ts'
import type { JetStreamSnapshot, ServerSnapshot } from './snapshot.ts'

/** What the process itself says: bytes resident, cores, and percent of one core since the start. */
export interface ProcessNumbers {
  readonly memoryBytes: number
  readonly cores: number
  readonly cpuPercent: number
}

/** The listener of the monitor itself, and how often each path was asked for. */
export interface MonitorNumbers {
  readonly host: string
  readonly port: number
  readonly requests: Readonly<Record<string, number>>
}

const NANOS_PER_MS = 1_000_000

/** The body of /varz; fields of what is not there yet (routes, gateways, ...) are zero or empty, as in an idle nats-server. */
export function varz(
  server: ServerSnapshot,
  process: ProcessNumbers,
  monitor: MonitorNumbers,
): Record<string, unknown> {
  const { limits, traffic } = server
  const start = formatTime(timeFromMs(server.startMs))
  return {
    server_id: server.serverId,
    server_name: server.serverName,
    version: server.protocolVersion,
    proto: 1,
    go: 'none',
    host: server.host,
    port: server.port,
    ...(server.authRequired ? { auth_required: true } : {}),
    max_connections: limits.maxConnections,
    ...(limits.maxSubscriptions > 0 ? { max_subscriptions: limits.maxSubscriptions } : {}),
    ping_interval: limits.pingIntervalMs * NANOS_PER_MS,
    ping_max: limits.pingMax,
    http_host: monitor.host,
    http_port: monitor.port,
    http_base_path: '',
    https_port: 0,
    auth_timeout: limits.authTimeoutMs / 1000,
    max_control_line: limits.maxControlLineBytes,
    max_payload: limits.maxPayloadBytes,
    max_pending: limits.maxPendingBytes,
    cluster: {},
    gateway: {},
    leaf: {},
    mqtt: {},
    websocket: {},
    jetstream: server.jetstream ? jetstreamOf(server.jetstream) : {},
    tls_timeout: 0,
    write_deadline: limits.writeDeadlineMs * NANOS_PER_MS,
    start,
    now: formatTime(timeFromMs(server.nowMs)),
    uptime: uptime(server.nowMs - server.startMs),
    mem: process.memoryBytes,
    cores: process.cores,
    gomaxprocs: process.cores,
    cpu: process.cpuPercent,
    connections: traffic.connections,
    total_connections: traffic.totalConnections,
    routes: 0,
    remotes: 0,
    leafnodes: 0,
    in_msgs: traffic.inMessages,
    in_bytes: traffic.inBytes,
    in_client_msgs: traffic.inMessages,
    in_client_bytes: traffic.inBytes,
    out_msgs: traffic.outMessages,
    out_bytes: traffic.outBytes,
    out_client_msgs: traffic.outMessages,
    out_client_bytes: traffic.outBytes,
    slow_consumers: traffic.slowConsumers,
    stale_connections: traffic.staleConnections,
    stalled_clients: 0,
    subscriptions: traffic.subscriptions,
    http_req_stats: monitor.requests,
    config_load_time: start,
    config_digest: '',
    metadata: { 'headwater.version': server.headwaterVersion },
    slow_consumer_stats: { clients: traffic.slowConsumers, routes: 0, gateways: 0, leafs: 0 },
    stale_connection_stats: { clients: traffic.staleConnections, routes: 0, gateways: 0, leafs: 0 },
  }
}

function jetstreamOf(jetstream: JetStreamSnapshot): Record<string, unknown> {
  const syncNanos = typeof jetstream.sync === 'number' ? jetstream.sync * NANOS_PER_MS : 0
  return {
    config: {
      max_memory: jetstream.maxMemoryBytes,
      max_storage: jetstream.maxStorageBytes,
      ...(jetstream.folder === undefined ? {} : { store_dir: jetstream.folder }),
      ...(syncNanos > 0 ? { sync_interval: syncNanos } : {}),
      ...(jetstream.sync === 'always' ? { sync_always: true } : {}),
      strict: true,
    },
    stats: {
      memory: jetstream.memoryBytes,
      storage: jetstream.storageBytes,
      reserved_memory: 0,
      reserved_storage: 0,
      accounts: 1,
      ha_assets: 0,
      api: { level: 0, total: jetstream.apiTotal, errors: jetstream.apiErrors },
      // Ours: what nats-server tells in /jsz alone.
      streams: jetstream.streams,
      consumers: jetstream.consumers,
      messages: jetstream.messages,
    },
  }
}

/** A span of time as nats-server prints it: `1d2h3m4s`, whole seconds. */
export function uptime(ms: number): string {
  const seconds = Math.floor(ms / 1000)
  const parts = [
    [Math.floor(seconds / 86_400), 'd'],
    [Math.floor(seconds / 3600) % 24, 'h'],
    [Math.floor(seconds / 60) % 60, 'm'],
  ] as const
  const first = parts.findIndex(([count]) => count > 0)
  const large =
    first < 0
      ? ''
      : parts
          .slice(first)
          .map(([count, unit]) => `${count}${unit}`)
          .join('')
  return `${large}${seconds % 60}s`
}
