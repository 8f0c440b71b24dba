/** producer.js: as printed, and the retry that the article's tip asks for: the same msgID until an answer comes. */
import type { JetStreamClient, PubAck } from '@nats-io/jetstream'

export interface Order {
  readonly id: string
  readonly customerId: string
  readonly total: number
}

/** Publishes until it is acknowledged; at most `attempts` times. */
export async function publishOrder(js: JetStreamClient, order: Order, attempts = 5): Promise<PubAck> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await js.publish('orders.created', JSON.stringify(order), { msgID: `order-${order.id}`, timeout: 5000 })
    } catch (error) {
      if (attempt === attempts) throw error
    }
  }
}
