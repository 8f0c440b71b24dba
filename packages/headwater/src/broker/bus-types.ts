/** The shapes of the engine's port, from the broker's side: the engine owns the port, and layers forbid importing it from here. */

/** Who published. */
export interface BusClient {
  readonly id: number
  readonly name?: string
  readonly user?: string
  readonly host?: string
}

/** A message that a handler gets: one object per depth is reused, valid only during the call. */
export interface Inbound {
  readonly subject: string
  readonly reply: string
  /** Headers are [start, start + headersLength), the payload follows until `end`. */
  readonly bytes: Uint8Array
  readonly start: number
  readonly headersLength: number
  readonly end: number
  readonly client: BusClient | undefined
}

/** Returns false to have its publisher paused until `releasePublishers`. */
export type InboundHandler = (message: Inbound) => boolean | undefined

/** Takes `$JS.ACK.` messages as positions. */
export interface AckHandler {
  ack(bytes: Uint8Array, subjectStart: number, subjectEnd: number, reply: string, start: number, end: number): void
}

/** A reply subject that is composed where it goes. */
export interface ReplyWriter {
  /** Bytes that `write` writes. */
  readonly length: number
  /** Writes it at `at` and returns the position behind it. */
  write(bytes: Uint8Array, at: number): number
  text(): string
}

/** A message as a store keeps it. Its bytes never change. */
export interface StoredMessage {
  readonly subject: string
  readonly bytes: Uint8Array
  /** The subject as it stands on the wire. */
  readonly subjectStart: number
  readonly subjectEnd: number
  readonly headersStart: number
  readonly headersLength: number
  readonly end: number
}

/** What can be ended. */
export interface Ending {
  unsubscribe(): void
}
