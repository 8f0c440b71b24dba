/** Any Node Duplex as a connection: a socket of the caller's own listener, a TLS socket, a stream of a test. */
import type { Duplex } from 'node:stream'
import type { Transport, TransportPeer } from '../broker/transport.ts'

/** Addresses that sockets have and other streams do not. */
interface Addressed {
  readonly remoteAddress?: string
  readonly remotePort?: number
}

/** Hands `duplex` to the broker; from here on the broker reads and writes it, and ends it. */
export function acceptDuplex(duplex: Duplex, accept: (transport: Transport) => TransportPeer): void {
  const { remoteAddress = '', remotePort = 0 } = duplex as Addressed
  let failure: Error | undefined
  let isWriting = false
  let isOver = false
  const peer = accept({
    remoteAddress,
    remotePort,
    write: (parts) => {
      if (duplex.destroyed || duplex.writableEnded) return true
      isWriting = true
      duplex.cork()
      // Copied: a stream that is not a socket may keep its chunks for as long as it likes.
      duplex.write(Buffer.concat(parts), () => {
        if (!isWriting) return
        isWriting = false
        peer.drained()
      })
      duplex.uncork()
      return false
    },
    resume: () => {
      duplex.resume()
    },
    end: () => {
      duplex.end()
    },
    destroy: () => {
      duplex.destroy()
    },
  })
  const over = (): void => {
    if (isOver) return
    isOver = true
    peer.ended(failure)
  }
  duplex.on('data', (bytes: Buffer) => {
    if (!peer.receive(bytes)) duplex.pause()
  })
  duplex.on('error', (error) => {
    failure = error
  })
  duplex.on('end', over)
  duplex.on('close', over)
}
