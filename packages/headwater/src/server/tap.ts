/** Listens in on a connection: what came in, what went out. For the protocol trace and for tests; nothing of it runs otherwise. */
import { readBuffer } from '../broker/arena.ts'
import type { Transport, TransportPeer } from '../broker/transport.ts'

/** Hears copies of the bytes of one connection, in pieces as they travel. */
export interface Tap {
  received?(bytes: Buffer): void
  sent?(bytes: Buffer): void
}

/** As `accept`, with a tap on each connection. */
export function tapped(
  accept: (transport: Transport) => TransportPeer,
  tapOf: (transport: Transport) => Tap,
): (transport: Transport) => TransportPeer {
  return (transport) => {
    const tap = tapOf(transport)
    const peer = accept({
      remoteAddress: transport.remoteAddress,
      remotePort: transport.remotePort,
      write: (parts) => {
        tap.sent?.(Buffer.concat(parts))
        return transport.write(parts)
      },
      resume: () => transport.resume(),
      end: () => transport.end(),
      destroy: () => transport.destroy(),
    })
    return {
      received: (length) => {
        // Copied first: the broker composes what it sends in the bytes that it received.
        tap.received?.(Buffer.from(readBuffer.subarray(0, length)))
        return peer.received(length)
      },
      receive: (bytes) => {
        tap.received?.(Buffer.from(bytes))
        return peer.receive(bytes)
      },
      drained: () => peer.drained(),
      ended: (error) => peer.ended(error),
    }
  }
}
