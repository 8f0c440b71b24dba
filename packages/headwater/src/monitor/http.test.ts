import { expect, onTestFinished, test } from 'vitest'
import { startMonitor } from './http.ts'
import type { HeldMessages, ServerSnapshot } from './snapshot.ts'
import { uptime } from './varz.ts'

const SNAPSHOT: ServerSnapshot = {
  serverId: 'NID',
  serverName: 'one',
  protocolVersion: '2.10.29',
  headwaterVersion: '0.1.0',
  host: '127.0.0.1',
  port: 4222,
  authRequired: false,
  startMs: 1_767_225_600_000,
  nowMs: 1_767_225_661_500,
  limits: {
    maxConnections: 65_536,
    maxSubscriptions: 0,
    maxPayloadBytes: 1_048_576,
    maxControlLineBytes: 4096,
    maxPendingBytes: 67_108_864,
    writeDeadlineMs: 10_000,
    pingIntervalMs: 120_000,
    pingMax: 2,
    authTimeoutMs: 2000,
  },
  traffic: {
    connections: 1,
    totalConnections: 2,
    subscriptions: 3,
    inMessages: 4,
    inBytes: 5,
    outMessages: 6,
    outBytes: 7,
    slowConsumers: 8,
    staleConnections: 9,
  },
  jetstream: undefined,
}

async function monitored(troubles: string[] = [], held: HeldMessages[] = []) {
  const observed = { snapshot: () => SNAPSHOT, troubles: () => troubles, held: () => held }
  const monitor = await startMonitor(observed, '127.0.0.1', 0)
  onTestFinished(() => monitor.close())
  return async (path: string, init?: RequestInit) => {
    const response = await fetch(`http://127.0.0.1:${monitor.port}${path}`, init)
    return { status: response.status, body: (await response.json()) as Record<string, unknown> }
  }
}

test("/healthz is ok, with nats-server's own flags", async () => {
  const get = await monitored()
  expect(await get('/healthz')).toEqual({ status: 200, body: { status: 'ok' } })
  expect(await get('/healthz?js-enabled-only=true')).toEqual({ status: 200, body: { status: 'ok' } })
  expect(await get('/healthz?details=true')).toEqual({ status: 200, body: { status: 'ok', status_code: 200 } })
})

test('/healthz is red and says why', async () => {
  const get = await monitored(['a sync failed'])
  expect(await get('/healthz')).toEqual({ status: 503, body: { status: 'unavailable', error: 'a sync failed' } })
  const errors = [{ type: 'JETSTREAM', error: 'a sync failed' }]
  expect(await get('/healthz?details=1')).toEqual({
    status: 503,
    body: { status: 'unavailable', status_code: 503, errors },
  })
})

test('/healthz?details shows held dead letters, which are no failure', async () => {
  const held = [{ stream: 'ORDERS', consumer: 'worker', messages: 3 }]
  const get = await monitored([], held)
  const body = { status: 'ok', status_code: 200, dead_letters_held: held }
  expect(await get('/healthz?details=true')).toEqual({ status: 200, body })
  expect(await get('/healthz')).toEqual({ status: 200, body: { status: 'ok' } })
})

test('/healthz refuses what it cannot look at, by name', async () => {
  const get = await monitored()
  expect(await get('/healthz?stream=ORDERS')).toMatchObject({ status: 400, body: { status: 'error' } })
  expect(await get('/healthz?details=banana')).toMatchObject({ status: 400 })
})

test("/varz has nats-server's names and units, and counts requests", async () => {
  const get = await monitored()
  await get('/varz')
  const { status, body } = await get('/varz')
  expect(status).toBe(200)
  expect(body).toMatchObject({
    server_id: 'NID',
    version: '2.10.29',
    ping_interval: 120_000_000_000,
    write_deadline: 10_000_000_000,
    auth_timeout: 2,
    start: '2026-01-01T00:00:00Z',
    uptime: '1m1s',
    connections: 1,
    total_connections: 2,
    subscriptions: 3,
    in_msgs: 4,
    out_bytes: 7,
    slow_consumers: 8,
    jetstream: {},
    http_req_stats: { '/varz': 2 },
  })
  expect(body.mem).toBeGreaterThan(0)
  expect(body).not.toHaveProperty('max_subscriptions')
})

test('what is not there is named, and nothing can be changed', async () => {
  const get = await monitored()
  expect(await get('/jsz')).toEqual({
    status: 404,
    body: { error: '/jsz does not exist: there are /healthz and /varz' },
  })
  expect(await get('/varz', { method: 'POST' })).toMatchObject({ status: 405 })
})

test('a port in use is said so', async () => {
  const first = await startMonitor({ snapshot: () => SNAPSHOT, troubles: () => [], held: () => [] }, '127.0.0.1', 0)
  onTestFinished(() => first.close())
  const second = startMonitor({ snapshot: () => SNAPSHOT, troubles: () => [], held: () => [] }, '127.0.0.1', first.port)
  await expect(second).rejects.toMatchObject({ code: 'HW_PORT_IN_USE' })
})

test.each([
  [0, '0s'],
  [61_000, '1m1s'],
  [3_600_000, '1h0m0s'],
  [93_784_000, '1d2h3m4s'],
])('%d ms is %s', (ms, text) => {
  expect(uptime(ms)).toBe(text)
})
