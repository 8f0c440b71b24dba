/** client.js: as printed; the manager belongs to it, since a later block uses it. */
import { connect, type JetStreamClient, type JetStreamManager, type NatsConnection } from 'nats'

export interface Client {
  readonly nc: NatsConnection
  readonly js: JetStreamClient
  readonly jsm: JetStreamManager
}

/** Connects to the first server that answers, and keeps trying when it goes away. */
export async function connectClient(servers: string[]): Promise<Client> {
  const nc = await connect({ servers, maxReconnectAttempts: -1, reconnectTimeWait: 1000 })
  return { nc, js: nc.jetstream(), jsm: await nc.jetstreamManager() }
}
