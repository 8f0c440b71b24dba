/** ordered-consumer.js: the option is filterSubjects; there is nothing to acknowledge, and it pulls. */
import type { ConsumerMessages, JetStreamClient } from 'nats'

/** One customer's events, in order, exactly as stored. */
export async function readCustomer(js: JetStreamClient, customer: string): Promise<ConsumerMessages> {
  const ordered = await js.consumers.get('ORDERS', { filterSubjects: `orders.customer.${customer}` })
  return ordered.consume()
}
