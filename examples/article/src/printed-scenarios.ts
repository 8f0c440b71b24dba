/** What each printed block does when somebody runs it: one row each, pinned by the test and shown in README.md. */
import { AckPolicy, jetstream, jetstreamManager } from '@nats-io/jetstream'
import { connect, type NatsConnection } from '@nats-io/transport-node'
import * as nats from 'nats'
import { memoryDatabase } from './memory-database.ts'
import { runNest } from './nest.ts'
import { type ClientVersion, runPrinted } from './printed.ts'

/** A server with the stream ORDERS, as the article assumes. */
export interface Server {
  readonly name: 'headwater' | 'judge'
  readonly url: string
  /** Moves message time on; undefined where only waiting would help. */
  readonly advance?: (ms: number) => Promise<void>
}

/** One run of one block. */
export interface Scenario {
  readonly block: string
  readonly client: ClientVersion
  /** What it is given that the article does not say; empty: nothing. */
  readonly given: string
  /** What happens. */
  readonly does: string
  /** Where nats-server does something else; null: it would only have to be waited for. */
  readonly judge?: string | null
  readonly run: (server: Server, client: ClientVersion) => Promise<string>
}

const NO_CODEC = "throws: The requested module 'nats' does not provide an export named 'StringCodec'"
const NEST =
  'orders.create lies in orders.>, so the stream answers it too: {"stream":"ORDERS","seq":1}; ' +
  'the service answers "Internal server error": ordersService was never injected'
const BOTH: readonly ClientVersion[] = ['nats 2.29', '@nats-io 3.4']

export const scenarios: readonly Scenario[] = [
  row('client.js', 'nats 2.29', '', 'connects', runClient),
  row('client.js', '@nats-io 3.4', '', NO_CODEC, runClient),
  ...BOTH.map((client) =>
    row('producer.js', client, 'js, sc', 'stored once, however often it runs: seq 1, then seq 1', runProducer),
  ),
  ...BOTH.map((client) => row('consumer.js', client, 'js, sc', 'throws: consumer not found', runConsumerAlone)),
  ...BOTH.map((client) => ({
    ...row(
      'consumer.js',
      client,
      'js, sc, the consumer',
      'a failed order comes again after 30 s, and is then acknowledged: 2 deliveries',
      runConsumer,
    ),
    judge: null,
  })),
  ...BOTH.map((client) =>
    row('consumer-config.js', client, '', 'throws: jsm is not defined', (server, version) =>
      attempt('consumer-config.js', server, version, {}),
    ),
  ),
  ...BOTH.map((client) => ({
    ...row(
      'consumer-config.js',
      client,
      'jsm',
      'after five naks the order is at orders.deadletter, in the same stream, with its Nats-Msg-Id',
      runConsumerConfig,
    ),
    judge: `throws: invalid ${client === 'nats 2.29' ? 'json' : 'JSON'}: json: unknown field "dead_letter"`,
  })),
  row('main.ts', '@nats-io 3.4', 'AppModule with the printed controller', NEST, runNest),
  row('orders.controller.ts', '@nats-io 3.4', 'the printed main.ts', NEST, runNest),
  row('jetstream.service.ts', 'nats 2.29', '', 'throws: push consumer requires deliver_subject', runService),
  row('jetstream.service.ts', '@nats-io 3.4', '', NO_CODEC, runService),
  row('consumer-replay.js', 'nats 2.29', '', 'throws: consumer not found', (server, client) =>
    attempt('consumer-replay.js', server, client, {}),
  ),
  row('consumer-replay.js', '@nats-io 3.4', '', NO_CODEC, (server, client) =>
    attempt('consumer-replay.js', server, client, {}),
  ),
  row(
    'consumer-replay.js',
    'nats 2.29',
    'the consumer order-processor',
    'audit-replay is created and has 2 orders to give',
    runReplay,
  ),
  ...BOTH.map((client) =>
    row(
      'ordered-consumer.js',
      client,
      'js, sc',
      'ignores filter_subject: the events of every customer come, and of every subject: 3 of 3',
      runOrdered,
    ),
  ),
  row('idempotent-handler.js', 'nats 2.29', 'StringCodec, db', IDEMPOTENT(), runIdempotent),
  row('idempotent-handler.js', '@nats-io 3.4', 'db', 'throws: StringCodec is not defined', runIdempotent),
]

