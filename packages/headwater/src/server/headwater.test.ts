import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { AckPolicy, jetstream, jetstreamManager } from '@nats-io/jetstream'
import { connect, type NatsConnection } from '@nats-io/transport-node'
import { describe, expect, onTestFinished, test } from 'vitest'
import { Headwater, HeadwaterError, type HeadwaterOptions } from './index.ts'

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'headwater-server-'))
  onTestFinished(() => rmSync(path, { recursive: true, force: true }))
  return join(path, 'data')
}

async function started(options: HeadwaterOptions = {}): Promise<Headwater> {
  const hw = await Headwater.start(options)
  onTestFinished(() => hw.close())
  return hw
}

async function dialled(hw: Headwater, options: object = {}): Promise<NatsConnection> {
  const nc = await connect({ servers: hw.url, ...options })
  onTestFinished(() => nc.close())
  return nc
}

async function ordersOn(nc: NatsConnection) {
  const jsm = await jetstreamManager(nc)
  await jsm.streams.add({ name: 'ORDERS', subjects: ['orders.>'] })
  await jsm.consumers.add('ORDERS', { durable_name: 'worker', ack_policy: AckPolicy.Explicit })
  return { jsm, js: jetstream(nc) }
}

describe.each([
  ['in process', (hw: Headwater) => hw.connect()],
  ['over TCP', (hw: Headwater) => dialled(hw)],
])('an official client, %s', (_how, connectTo) => {
  test.each(['memory', 'a folder'])('publishes, consumes and acknowledges: %s', async (where) => {
    const hw = await started({ data: where === 'memory' ? 'memory' : folder() })
    const nc = await connectTo(hw)
    const { jsm, js } = await ordersOn(nc)
    expect(await js.publish('orders.created', 'one', { msgID: 'a' })).toMatchObject({ seq: 1, duplicate: false })
    expect(await js.publish('orders.created', 'one', { msgID: 'a' })).toMatchObject({ seq: 1, duplicate: true })
    const consumer = await js.consumers.get('ORDERS', 'worker')
    const message = await consumer.next({ expires: 5000 })
    expect(message?.string()).toBe('one')
    expect(await message?.ackAck()).toBe(true)
    expect(await jsm.consumers.info('ORDERS', 'worker')).toMatchObject({
      num_ack_pending: 0,
      ack_floor: { stream_seq: 1 },
    })
    expect(hw.stats()).toMatchObject({
      traffic: { connections: 1 },
      jetstream: { streams: 1, consumers: 1, messages: 1 },
    })
  })

  test('request and reply, and no responders', async () => {
    const hw = await started()
    const nc = await connectTo(hw)
    nc.subscribe('add', { callback: (_error, message) => void message.respond(`${message.string()}!`) })
    expect((await nc.request('add', 'x', { timeout: 5000 })).string()).toBe('x!')
    await expect(nc.request('nobody', 'x', { timeout: 5000 })).rejects.toThrow('no responders')
  })
})

test('what was acknowledged is there after a restart, on the same folder', async () => {
  const data = folder()
  const first = await Headwater.start({ data })
  const { js } = await ordersOn(await first.connect())
  for (let i = 1; i <= 20; i++) await js.publish('orders.created', `order ${i}`)
  await first.close()
  const second = await started({ data })
  expect(second.stats().jetstream).toMatchObject({ streams: 1, consumers: 1, messages: 20 })
  const message = await jetstream(await second.connect())
    .consumers.get('ORDERS', 'worker')
    .then((one) => one.next())
  expect(message?.string()).toBe('order 1')
})

test('a client writes into what it received, and the stored message stays as it was', async () => {
  const hw = await started()
  const { js } = await ordersOn(await hw.connect())
  await js.publish('orders.created', 'hello')
  const consumer = await js.consumers.get('ORDERS')
  const first = await consumer.next()
  first?.data.fill(0)
  const again = await (await js.consumers.get('ORDERS')).next()
  expect(again?.string()).toBe('hello')
})

