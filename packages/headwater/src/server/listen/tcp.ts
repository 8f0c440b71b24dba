/**
 * TCP: the one place that knows node:net. Accepts sockets and hands them to the broker as transports.
 *
 * HOT: sockets read straight into the arena's read buffer (`onread`), without an event, an object or a buffer per read: publishing is
 * 1.9 times faster than with `data` events. Node documents `onread` for sockets that one makes, not for accepted ones, so the server's
 * handle is asked for raw connections. Where a future Node has no such handle, or with `plainReads`, `data` events do the same work.
 */
import net from 'node:net'
import { HeadwaterError } from '../../base/errors.ts'
import { type Logger, silentLogger } from '../../base/log.ts'
import { readBuffer } from '../../broker/arena.ts'
import type { Transport, TransportPeer } from '../../broker/transport.ts'

export interface TcpListenOptions {
  /** Loopback unless said otherwise. */
  readonly host?: string
  /** 0 picks a free one. */
  readonly port?: number
  /** Takes each connection. */
  readonly accept: (transport: Transport) => TransportPeer
  readonly log?: Logger
  /** Read with `data` events instead of into the arena. */
  readonly plainReads?: boolean
}

/** An open listener. */
export interface TcpListener {
  readonly host: string
  readonly port: number
  /** Stops listening; open connections go on. */
  close(): Promise<void>
  /** Lets the process end while it listens. */
  unref(): void
}

/** What Node keeps inside a server: called for each raw connection. */
interface ServerHandle {
  onconnection?: (error: number, client: unknown) => void
}

/**
 * Listens, and resolves when connections can come.
 * Throws HeadwaterError HW_PORT_IN_USE when the port is taken, HW_CONFIG when the address cannot be listened on.
 */
export function listenTcp(options: TcpListenOptions): Promise<TcpListener> {
  const host = options.host ?? '127.0.0.1'
  const port = options.port ?? 0
  const log = options.log ?? silentLogger
  const server = net.createServer({ noDelay: true, allowHalfOpen: true }, (socket) =>
    new TcpTransport(socket, options.accept).readEvents(),
  )
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => reject(listenError(error, host, port)))
    server.listen({ host, port }, () => {
      server.removeAllListeners('error')
      // Out of descriptors, most likely: the connection is lost, the server is not.
      server.on('error', (error) => log.error({ error: error.message }, 'cannot accept a connection'))
      if (options.plainReads !== true) readIntoArena(server, options.accept, log)
      const address = server.address() as net.AddressInfo
      resolve({
        host: address.address,
        port: address.port,
        close: () => new Promise((done) => server.close(() => done())),
        unref: () => server.unref(),
      })
    })
  })
}

function readIntoArena(server: net.Server, accept: TcpListenOptions['accept'], log: Logger): void {
  const handle = (server as unknown as { _handle?: ServerHandle })._handle
  if (typeof handle?.onconnection !== 'function') return
  handle.onconnection = (error, client) => {
    if (error !== 0) {
      log.error({ error }, 'cannot accept a connection')
      return
    }
    let transport: TcpTransport | undefined
    const socket = new net.Socket({
      handle: client,
      allowHalfOpen: true,
      onread: {
        buffer: readBuffer,
        callback: (length: number) => transport === undefined || transport.peer.received(length),
      },
    } as net.SocketConstructorOpts)
    socket.setNoDelay(true)
    transport = new TcpTransport(socket, accept)
    socket.resume()
  }
}

class TcpTransport implements Transport {
  readonly remoteAddress: string
  readonly remotePort: number
  readonly peer: TransportPeer
  readonly #socket: net.Socket
  #isWriting = false
  #error: Error | undefined
  readonly #written = (): void => {
    // Synchronous writes call back a tick later: one of those must not be taken for the end of an asynchronous one.
    if (!this.#isWriting || this.#socket.writableLength > 0) return
    this.#isWriting = false
    this.peer.drained()
  }

  constructor(socket: net.Socket, accept: TcpListenOptions['accept']) {
    this.#socket = socket
    this.remoteAddress = socket.remoteAddress ?? ''
    this.remotePort = socket.remotePort ?? 0
    socket.on('error', (error) => {
      this.#error = error
    })
    // Twice: a peer that ended its own side may still get what waits for it.
    socket.on('end', () => this.peer.ended())
    socket.on('close', () => this.peer.ended(this.#error))
    this.peer = accept(this)
  }

  readEvents(): void {
    this.#socket.on('data', (bytes: Buffer) => {
      if (!this.peer.receive(bytes)) this.#socket.pause()
    })
  }

  write(parts: readonly Buffer[]): boolean {
    const socket = this.#socket
    if (socket.destroyed || socket.writableEnded) return true
    if (parts.length === 1) socket.write(parts[0], this.#written)
    else {
      socket.cork()
      for (let i = 0; i < parts.length - 1; i++) socket.write(parts[i])
      socket.write(parts[parts.length - 1], this.#written)
      socket.uncork()
    }
    if (socket.writableLength === 0) return true
    this.#isWriting = true
    return false
  }

  resume(): void {
    this.#socket.resume()
  }

  end(): void {
    this.#socket.end()
  }

  destroy(): void {
    this.#socket.destroy()
  }
}

function listenError(error: NodeJS.ErrnoException, host: string, port: number): HeadwaterError {
  if (error.code === 'EADDRINUSE') {
    return new HeadwaterError('HW_PORT_IN_USE', `port ${port} on ${host} is in use`, {
      hint: 'Stop what listens there, or start with port 0 to get a free one.',
      cause: error,
    })
  }
  return new HeadwaterError('HW_CONFIG', `cannot listen on ${host}:${port}: ${error.message}`, {
    hint: 'Check that the address belongs to this machine and that the port may be used.',
    cause: error,
  })
}
