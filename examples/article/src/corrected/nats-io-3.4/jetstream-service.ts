/** jetstream.service.ts: a durable pull consumer, since js.subscribe is gone; shutting down waits for the message under way. */
import { AckPolicy, type ConsumerMessages, DeliverPolicy } from '@nats-io/jetstream'
import { type Client, connectClient } from './client.ts'

/** A Nest provider: Nest calls the two hooks by their names. */
export class JetStreamService {
  #client: Client | undefined
  #messages: ConsumerMessages | undefined
  #done: Promise<void> = Promise.resolve()
  readonly #servers: string[]
  readonly #processPlaced: (payload: unknown) => Promise<void>

  constructor(servers: string[], processPlaced: (payload: unknown) => Promise<void>) {
    this.#servers = servers
    this.#processPlaced = processPlaced
  }

  async onModuleInit(): Promise<void> {
    this.#client = await connectClient(this.#servers)
    const { js, jsm } = this.#client
    await jsm.consumers.add('ORDERS', {
      durable_name: 'orders-service-consumer',
      ack_policy: AckPolicy.Explicit,
      deliver_policy: DeliverPolicy.All,
      filter_subject: 'orders.placed',
      max_deliver: 5,
    })
    const messages = await (await js.consumers.get('ORDERS', 'orders-service-consumer')).consume()
    this.#messages = messages
    this.#done = (async () => {
      for await (const message of messages) {
        try {
          await this.#processPlaced(message.json())
          message.ack()
        } catch {
          // With a delay: a bare nak spends all five deliveries in milliseconds.
          message.nak(1000 * 2 ** message.info.deliveryCount)
        }
      }
    })()
  }

  async publish(subject: string, data: unknown): Promise<void> {
    await this.#client?.js.publish(subject, JSON.stringify(data))
  }

  async onModuleDestroy(): Promise<void> {
    await this.#messages?.close()
    await this.#done
    await this.#client?.nc.drain()
  }
}
