/** client.js: the connection is from transport-node, JetStream from its own package; codecs are gone (`msg.json()`, `msg.string()`). */
import { type JetStreamClient, type JetStreamManager, jetstream, jetstreamManager } from '@nats-io/jetstream'
import { connect, type NatsConnection } from '@nats-io/transport-node'

export interface Client {
  readonly nc: NatsConnection
  readonly js: JetStreamClient
  readonly jsm: JetStreamManager
}

/** Connects to the first server that answers, and keeps trying when it goes away. */
export async function connectClient(servers: string[]): Promise<Client> {
  const nc = await connect({ servers, maxReconnectAttempts: -1, reconnectTimeWait: 1000 })
  return { nc, js: jetstream(nc), jsm: await jetstreamManager(nc) }
}