test('in-process and TCP connections of one process reconnect independently', async () => {
  const hw = await started()
  const inProcess = await hw.connect()
  const tcp = await dialled(hw, { reconnectTimeWait: 5 })
  for (const nc of [inProcess, tcp]) {
    const reconnected = (async () => {
      for await (const status of nc.status()) if (status.type === 'reconnect') return true
      return false
    })()
    hw.server.broker.kick(nc.info?.client_id ?? 0)
    expect(await reconnected).toBe(true)
    expect(await nc.rtt()).toBeGreaterThanOrEqual(0)
  }
})

test('drain: our own clients drain, the others are told and then closed', async () => {
  const hw = await started({ limits: { lameDuckGraceMs: 20, lameDuckDurationMs: 20 } })
  const own = await hw.connect()
  const other = await dialled(hw, { reconnect: false })
  const told = (async () => {
    for await (const status of other.status()) if (status.type === 'ldm') return true
    return false
  })()
  await hw.drain()
  expect(await told).toBe(true)
  await other.closed()
  expect(own.isClosed()).toBe(true)
})

test('a client that cannot come in by the side door comes over TCP', async () => {
  const hw = await started({ token: 'secret' })
  const nc = await hw.connect({ client: await import('nats') })
  expect(await nc.rtt()).toBeGreaterThanOrEqual(0)
  await hw.close()
  expect(nc.isClosed()).toBe(true)
})

test('no client, no way in: what to do is said', async () => {
  const hw = await started({ port: false })
  await expect(hw.connect({ client: {} })).rejects.toMatchObject({ code: 'HW_CLIENT_MISSING' })
  await expect(hw.connect({ client: { connect: () => {} } })).rejects.toThrow('can only connect over TCP')
  expect(await (await hw.connect()).rtt()).toBeGreaterThanOrEqual(0)
})

test('without JetStream it is publish and subscribe alone', async () => {
  const hw = await started({ jetstream: false })
  const nc = await hw.connect()
  expect(nc.info?.jetstream).toBeUndefined()
  await expect(nc.request('$JS.API.INFO', '', { timeout: 5000 })).rejects.toThrow('no responders')
  expect(hw.stats().jetstream).toBeUndefined()
})

test('close closes what connect made, and a closed server says so', async () => {
  const hw = await Headwater.start()
  const nc = await hw.connect()
  await hw.close()
  expect(nc.isClosed()).toBe(true)
  await hw.close()
  await expect(hw.connect()).rejects.toMatchObject({ code: 'HW_CLOSED' })
})

test('await using closes', async () => {
  let url = ''
  {
    await using hw = await Headwater.start()
    url = hw.url
  }
  await expect(connect({ servers: url, reconnect: false, timeout: 1000 })).rejects.toThrow()
})

test('an aborted signal closes it', async () => {
  const controller = new AbortController()
  const hw = await Headwater.start({ signal: controller.signal })
  const nc = await hw.connect()
  controller.abort()
  await nc.closed()
  await hw.close()
})

describe('who may connect', () => {
  test.each([
    ['users', { users: [{ user: 'ann', pass: 'secret' }] }, { user: 'ann', pass: 'secret' }],
    ['a token', { token: 'secret' }, { token: 'secret' }],
  ])('%s: the right ones over TCP, nobody else, and connect() all the same', async (_name, options, right) => {
    const hw = await started(options)
    expect((await dialled(hw, right)).isClosed()).toBe(false)
    await expect(connect({ servers: hw.url, reconnect: false })).rejects.toThrow(/authorization/i)
    await expect(connect({ servers: hw.url, reconnect: false, user: 'ann', pass: 'wrong' })).rejects.toThrow(
      /authorization/i,
    )
    expect(await (await hw.connect()).rtt()).toBeGreaterThanOrEqual(0)
  })
})

