/** A broker on a free loopback port for tests, without streams. */
import { SystemTurn } from '../../base/clock.ts'
import { SystemRandom } from '../../base/random.ts'
import { VirtualClock } from '../../base/testing/virtual-clock.ts'
import { Broker, type BrokerOptions } from '../../broker/broker.ts'
import { RawClient } from './raw-client.case.ts'
import { listenTcp, type TcpListener } from './tcp.ts'

export interface TestBroker {
  readonly broker: Broker
  readonly listener: TcpListener
  readonly port: number
  /** A raw client that sent CONNECT with these fields; without argument it sent nothing. */
  client(options?: Record<string, unknown>): Promise<RawClient>
  close(): Promise<void>
}

/** Starts; every client made by `client` is closed by `close`. */
export async function startBroker(
  options: Partial<BrokerOptions> & { plainReads?: boolean } = {},
): Promise<TestBroker> {
  const broker = new Broker({
    // Time stands still: no PING comes between the frames of a slow machine.
    clock: new VirtualClock(),
    turn: new SystemTurn(),
    random: new SystemRandom(),
    ...options,
  })
  const listener = await listenTcp({ accept: (transport) => broker.accept(transport), plainReads: options.plainReads })
  broker.listensOn(listener.host, listener.port)
  const clients: RawClient[] = []
  return {
    broker,
    listener,
    port: listener.port,
    async client(fields) {
      const client = await RawClient.connect(listener.port, fields)
      clients.push(client)
      return client
    },
    async close() {
      await Promise.all(clients.map((client) => client.close()))
      await broker.close()
      await listener.close()
    },
  }
}
