/**
 * A pipe between an official client and the broker, both in this process: the client's transport on one side, the broker's
 * on the other. No socket, no port; what the client gets is a copy, so that it may write into what it received.
 *
 * Calls never nest: what the client sends reaches the broker in a microtask of its own, so a listener that publishes from
 * within the broker's own call does not re-enter the parser. Neither side waits for the other's memory: frames that a
 * paused broker does not take stay in the client's queue, as they would in a socket's.
 */
import type { Transport as BrokerTransport, TransportPeer } from '../broker/transport.ts'

/** Takes the broker's side of a new connection; throws when the server is not there. */
export type Attach = (transport: BrokerTransport) => TransportPeer

/** One connection. Implements the official client's Transport, and holds the broker's. */
export class InProcessTransport implements AsyncIterable<Uint8Array> {
  readonly lang = 'headwater-in-process'
  readonly version = '1'
  closeError: Error | undefined
  readonly #attach: Attach
  #peer: TransportPeer | undefined
  /** From the broker, not yet read by the client. */
  #inbox: Uint8Array[] = []
  #wake: (() => void) | undefined
  /** From the client, not yet taken by the broker. */
  #outbox: Uint8Array[] = []
  #isSending = false
  #isPaused = false
  #isDone = false
  #tellClosed: (error: Error | undefined) => void = () => {}
  readonly #closed: Promise<Error | undefined>

  constructor(attach: Attach) {
    this.#attach = attach
    this.#closed = new Promise((resolve) => {
      this.#tellClosed = resolve
    })
  }

  // The client's side: its Transport, member for member.

  get isClosed(): boolean {
    return this.#isDone
  }

  /** Attaches to the broker, whose INFO arrives through the iterator. */
  async connect(): Promise<void> {
    this.#peer = this.#attach({
      remoteAddress: '127.0.0.1',
      remotePort: 0,
      write: (parts) => this.#receive(parts),
      resume: () => this.#resume(),
      end: () => this.#ended(),
      destroy: () => this.#ended(),
    })
  }

  async *[Symbol.asyncIterator](): AsyncIterableIterator<Uint8Array> {
    for (;;) {
      const frames = this.#inbox
      this.#inbox = []
      yield* frames
      if (this.#inbox.length > 0) continue
      if (this.#isDone) return
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
  }

  isEncrypted(): boolean {
    return false
  }

  send(frame: Uint8Array): void {
    if (this.#isDone) return
    this.#outbox.push(frame)
    this.#sendSoon()
  }

  /** Closes for good: what was sent before is delivered first. */
  async close(error?: Error): Promise<void> {
    if (this.#isDone) return
    this.closeError = error
    if (!error) this.#sendNow()
    this.#leave()
  }

  /** Drops the connection, as a cut cable would: the client reconnects. */
  disconnect(): void {
    this.#leave()
  }

  closed(): Promise<Error | undefined> {
    return this.#closed
  }

  /** Lets go without a word to the client: it has moved on to another transport. */
  discard(): void {
    if (this.#isDone) return
    this.#tellClosed = () => {}
    this.#leave()
  }

  // The broker's side.

  #receive(parts: readonly Buffer[]): boolean {
    if (this.#isDone) return true
    // One copy: the parts are the broker's memory, and may be stored messages.
    this.#inbox.push(Buffer.concat(parts))
    this.#wake?.()
    this.#wake = undefined
    return true
  }

  /** The broker goes. Nothing is under way in here, so the client has left too, as far as the broker is concerned. */
  #ended(): void {
    const peer = this.#peer
    this.#over(undefined)
    if (peer) queueMicrotask(() => peer.ended())
  }

  #resume(): void {
    this.#isPaused = false
    this.#sendSoon()
  }

  #sendSoon(): void {
    if (this.#isSending || this.#isPaused) return
    this.#isSending = true
    queueMicrotask(() => this.#sendNow())
  }

  #sendNow(): void {
    this.#isSending = false
    let sent = 0
    while (sent < this.#outbox.length && !this.#isPaused && !this.#isDone) {
      if (this.#peer?.receive(this.#outbox[sent++]) === false) this.#isPaused = true
    }
    this.#outbox.splice(0, sent)
  }

  /** The client goes: the broker is told. */
  #leave(): void {
    if (this.#isDone) return
    const peer = this.#peer
    this.#over(this.closeError)
    peer?.ended()
  }

  /** The connection is over; what already arrived is still read. */
  #over(error: Error | undefined): void {
    if (this.#isDone) return
    this.#isDone = true
    this.#peer = undefined
    this.#outbox = []
    this.#wake?.()
    this.#tellClosed(error)
  }
}
