/** Everyone who reads beside the workers: the audit, the ordered reader of one customer, and the log of dead letters. */

import { setTimeout as sleep } from 'node:timers/promises'
import {
  AckPolicy,
  type ConsumerConfig,
  DeliverPolicy,
  type JsMsg,
  jetstream,
  jetstreamManager,
} from '@nats-io/jetstream'
import type { NatsConnection } from '@nats-io/transport-node'
import { CREATED, DEAD_STREAM, patiently, STREAM } from './streams.ts'

/** A reader that goes on until it is closed; what it saw stays in its own list. */
export interface Reader {
  close(): void
}

/** Reads one customer's events strictly in order, with an ordered consumer. */
export function readCustomer(
  nc: NatsConnection,
  customerId: string,
  see: (seq: number, event: { orderId: string }) => void,
): Reader {
  return readOn(async (isClosed) => {
    const consumer = await jetstream(nc).consumers.get(STREAM, { filter_subjects: [`orders.customer.${customerId}`] })
    for await (const message of await consumer.consume({ expires: 2000 })) {
      see(message.seq, message.json())
      if (isClosed()) return
    }
  })
}

/** A durable audit of everything since `since`: each message is seen at least once, whatever happens to the broker. */
export async function auditSince(nc: NatsConnection, since: Date, see: (message: JsMsg) => void): Promise<Reader> {
  return durable(nc, STREAM, see, {
    durable_name: 'audit-replay',
    ack_policy: AckPolicy.Explicit,
    ack_wait: 2_000_000_000,
    deliver_policy: DeliverPolicy.StartTime,
    opt_start_time: since.toISOString(),
    filter_subject: CREATED,
  })
}

/** Writes dead letters to a log, headers and all. */
export async function logDeadLetters(nc: NatsConnection, see: (message: JsMsg) => void): Promise<Reader> {
  return durable(nc, DEAD_STREAM, see, {
    durable_name: 'deadletter-log',
    ack_policy: AckPolicy.Explicit,
    ack_wait: 2_000_000_000,
  })
}

/** Everything on `orders.created` from a sequence on to the end of the stream. */
export async function replayFrom(nc: NatsConnection, seq: number, see: (message: JsMsg) => void): Promise<void> {
  const jsm = await jetstreamManager(nc)
  const last = await jsm.streams.getMessage(STREAM, { last_by_subj: CREATED })
  if (!last || last.seq < seq) return
  const consumer = await jetstream(nc).consumers.get(STREAM, {
    filter_subjects: [CREATED],
    deliver_policy: DeliverPolicy.StartSequence,
    opt_start_seq: seq,
  })
  for await (const message of await consumer.consume({ max_messages: 1000, expires: 2000 })) {
    see(message)
    if (message.seq >= last.seq) return
  }
}

async function durable(
  nc: NatsConnection,
  stream: string,
  see: (message: JsMsg) => void,
  config: Partial<ConsumerConfig> & { durable_name: string },
): Promise<Reader> {
  const jsm = await patiently(() => jetstreamManager(nc))
  await patiently(() => jsm.consumers.add(stream, config))
  return readOn(async (isClosed) => {
    const consumer = await jetstream(nc).consumers.get(stream, config.durable_name)
    for await (const message of await consumer.consume({ expires: 2000 })) {
      see(message)
      message.ack()
      if (isClosed()) return
    }
  })
}

/** Repeats `read` until closed: it ends early when the broker is away. */
function readOn(read: (isClosed: () => boolean) => Promise<void>): Reader {
  let closed = false
  const loop = async () => {
    while (!closed) {
      await read(() => closed).catch(() => sleep(100))
    }
  }
  void loop()
  return {
    close() {
      closed = true
    },
  }
}
