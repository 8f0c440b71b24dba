/** consumer-config.js: the stream and the consumer are created before anybody gets them; dead letters as metadata, which every server keeps. */

import { withDeadLetter } from '@headwater/kit'
import { AckPolicy, DeliverPolicy, type JetStreamManager, nanos } from 'nats'

/** Dead letters have a stream of their own, so that the orders' limits and readers are not theirs. */
export async function createOrders(jsm: JetStreamManager): Promise<void> {
  await jsm.streams.add({ name: 'ORDERS', subjects: ['orders.>'] })
  await jsm.streams.add({ name: 'DEAD_ORDERS', subjects: ['deadletter.orders'] })
  await jsm.consumers.add(
    'ORDERS',
    withDeadLetter('deadletter.orders', {
      durable_name: 'orders-processor',
      ack_policy: AckPolicy.Explicit,
      deliver_policy: DeliverPolicy.All,
      max_deliver: 5,
      ack_wait: nanos(30_000),
      filter_subject: 'orders.created',
    }),
  )
}
