/** The application's own connection to JetStream, beside the one of the built-in transport: publishing with acknowledgement. */
import { type Consumer, type JetStreamClient, jetstream } from '@nats-io/jetstream'
import type { NatsConnection } from '@nats-io/transport-node'
import { Inject, Injectable, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common'
import type { Order } from '../orders.ts'
import { publishOrder } from '../producer.ts'
import { dial, PROCESSOR, patiently, STREAM } from '../streams.ts'
import { FLOW, type Flow } from './flow.ts'

@Injectable()
export class JetStreamService implements OnModuleInit, OnApplicationShutdown {
  readonly #flow: Flow
  #nc!: NatsConnection
  #js!: JetStreamClient

  constructor(@Inject(FLOW) flow: Flow) {
    this.#flow = flow
  }

  async onModuleInit(): Promise<void> {
    this.#nc = await dial(this.#flow.servers, 'orders-service')
    this.#js = jetstream(this.#nc)
  }

  /** Resolves with the sequence once the order is stored; the caller's retry carries the same id. */
  async publishOrder(order: Order): Promise<number> {
    return (await publishOrder(this.#js, order, this.#flow.progress)).seq
  }

  /** Tells the customer's readers. The id makes it one event, however often a redelivery brings us here. */
  async publishProcessed(order: Order): Promise<void> {
    const event = JSON.stringify({ orderId: order.id, totalCents: order.totalCents })
    await this.#js.publish(`orders.customer.${order.customerId}`, event, {
      msgID: `processed-${order.id}`,
      timeout: 1000,
    })
  }

  processor(): Promise<Consumer> {
    return patiently(() => this.#js.consumers.get(STREAM, PROCESSOR))
  }

  /** Last of all: the processors have finished what they had in hand. */
  async onApplicationShutdown(): Promise<void> {
    await this.#nc.drain()
  }
}
