/** ordered-consumer.js: the option is filter_subjects; there is nothing to acknowledge, and it pulls. */
import type { ConsumerMessages, JetStreamClient } from '@nats-io/jetstream'

/** One customer's events, in order, exactly as stored. */
export async function readCustomer(js: JetStreamClient, customer: string): Promise<ConsumerMessages> {
  const ordered = await js.consumers.get('ORDERS', { filter_subjects: `orders.customer.${customer}` })
  return ordered.consume()
}
