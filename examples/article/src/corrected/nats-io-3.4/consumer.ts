/** consumer.js: consume() keeps pulling by itself and can be stopped; a message that can never be read is terminated, not retried. */
import type { ConsumerMessages, JetStreamClient } from '@nats-io/jetstream'
import type { Order } from './producer.ts'

/** Handles orders one after the other until `close()` of what it returns. */
export async function processOrders(
  js: JetStreamClient,
  handle: (order: Order) => Promise<void>,
): Promise<{ messages: ConsumerMessages; done: Promise<void> }> {
  const consumer = await js.consumers.get('ORDERS', 'orders-processor')
  const messages = await consumer.consume({ max_messages: 10 })
  const done = (async () => {
    for await (const message of messages) {
      let order: Order
      try {
        order = message.json<Order>()
      } catch {
        message.term('not JSON')
        continue
      }
      try {
        await handle(order)
        message.ack()
      } catch {
        message.nak(30_000)
      }
    }
  })()
  return { messages, done }
}
