/** idempotent-handler.js: one INSERT decides, inside the transaction of the effect; the key names stream and sequence. */
import type { JsMsg } from '@nats-io/jetstream'
import type { Database } from '../database.ts'

/** Handles a message once, however often it is delivered, also when two deliveries run at the same time. */
export async function handleOrderCreated(db: Database, message: JsMsg): Promise<void> {
  await db.transaction(async (tx) => {
    const first = await tx.insertOnce('processed_events', `${message.info.stream}:${message.seq}`)
    if (first) await tx.insert('orders', message.json())
  })
  message.ack()
}
