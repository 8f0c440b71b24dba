/** consumer-replay.js: the replay from a time, and the one from a sequence that the text describes. */
import {
  AckPolicy,
  type Consumer,
  DeliverPolicy,
  type JetStreamClient,
  type JetStreamManager,
} from '@nats-io/jetstream'

/** An audit from a moment on. */
export async function replayFromTime(jsm: JetStreamManager, js: JetStreamClient, from: Date): Promise<Consumer> {
  await jsm.consumers.add('ORDERS', {
    durable_name: 'audit-replay',
    ack_policy: AckPolicy.Explicit,
    deliver_policy: DeliverPolicy.StartTime,
    opt_start_time: from.toISOString(),
    filter_subject: 'orders.>',
  })
  return js.consumers.get('ORDERS', 'audit-replay')
}

/** After the last sequence that was processed: an ordered consumer needs no name and leaves nothing behind. */
export function resumeAfter(js: JetStreamClient, lastSeq: number): Promise<Consumer> {
  return js.consumers.get('ORDERS', { deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: lastSeq + 1 })
}
