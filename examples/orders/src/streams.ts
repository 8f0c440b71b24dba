/** Connections, and the streams and consumers that the flow works with. */

import { setTimeout as sleep } from 'node:timers/promises'
import { withDeadLetter } from '@headwater/kit'
import {
  AckPolicy,
  type ConsumerConfig,
  DeliverPolicy,
  JetStreamApiError,
  jetstreamManager,
  RetentionPolicy,
  StorageType,
} from '@nats-io/jetstream'
import { connect, type NatsConnection } from '@nats-io/transport-node'

export const STREAM = 'ORDERS'
export const DEAD_STREAM = 'ORDERS_DEAD'
export const CREATED = 'orders.created'
export const DEAD_LETTER = 'orders.deadletter'
export const PROCESSOR = 'orders-processor'
const MAX_DELIVER = 5

/** How everything here connects: it never gives up, and dials again at once, because the broker will be killed. */
export const connectOptions = {
  maxReconnectAttempts: -1,
  reconnectTimeWait: 100,
  reconnectJitter: 50,
  ignoreClusterUpdates: true,
  pingInterval: 5_000,
}

export function dial(servers: string[], name: string): Promise<NatsConnection> {
  return connect({ ...connectOptions, servers, name, waitOnFirstConnect: true })
}

/**
 * The stream does not capture all of `orders.>`: a request on `orders.create` would then be stored, and its caller would
 * take the stream's PubAck for the reply. Dead letters have a stream of their own, with limits of their own.
 */
export async function createStreams(
  nc: NatsConnection,
  options: { replicas: number; replace: boolean },
): Promise<void> {
  const jsm = await patiently(() => jetstreamManager(nc))
  const shared = {
    retention: RetentionPolicy.Limits,
    storage: StorageType.File,
    num_replicas: options.replicas,
    duplicate_window: 120_000_000_000,
  }
  for (const [name, subjects] of [
    [STREAM, [CREATED, 'orders.customer.*']],
    [DEAD_STREAM, [DEAD_LETTER]],
  ] as const) {
    if (options.replace) await jsm.streams.delete(name).catch(ifNotFound)
    await patiently(() => jsm.streams.add({ ...shared, name, subjects: [...subjects] }))
  }
  await patiently(() => jsm.consumers.add(STREAM, processorConfig))
}

/** The dead-letter subject stands in the metadata, which a NATS server accepts too (there the kit's relay does the work). */
const processorConfig: Partial<ConsumerConfig> = withDeadLetter(DEAD_LETTER, {
  durable_name: PROCESSOR,
  ack_policy: AckPolicy.Explicit,
  deliver_policy: DeliverPolicy.All,
  max_deliver: MAX_DELIVER,
  ack_wait: 5_000_000_000,
  filter_subject: CREATED,
})

/** Tries again for half a minute: a cluster needs a moment to elect, a broker to come back. */
export async function patiently<T>(attempt: () => Promise<T>): Promise<T> {
  const deadline = performance.now() + 30_000
  for (;;) {
    try {
      return await attempt()
    } catch (error) {
      if (!isTransient(error) || performance.now() > deadline) throw error
      await sleep(100)
    }
  }
}

/** No answer, no server, no leader: worth another try. An API error that names a wrong request is not. */
function isTransient(error: unknown): boolean {
  return !(error instanceof JetStreamApiError) || error.status >= 500
}

function ifNotFound(error: unknown): void {
  if (!(error instanceof JetStreamApiError) || error.status !== 404) throw error
}
