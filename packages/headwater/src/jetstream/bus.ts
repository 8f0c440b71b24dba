/**
 * The port through which the engine meets the world: what it hears, what it says, and who is listening.
 * The broker's internal client satisfies it; the simulation has its own. The engine never imports the broker.
 */

/** Who published: for audit and limits. Undefined fields are unknown. */
export interface BusClient {
  readonly id: number
  readonly name?: string
  readonly user?: string
  readonly host?: string
}

/** A message on its way in. One object is reused: everything in it is valid only during the call. */
export interface Inbound {
  readonly subject: string
  /** '' when there is none. */
  readonly reply: string
  /** Headers then payload: headers are [start, start + headersLength), payload [start + headersLength, end). */
  readonly bytes: Uint8Array
  readonly start: number
  readonly headersLength: number
  readonly end: number
  readonly client: BusClient | undefined
}

/** Takes a message. Returns false to ask the bus to stop reading from this publisher until `releasePublishers`. */
export type InboundHandler = (message: Inbound) => boolean | undefined

/** A `$JS.ACK.` message, as positions: `bytes[subjectStart, subjectEnd)` is the subject, `bytes[start, end)` the body with headers stripped. */
export interface AckHandler {
  ack(bytes: Uint8Array, subjectStart: number, subjectEnd: number, reply: string, start: number, end: number): void
}

/** What was asked for, until it is not wanted any more; ending it twice is fine. */
export interface Subscription {
  unsubscribe(): void
}

/** A reply subject that is composed where it goes, as bytes. */
export interface ReplyWriter {
  /** Bytes that `write` writes. */
  readonly length: number
  /** Writes it at `at` and returns the position behind it. */
  write(bytes: Uint8Array, at: number): number
  text(): string
}

/** A message as a store keeps it: positions in bytes that never change. */
export interface StoredMessage {
  readonly subject: string
  readonly bytes: Uint8Array
  /** The subject in UTF-8. */
  readonly subjectStart: number
  readonly subjectEnd: number
  readonly headersStart: number
  readonly headersLength: number
  readonly end: number
}

/** Somewhere to deliver to: a subject (an inbox or a deliver subject), with the way to its subscribers remembered. */
export interface Target {
  readonly subject: string
  /** Whether anyone would get a message now (in `queue`, when the target was made with one). */
  hasInterest(): boolean
  /**
   * Sends a message that shows `subject` and `reply` to whoever subscribes the target. `bytes[start, end)` is headers then payload.
   * Copies what it needs before it returns, or keeps a reference to bytes that never change.
   */
  send(subject: string, reply: string, bytes: Uint8Array, start: number, headersLength: number, end: number): void
  /** As send of all of `message`. HOT: makes no string while one plain client listens. */
  deliver(message: StoredMessage, reply: ReplyWriter): void
}

export interface Bus {
  /** Hears every message on `subject` (wildcards allowed), in the publisher's turn. Used for API subjects and flow control replies. */
  subscribe(subject: string, handler: InboundHandler): Subscription
  /** A stream's own subscription: as subscribe, and counts as the receiver of the message (no 503 to its publisher). */
  capture(subject: string, handler: InboundHandler): Subscription
  /** Takes all messages published on `$JS.ACK.>`. One handler. */
  captureAcks(handler: AckHandler): Subscription
  /** Publishes; subject is the target. headers is a whole NATS/1.0 block or undefined. */
  publish(subject: string, reply: string, headers: Uint8Array | undefined, payload: Uint8Array): void
  /** As publish of `bytes[start, end)` without headers: for replies composed in a scratch buffer. */
  reply(subject: string, bytes: Uint8Array, start: number, end: number): void
  hasInterest(subject: string): boolean
  /** With a queue: only its members count as interest. `reach` clients: what it sends is captured by no stream. */
  target(subject: string, queue?: string, reach?: 'all' | 'clients'): Target
  /** Calls `changed` whenever interest in the literal `subject` may have come or gone. */
  watchInterest(subject: string, changed: () => void): Subscription
  /** Reading goes on from publishers that a handler stopped. */
  releasePublishers(): void
}
