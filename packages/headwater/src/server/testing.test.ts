import { AckPolicy, jetstream, jetstreamManager } from '@nats-io/jetstream'
import { connect } from '@nats-io/transport-node'
import { expect, onTestFinished, test } from 'vitest'
import { startTest, type TestOptions } from './testing.ts'

async function started(options: TestOptions = {}) {
  const server = await startTest(options)
  onTestFinished(() => server.close())
  const nc = await server.connect()
  const jsm = await jetstreamManager(nc)
  await jsm.streams.add({ name: 'ORDERS', subjects: ['orders.>'] })
  return { server, nc, jsm, js: jetstream(nc) }
}

const SECONDS = 1000
const NANOS = 1_000_000_000

test('a message that nobody acknowledged is redelivered after 30 seconds, which take no time', async () => {
  const { server, js, jsm } = await started()
  await jsm.consumers.add('ORDERS', { durable_name: 'worker', ack_policy: AckPolicy.Explicit, ack_wait: 30 * NANOS })
  const seen: number[] = []
  const consumer = await js.consumers.get('ORDERS', 'worker')
  const messages = await consumer.consume({ callback: (message) => void seen.push(message.info.deliveryCount) })
  onTestFinished(() => void messages.close())
  await js.publish('orders.created', 'x')
  await server.settle()
  expect(seen).toEqual([1])
  await server.advance(29 * SECONDS)
  expect(seen).toEqual([1])
  await server.advance(1 * SECONDS)
  expect(seen).toEqual([1, 2])
  await server.advance(60 * SECONDS)
  expect(seen).toEqual([1, 2, 3, 4])
  expect(server.snapshot().ORDERS).toEqual({
    messages: 1,
    firstSeq: 1,
    lastSeq: 1,
    subjects: { 'orders.created': 1 },
    consumers: { worker: { delivered: 1, ackFloor: 0, pending: { 1: 4 }, held: [], exhausted: [] } },
  })
})

test('a poison message becomes a dead letter, and both are among what was published', async () => {
  const { server, nc, js, jsm } = await started()
  await jsm.streams.add({ name: 'DEAD', subjects: ['dead.orders'] })
  await jsm.consumers.add('ORDERS', {
    durable_name: 'worker',
    ack_policy: AckPolicy.Explicit,
    ack_wait: 5 * NANOS,
    max_deliver: 3,
    metadata: { 'headwater.dead_letter': 'dead.orders' },
  })
  const messages = await (await js.consumers.get('ORDERS', 'worker')).consume({ callback: () => {} })
  onTestFinished(() => void messages.close())
  nc.publish('elsewhere', 'core')
  await js.publish('orders.created', JSON.stringify({ id: 7 }), { msgID: 'order-7' })
  await server.advance(14 * SECONDS)
  expect(server.published('dead.*')).toHaveLength(0)
  await server.advance(1 * SECONDS)
  const [letter] = server.published('dead.*')
  expect(letter.json()).toEqual({ id: 7 })
  expect(letter.headers).toMatchObject({ 'Nats-Msg-Id': 'order-7', 'Dead-Letter-Reason': 'max-deliver' })
  expect(server.published('orders.>').map((one) => one.json())).toEqual([{ id: 7 }])
  expect(server.published('elsewhere').map((one) => one.string())).toEqual(['core'])
  expect(() => server.published('not a subject')).toThrow(TypeError)
})

test.each(['kill', 'power'] as const)(
  'what was acknowledged survives a %s, and the client finds its way back',
  async (kind) => {
    const { server, js } = await started()
    for (let i = 1; i <= 5; i++) await js.publish('orders.created', `order ${i}`)
    await server.crash(kind)
    expect(() => server.url).toThrow('is down')
    await server.restart()
    expect(await js.publish('orders.created', 'order 6')).toMatchObject({ seq: 6 })
    expect(server.snapshot().ORDERS).toMatchObject({ messages: 6, lastSeq: 6 })
  },
)

test('a clean restart keeps port, data and clients', async () => {
  const { server, js } = await started()
  const tcp = await connect({ servers: server.url, reconnectTimeWait: 5 })
  onTestFinished(() => tcp.close())
  await js.publish('orders.created', 'one')
  const { url } = server
  const reconnected = (async () => {
    for await (const status of tcp.status()) if (status.type === 'reconnect') return
  })()
  await server.restart()
  expect(server.url).toBe(url)
  await reconnected
  expect(server.snapshot().ORDERS.messages).toBe(1)
})

test('disconnect cuts the wire: subscriptions are made again by the client', async () => {
  const { server, nc } = await started()
  const heard: string[] = []
  nc.subscribe('core', { callback: (_error, message) => void heard.push(message.string()) })
  await nc.flush()
  await server.disconnect()
  nc.publish('core', 'after')
  await server.settle()
  expect(heard).toEqual(['after'])
})

test.each(['next-write', 'next-sync'] as const)(
  'after a failed %s nothing is acknowledged, and reads go on',
  async (what) => {
    const { server, js, jsm } = await started()
    await js.publish('orders.created', 'safe')
    const failed = new Promise<Error>((resolve) => server.headwater.on('storageFailed', ({ cause }) => resolve(cause)))
    server.fail(what)
    await expect(js.publish('orders.created', 'lost?', { timeout: 500 })).rejects.toThrow()
    expect(await failed).toBeInstanceOf(Error)
    expect(server.headwater.server.troubles().join()).toContain('storage failed')
    expect((await jsm.streams.getMessage('ORDERS', { seq: 1 }))?.string()).toBe('safe')
    await server.crash()
    await server.restart()
    expect(server.snapshot().ORDERS.messages).toBeGreaterThanOrEqual(1)
  },
)

test('on a full disk publishes are refused, acks and reads go on', async () => {
  const { server, js, jsm } = await started()
  await jsm.consumers.add('ORDERS', { durable_name: 'worker', ack_policy: AckPolicy.Explicit })
  await js.publish('orders.created', 'one')
  const makeRoom = server.fail('disk-full')
  const payload = new Uint8Array(8 * 1024)
  let stored = 1
  const refused = (async () => {
    for (; ; stored++) await js.publish('orders.created', payload)
  })()
  await expect(refused).rejects.toMatchObject({ code: 10023 })
  expect(server.headwater.server.troubles().join()).toContain('the disk is full')
  const message = await (await js.consumers.get('ORDERS', 'worker')).next()
  expect(await message?.ackAck()).toBe(true)
  expect(server.snapshot().ORDERS).toMatchObject({ messages: stored, consumers: { worker: { ackFloor: 1 } } })
  makeRoom()
  await server.restart()
  expect(await js.publish('orders.created', 'more')).toMatchObject({ seq: stored + 1 })
})

test('in memory there is no disk that could fail, and message time starts where it is told', async () => {
  const { server } = await started({ data: 'memory', startMs: Date.UTC(2030, 0, 1) })
  expect(() => server.fail('next-sync')).toThrow('no disk to fail')
  await server.advance(1500)
  expect(server.now().toISOString()).toBe('2030-01-01T00:00:01.500Z')
})
