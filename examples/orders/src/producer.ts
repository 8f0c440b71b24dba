/** Places every order: most straight into the stream, some through the NestJS service; all with an id, so that trying again is safe. */

import { setTimeout as sleep } from 'node:timers/promises'
import { type JetStreamClient, jetstream, type PubAck } from '@nats-io/jetstream'
import type { NatsConnection } from '@nats-io/transport-node'
import { type ClientProxy, ClientProxyFactory, Transport } from '@nestjs/microservices'
import { firstValueFrom, timeout } from 'rxjs'
import { makeOrder, messageId, type Order } from './orders.ts'
import type { Progress } from './progress.ts'
import { CREATED, connectOptions } from './streams.ts'

const IN_FLIGHT = 32
const TIMEOUT_MS = 1000
/** Every tenth order goes by request and reply. */
const BY_REQUEST = 10
/** Every fiftieth order is sent a second time after its acknowledgement, as an over-careful client would. */
const SENT_TWICE = 50

export interface Producer {
  /** Order id -> the sequence that its acknowledgement named. */
  acknowledged: Map<string, number>
  /** What should not have happened, in words. */
  complaints: string[]
  run(): Promise<void>
}

export function makeProducer(nc: NatsConnection, servers: string[], progress: Progress): Producer {
  const js = jetstream(nc)
  const client = ClientProxyFactory.create({ transport: Transport.NATS, options: { ...connectOptions, servers } })
  const acknowledged = new Map<string, number>()
  const complaints: string[] = []

  async function place(index: number): Promise<void> {
    const order = makeOrder(index, progress.orders)
    const seq =
      index % BY_REQUEST === 0
        ? await untilAnswered(progress, () => request(client, order))
        : (await untilAnswered(progress, () => publishOrder(js, order, progress))).seq
    acknowledged.set(order.id, seq)
    progress.acknowledged += 1
    if (index % SENT_TWICE === 1) {
      const again = await untilAnswered(progress, () => publishOrder(js, order, progress))
      if (!again.duplicate || again.seq !== seq) {
        complaints.push(
          `${order.id} was acknowledged as ${seq}, then, sent again, as ${again.seq} (duplicate: ${again.duplicate})`,
        )
      }
    }
  }

  return {
    acknowledged,
    complaints,
    async run() {
      let next = 0
      const lane = async () => {
        while (next < progress.orders) await place(next++)
      }
      await Promise.all(Array.from({ length: IN_FLIGHT }, lane))
      await client.close()
    },
  }
}

/** Publishes one order; the acknowledgement says that it is stored. */
export async function publishOrder(js: JetStreamClient, order: Order, progress: Progress): Promise<PubAck> {
  const ack = await js.publish(CREATED, JSON.stringify(order), { msgID: messageId(order), timeout: TIMEOUT_MS })
  if (ack.duplicate) progress.duplicateAcks += 1
  return ack
}

async function request(client: ClientProxy, order: Order): Promise<number> {
  const reply = await firstValueFrom(client.send<{ seq: number }>('orders.create', order).pipe(timeout(TIMEOUT_MS)))
  return reply.seq
}

/** A time-out says nothing about the outcome: the same order goes again with the same id until an answer comes. */
async function untilAnswered<T>(progress: Progress, attempt: () => Promise<T>): Promise<T> {
  const deadline = performance.now() + 60_000
  for (;;) {
    try {
      return await attempt()
    } catch (error) {
      if (performance.now() > deadline) throw error
      progress.publishRetries += 1
      await sleep(50)
    }
  }
}
