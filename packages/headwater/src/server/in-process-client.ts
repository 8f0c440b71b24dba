/**
 * An official client, connected inside the process: the client's own connection class with a transport of ours.
 *
 * The client library keeps the transport of all connections in one process-wide variable; replacing that would break the
 * reconnects of connections to other servers. So only this one connection gets ours: its protocol handler assigns
 * `transport` at every dial, and a setter on that one handler puts an InProcessTransport there instead.
 * Where a client's insides look otherwise, it connects over TCP: slower, and just as good.
 */
import type { ConnectionOptions, NatsConnection } from '@nats-io/nats-core'
import { HeadwaterError } from '../base/errors.ts'
import { type Attach, InProcessTransport } from './in-process-transport.ts'

/** What `hw.connect` takes: the official client's options, and the client module itself where there are several copies of it. */
export interface ConnectOptions extends ConnectionOptions {
  /** `await import('@nats-io/transport-node')`: the copy of the client that your application uses. */
  client?: object
}

/** The three names of the client's insides that are needed. */
interface Insides {
  readonly NatsConnectionImpl: new (
    options: ConnectionOptions,
  ) => NatsConnection & { options: unknown; protocol: unknown }
  readonly ProtocolHandler: new (options: unknown, publisher: unknown) => { dialLoop(): Promise<void> }
  readonly setTransportFactory: (config: { factory: () => unknown }) => void
}

/** Where the client is to connect. */
export interface ClientHome {
  /** Undefined when the server is in another process. */
  readonly attach: Attach | undefined
  /** For the fallback; undefined when there is no listener. */
  readonly url: string | undefined
  /** Credentials of the internal user, when the server asks for any. */
  readonly credentials: { readonly user?: string; readonly pass?: string; readonly token?: string }
}

/** Connects an official client. Throws HW_CLIENT_MISSING when there is none, and what the client throws when it is refused. */
export async function connectInProcess(home: ClientHome, options: ConnectOptions = {}): Promise<NatsConnection> {
  const { client, ...given } = options
  const asked = 'user' in given || 'token' in given || 'authenticator' in given
  const whole = { ...(asked ? {} : home.credentials), ...given }
  const insides = home.attach && insidesOf(client ?? (await findClient()))
  if (insides && home.attach) {
    const connected = await connectBy(insides, home.attach, whole)
    if (connected) return connected
  }
  return connectByTcp(client ?? (await findTransport()), home.url, whole)
}

/** Undefined when the handler did not take our transport: this client's insides are not what we know. */
async function connectBy(
  insides: Insides,
  attach: Attach,
  options: ConnectionOptions,
): Promise<NatsConnection | undefined> {
  const connection = new insides.NatsConnectionImpl({
    // A broker in the same process is back at once, or gone: the client's own waits would only be slow.
    maxReconnectAttempts: -1,
    reconnectTimeWait: 5,
    reconnectJitter: 0,
    ...options,
    servers: ['in-process:4222'],
    resolve: false,
    ignoreClusterUpdates: true,
  })
  const dial = async (): Promise<InProcessTransport | undefined> => {
    const handler = new insides.ProtocolHandler(connection.options, connection)
    let transport: InProcessTransport | undefined
    Object.defineProperty(handler, 'transport', {
      configurable: true,
      get: () => transport,
      set: () => {
        transport = new InProcessTransport(attach)
      },
    })
    await handler.dialLoop()
    connection.protocol = handler
    return transport
  }
  let transport: InProcessTransport | undefined
  try {
    transport = await dial()
  } catch (error) {
    if (!/transport.*not set/i.test(String(error))) throw error
    // Nobody has loaded a real transport yet; the one that is asked for is thrown away by the setter.
    insides.setTransportFactory({ factory: () => ({ closed: () => new Promise(() => {}) }) })
    transport = await dial()
  }
  if (transport) return connection
  await connection.close()
  return undefined
}

async function connectByTcp(
  client: object,
  url: string | undefined,
  options: ConnectionOptions,
): Promise<NatsConnection> {
  const connect = (client as { connect?: (options: ConnectionOptions) => Promise<NatsConnection> }).connect
  if (typeof connect !== 'function') {
    throw new HeadwaterError('HW_CLIENT_MISSING', 'What was given as client cannot connect', {
      hint: "Give hw.connect({ client: await import('@nats-io/transport-node') }).",
    })
  }
  if (url === undefined) {
    throw new HeadwaterError(
      'HW_CLIENT_MISSING',
      'This client can only connect over TCP, and the server has port: false',
      {
        hint: 'Start the server with a port (0 is any free one), or use @nats-io/transport-node 3.x.',
      },
    )
  }
  return connect({ ...options, servers: [url] })
}

function insidesOf(client: object): Insides | undefined {
  // A CommonJS module imported from an ES module has its names on `default` too.
  for (const module of [client, (client as { default?: object }).default ?? {}] as Partial<Insides>[]) {
    const { NatsConnectionImpl, ProtocolHandler, setTransportFactory } = module
    if ([NatsConnectionImpl, ProtocolHandler, setTransportFactory].every((one) => typeof one === 'function'))
      return module as Insides
  }
  return undefined
}

async function findClient(): Promise<object> {
  try {
    return await import('@nats-io/nats-core/internal')
  } catch (cause) {
    return findTransport(cause)
  }
}

async function findTransport(cause?: unknown): Promise<object> {
  // Not a peer of its own: it brings @nats-io/nats-core, and may sit beside it. A name in a variable keeps bundlers away.
  const name = '@nats-io/transport-node'
  try {
    return (await import(name)) as object
  } catch (error) {
    throw new HeadwaterError('HW_CLIENT_MISSING', 'hw.connect() needs the official client, which is not installed', {
      hint: 'Run npm install @nats-io/transport-node, or connect any NATS client to hw.url.',
      cause: cause ?? error,
    })
  }
}
