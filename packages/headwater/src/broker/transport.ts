/** The byte-connection port: a socket, or a pipe inside the process. The broker never sees which. */

/** One byte connection, as the broker uses it. `server/listen/tcp.ts` is the socket; an in-process client brings its own. */
export interface Transport {
  /** The peer's address, for INFO and monitoring. */
  readonly remoteAddress: string
  readonly remotePort: number
  /**
   * Writes all of `parts`, in order. True: they were taken, and their memory may be used again at once.
   * False: their memory stays in use until `peer.drained()`; nothing is written before that.
   */
  write(parts: readonly Buffer[]): boolean
  /** Goes on reading after `received` or `receive` returned false. */
  resume(): void
  /** No more is written: the peer gets what is under way, then the end. Call `peer.ended()` when the peer ended too. */
  end(): void
  /** Lets go at once; may come more than once. */
  destroy(): void
}

/** The broker's side of a connection: what a transport tells. `Broker.accept` returns it. */
export interface TransportPeer {
  /** `length` bytes were read into the arena's read buffer. False: stop reading until `resume()`. */
  received(length: number): boolean
  /** Bytes from anywhere else: they are copied. False: stop reading until `resume()`. */
  receive(bytes: Uint8Array): boolean
  /** The write that returned false is done. */
  drained(): void
  /**
   * The peer ended its side, or `error` ended both. The broker writes what waits, then calls `destroy`.
   * A second call means that nothing can be written any more.
   */
  ended(error?: Error): void
}
