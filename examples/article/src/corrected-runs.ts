/** Runs of the corrected blocks: each asserts what the article promises. */
import * as v3 from '@nats-io/jetstream'
import { connect } from '@nats-io/transport-node'
import { expect } from 'vitest'
import * as clientV2 from './corrected/nats-2.29/client.ts'
import * as consumerV2 from './corrected/nats-2.29/consumer.ts'
import * as configV2 from './corrected/nats-2.29/consumer-config.ts'
import * as replayV2 from './corrected/nats-2.29/consumer-replay.ts'
import * as idempotentV2 from './corrected/nats-2.29/idempotent-handler.ts'
import * as serviceV2 from './corrected/nats-2.29/jetstream-service.ts'
import * as orderedV2 from './corrected/nats-2.29/ordered-consumer.ts'
import * as producerV2 from './corrected/nats-2.29/producer.ts'
import * as clientV3 from './corrected/nats-io-3.4/client.ts'
import * as consumerV3 from './corrected/nats-io-3.4/consumer.ts'
import * as configV3 from './corrected/nats-io-3.4/consumer-config.ts'
import * as replayV3 from './corrected/nats-io-3.4/consumer-replay.ts'
import * as idempotentV3 from './corrected/nats-io-3.4/idempotent-handler.ts'
import * as serviceV3 from './corrected/nats-io-3.4/jetstream-service.ts'
import * as orderedV3 from './corrected/nats-io-3.4/ordered-consumer.ts'
import * as producerV3 from './corrected/nats-io-3.4/producer.ts'
import { memoryDatabase } from './memory-database.ts'
import type { ClientVersion } from './printed.ts'
import type { Server } from './printed-scenarios.ts'

/** One corrected block. */
interface CorrectedRun {
  readonly block: string
  readonly client: ClientVersion
  /** Thirty seconds would have to pass: only where the test moves the clock. */
  readonly needsTime: boolean
  readonly run: (server: Server) => Promise<void>
}

/** The blocks of both clients have the same shape; the types of the two client versions differ, so one stands for both here. */
const kits = [
  {
    client: '@nats-io 3.4',
    ...clientV3,
    ...consumerV3,
    ...configV3,
    ...replayV3,
    ...idempotentV3,
    ...serviceV3,
    ...orderedV3,
    ...producerV3,
  },
  {
    client: 'nats 2.29',
    ...clientV2,
    ...consumerV2,
    ...configV2,
    ...replayV2,
    ...idempotentV2,
    ...serviceV2,
    ...orderedV2,
    ...producerV2,
  },
] as unknown as (typeof clientV3 &
  typeof consumerV3 &
  typeof configV3 &
  typeof replayV3 &
  typeof idempotentV3 &
  typeof serviceV3 &
  typeof orderedV3 &
  typeof producerV3 & { client: ClientVersion })[]

const ORDER = { id: 'ord-8821', customerId: 'cust-4410', total: 149.99 }

export const correctedRuns: readonly CorrectedRun[] = kits.flatMap((kit) => {
  const one = (block: string, run: CorrectedRun['run'], needsTime = false) => ({
    block,
    client: kit.client,
    run,
    needsTime,
  })
  const connected = async <T>(server: Server, use: (client: clientV3.Client) => Promise<T>): Promise<T> => {
    const client = await kit.connectClient([server.url])
    try {
      return await use(client)
    } finally {
      await client.nc.close()
    }
  }
  return [
    one('client.js', (server) => connected(server, async ({ nc }) => expect(nc.isClosed()).toBe(false))),
    one('producer.js', (server) =>
      connected(server, async ({ js }) => {
        expect(await kit.publishOrder(js, ORDER)).toMatchObject({ stream: 'ORDERS', seq: 1, duplicate: false })
        expect(await kit.publishOrder(js, ORDER)).toMatchObject({ seq: 1, duplicate: true })
      }),
    ),
    one(
      'consumer.js and consumer-config.js',
      (server) =>
        connected(server, async ({ js, jsm }) => {
          await kit.createOrders(jsm)
          await kit.publishOrder(js, ORDER)
          await js.publish('orders.created', 'not JSON')
          const failing = await kit.processOrders(js, () => Promise.reject(new Error('away')))
          // Redeliveries after 30, 60, 90 and 120 seconds; the end of the fifth delivery is at once.
          await server.advance?.(150_000)
          await failing.messages.close()
          await failing.done
          expect(await jsm.consumers.info('ORDERS', 'orders-processor')).toMatchObject({
            num_ack_pending: 0,
            num_pending: 0,
          })
          const letters = await js.consumers.get('DEAD_ORDERS')
          const [first, second] = [await letters.next(), await letters.next()]
          const reasons = [first, second].map((letter) => letter?.headers?.get('Dead-Letter-Reason'))
          expect(reasons.sort()).toEqual(['max-deliver', 'terminated'])
        }),
      true,
    ),
    one('jetstream.service.ts', async (server) => {
      const seen: unknown[] = []
      let tell: () => void = () => {}
      const processed = new Promise<void>((resolve) => {
        tell = resolve
      })
      const service = new kit.JetStreamService([server.url], async (payload) => {
        seen.push(payload)
        tell()
      })
      await service.onModuleInit()
      await service.publish('orders.placed', ORDER)
      await processed
      await service.onModuleDestroy()
      expect(seen).toEqual([ORDER])
      const nc = await connect({ servers: server.url })
      const info = await (await v3.jetstreamManager(nc)).consumers.info('ORDERS', 'orders-service-consumer')
      expect(info).toMatchObject({ num_ack_pending: 0, ack_floor: { stream_seq: 1 } })
      await nc.close()
    }),
    one('consumer-replay.js', (server) =>
      connected(server, async ({ js, jsm }) => {
        for (let id = 1; id <= 5; id++) await js.publish('orders.created', `${id}`)
        const middle = await jsm.streams.getMessage('ORDERS', { seq: 3 })
        const audit = await kit.replayFromTime(jsm, js, new Date(middle?.timestamp ?? 0))
        expect((await audit.next())?.seq).toBeLessThanOrEqual(3)
        const resumed = await kit.resumeAfter(js, 3)
        expect((await resumed.next())?.seq).toBe(4)
      }),
    ),
    one('ordered-consumer.js', (server) =>
      connected(server, async ({ js }) => {
        for (const customer of ['cust-88291', 'cust-1', 'cust-88291'])
          await js.publish(`orders.customer.${customer}`, customer)
        const messages = await kit.readCustomer(js, 'cust-88291')
        const seqs: number[] = []
        for await (const message of messages) if (seqs.push(message.seq) === 2) break
        await messages.close()
        expect(seqs).toEqual([1, 3])
      }),
    ),
    one('idempotent-handler.js', (server) =>
      connected(server, async ({ js }) => {
        await js.publish('orders.created', JSON.stringify(ORDER))
        const { corrected, orders } = memoryDatabase()
        const message = await (await js.consumers.get('ORDERS')).next()
        if (!message) throw new Error('nothing came')
        await Promise.all([kit.handleOrderCreated(corrected, message), kit.handleOrderCreated(corrected, message)])
        await kit.handleOrderCreated(corrected, message)
        expect(orders()).toBe(1)
      }),
    ),
  ]
})