function IDEMPOTENT(): string {
  return 'twice in a row: 1 order, 2 acks; twice at the same time: 1 order, 1 ack, and "duplicate key" for the other'
}

function row(block: string, client: ClientVersion, given: string, does: string, run: Scenario['run']): Scenario {
  return { block, client, given, does, run }
}

/** Runs the block; "throws: ..." when it does. */
async function attempt(
  block: string,
  server: Server,
  client: ClientVersion,
  given: Record<string, unknown>,
): Promise<string> {
  try {
    await runPrinted(block, { url: server.url, client, given })
    return 'runs'
  } catch (error) {
    return `throws: ${(error as Error).message}`
  }
}

/** js and sc as client.js would have left them; with 3.4 the nearest thing that exists. */
async function contextOf(server: Server, client: ClientVersion) {
  if (client === 'nats 2.29') {
    const nc = await nats.connect({ servers: server.url })
    return { nc, js: nc.jetstream(), jsm: await nc.jetstreamManager(), sc: nats.StringCodec() }
  }
  const nc = await connect({ servers: server.url })
  const [encoder, decoder] = [new TextEncoder(), new TextDecoder()]
  const sc = { encode: (text: string) => encoder.encode(text), decode: (bytes: Uint8Array) => decoder.decode(bytes) }
  return { nc, js: jetstream(nc), jsm: await jetstreamManager(nc), sc }
}

/** A connection of our own, to set up and to look. */
async function withClient<T>(server: Server, use: (nc: NatsConnection) => Promise<T>): Promise<T> {
  const nc = await connect({ servers: server.url })
  try {
    return await use(nc)
  } finally {
    await nc.close()
  }
}

async function runClient(server: Server, client: ClientVersion): Promise<string> {
  try {
    const { nc } = (await runPrinted('client.js', { url: server.url, client })) as { nc: NatsConnection }
    await nc.close()
    return 'connects'
  } catch (error) {
    return `throws: ${(error as Error).message}`
  }
}

async function runProducer(server: Server, client: ClientVersion): Promise<string> {
  const { nc, js, sc } = await contextOf(server, client)
  const said: string[] = []
  const console = { log: (text: string) => said.push(text) }
  for (let i = 0; i < 2; i++) await runPrinted('producer.js', { url: server.url, client, given: { js, sc, console } })
  await nc.close()
  const seqs = said.map((text) => /seq \d+/.exec(text)?.[0])
  const stored = await withClient(
    server,
    async (own) => (await (await jetstreamManager(own)).streams.info('ORDERS')).state.messages,
  )
  return `stored ${stored === 1 ? 'once' : `${stored} times`}, however often it runs: ${seqs.join(', then ')}`
}

async function runConsumerAlone(server: Server, client: ClientVersion): Promise<string> {
  const { nc, js, sc } = await contextOf(server, client)
  try {
    return await attempt('consumer.js', server, client, { js, sc })
  } finally {
    await nc.close()
  }
}

async function runConsumer(server: Server, client: ClientVersion): Promise<string> {
  return withClient(server, async (own) => {
    const jsm = await jetstreamManager(own)
    await jsm.consumers.add('ORDERS', { durable_name: 'orders-processor', ack_policy: AckPolicy.Explicit })
    await jetstream(own).publish('orders.created', '{"id":1}')
    const { nc, js, sc } = await contextOf(server, client)
    let deliveries = 0
    let told: () => void = () => {}
    const handled = () => new Promise<void>((resolve) => (told = resolve))
    const handleOrder = async () => {
      deliveries++
      told()
      if (deliveries === 1) throw new Error('the database is away')
    }
    const first = handled()
    const console = { error: () => {} }
    const running = attempt('consumer.js', server, client, { js, sc, handleOrder, console })
    await first
    const second = handled()
    await server.advance?.(30_000)
    await second
    // The printed loop has no end but its connection's.
    await server.advance?.(0)
    const { num_ack_pending: pending } = await jsm.consumers.info('ORDERS', 'orders-processor')
    await nc.close()
    await running
    return `a failed order comes again after 30 s, and is then ${pending === 0 ? 'acknowledged' : 'pending'}: ${deliveries} deliveries`
  })
}