test('bring your own listener', async () => {
  const hw = await started({ port: false })
  expect(() => hw.url).toThrow(HeadwaterError)
  const listener = createServer((socket) => hw.accept(socket))
  onTestFinished(() => void listener.close())
  listener.listen(0, '127.0.0.1')
  await once(listener, 'listening')
  const nc = await connect({ port: (listener.address() as { port: number }).port })
  onTestFinished(() => nc.close())
  const big = new Uint8Array(900_000).fill(7)
  nc.subscribe('echo', { callback: (_error, message) => void message.respond(message.data) })
  expect(Buffer.compare((await nc.request('echo', big, { timeout: 5000 })).data, big)).toBe(0)
})

test('a port in use, and nothing stays behind', async () => {
  const hw = await started()
  const data = folder()
  const port = Number(new URL(hw.url).port)
  await expect(Headwater.start({ port, data })).rejects.toMatchObject({ code: 'HW_PORT_IN_USE' })
  await started({ data })
})

test('a folder that is taken names its holder', async () => {
  const data = folder()
  await started({ data })
  const error = await Headwater.start({ data }).catch((one: unknown) => one)
  expect(error).toMatchObject({ code: 'HW_DATA_LOCKED' })
  expect((error as Error).message).toContain(String(process.pid))
})

test('joining: the second start on a folder hands back the first one', async () => {
  const data = folder()
  const first = await started({ data, users: [{ user: 'ann', pass: 'secret' }] })
  const second = await started({ data, onLocked: 'join' })
  expect([first.isJoined, second.isJoined]).toEqual([false, true])
  expect(second.url).toBe(first.url)
  const nc = await second.connect()
  await ordersOn(nc)
  expect(() => second.stats()).toThrow('runs in another process')
  await second.close()
  expect(nc.isClosed()).toBe(true)
  expect(first.stats().jetstream).toMatchObject({ streams: 1 })
  await first.close()
  const third = await started({ data, onLocked: 'join' })
  expect(third.isJoined).toBe(false)
})

test('the monitor shows the server', async () => {
  const hw = await started({ monitor: 0, serverName: 'river' })
  await hw.connect()
  const varz = (await (await fetch(`${hw.monitorUrl}/varz`)).json()) as Record<string, unknown>
  expect(varz).toMatchObject({
    server_name: 'river',
    version: '2.10.29',
    connections: 1,
    port: Number(new URL(hw.url).port),
  })
  expect(await (await fetch(`${hw.monitorUrl}/healthz`)).json()).toEqual({ status: 'ok' })
})

test('what comes later refuses by name', async () => {
  const hw = await started()
  await expect(hw.backup('x')).rejects.toMatchObject({ code: 'HW_CONFIG', message: 'hw.backup is not supported yet' })
  await expect(Headwater.restore('x', 'y')).rejects.toMatchObject({ code: 'HW_CONFIG' })
  expect(() => hw.on('limit' as never, () => {})).toThrow('Event limit is not known')
})

test('a listener that publishes from within an event does not disturb the broker', async () => {
  const hw = await started()
  const nc = await hw.connect()
  const { jsm, js } = await ordersOn(nc)
  await jsm.streams.add({ name: 'DEAD', subjects: ['dead'] })
  await jsm.consumers.add('ORDERS', {
    durable_name: 'poison',
    ack_policy: AckPolicy.Explicit,
    max_deliver: 1,
    metadata: { 'headwater.dead_letter': 'dead' },
  })
  const heard = nc.subscribe('heard', { max: 1 })
  hw.on('deadLetter', (letter) => nc.publish('heard', `${letter.stream}/${letter.consumer}/${letter.reason}`))
  await js.publish('orders.created', 'x')
  ;(await (await js.consumers.get('ORDERS', 'poison')).next())?.nak()
  for await (const message of heard) expect(message.string()).toBe('ORDERS/poison/max-deliver')
})