async function runConsumerConfig(server: Server, client: ClientVersion): Promise<string> {
  return withClient(server, async (own) => {
    const { nc, jsm } = await contextOf(server, client)
    const result = await attempt('consumer-config.js', server, client, { jsm })
    await nc.close()
    if (result !== 'runs') return result
    const js = jetstream(own)
    await js.publish('orders.created', 'poison', { msgID: 'order-7' })
    const consumer = await js.consumers.get('ORDERS', 'orders-processor')
    for (let i = 0; i < 5; i++) (await consumer.next({ expires: 5000 }))?.nak()
    const dead = await js.consumers.get('ORDERS', { filter_subjects: 'orders.deadletter' })
    const letter = await dead.next({ expires: 5000 })
    const id = letter?.headers?.get('Nats-Msg-Id') === 'order-7' ? 'with its Nats-Msg-Id' : 'without its Nats-Msg-Id'
    return `after five naks the order is at ${letter?.subject}, in the same stream, ${id}`
  })
}

async function runService(server: Server, client: ClientVersion): Promise<string> {
  try {
    const { JetStreamService } = await runPrinted('jetstream.service.ts', { url: server.url, client })
    const service = new (JetStreamService as new () => { nc: NatsConnection; onModuleInit(): Promise<void> })()
    try {
      await service.onModuleInit()
      return 'subscribes'
    } finally {
      await service.nc?.close()
    }
  } catch (error) {
    return `throws: ${(error as Error).message}`
  }
}

async function runReplay(server: Server, client: ClientVersion): Promise<string> {
  return withClient(server, async (own) => {
    const jsm = await jetstreamManager(own)
    await jsm.consumers.add('ORDERS', { durable_name: 'order-processor', ack_policy: AckPolicy.Explicit })
    for (const id of [1, 2]) await jetstream(own).publish('orders.created', `${id}`)
    const { nc } = (await runPrinted('consumer-replay.js', { url: server.url, client })) as { nc: NatsConnection }
    await nc.close()
    const { name, num_pending: pending } = await jsm.consumers.info('ORDERS', 'audit-replay')
    return `${name} is created and has ${pending} orders to give`
  })
}

async function runOrdered(server: Server, client: ClientVersion): Promise<string> {
  return withClient(server, async (own) => {
    const subjects = ['orders.customer.cust-88291', 'orders.customer.cust-1', 'orders.created']
    for (const subject of subjects) await jetstream(own).publish(subject, subject)
    const { nc, js, sc } = await contextOf(server, client)
    const seen: string[] = []
    const all = new Promise<void>((resolve) => {
      const applyEvent = async (subject: string) => {
        if (seen.push(subject) === subjects.length) resolve()
      }
      void attempt('ordered-consumer.js', server, client, { js, sc, applyEvent })
    })
    await all
    await nc.close()
    return `ignores filter_subject: the events of every customer come, and of every subject: ${seen.length} of ${subjects.length}`
  })
}

async function runIdempotent(server: Server, client: ClientVersion): Promise<string> {
  const given = client === 'nats 2.29' ? { StringCodec: nats.StringCodec } : {}
  const handled = async (concurrently: boolean) => {
    const { db, orders } = memoryDatabase()
    const { handleOrderCreated } = await runPrinted('idempotent-handler.js', {
      url: server.url,
      client,
      given: { ...given, db },
    })
    const handle = handleOrderCreated as (message: unknown) => Promise<void>
    let acks = 0
    const message = { seq: 1, data: new TextEncoder().encode('{"id":1}'), ack: () => acks++ }
    const results = concurrently
      ? await Promise.allSettled([handle(message), handle(message)])
      : [await settled(handle(message)), await settled(handle(message))]
    const failures = results.flatMap((result) =>
      result.status === 'rejected' ? [(result.reason as Error).message] : [],
    )
    return { orders: orders(), acks, failures }
  }
  const inARow = await handled(false)
  if (inARow.failures.length > 0) return `throws: ${inARow.failures[0]}`
  const together = await handled(true)
  return (
    `twice in a row: ${inARow.orders} order, ${inARow.acks} acks; ` +
    `twice at the same time: ${together.orders} order, ${together.acks} ack, and "${together.failures[0]}" for the other`
  )
}

async function settled(promise: Promise<void>): Promise<PromiseSettledResult<void>> {
  const [result] = await Promise.allSettled([promise])
  return result
}
