/** What a peer may ask of the broker, at most. The defaults are nats-server's. */

export interface BrokerLimits {
  /** Bytes of one message, headers included. */
  readonly maxPayload: number
  /** Bytes of one line of arguments; at most 16 KiB. */
  readonly maxControlLine: number
  readonly maxConnections: number
  /** Per connection; 0 is no limit. */
  readonly maxSubscriptions: number
  /** Bytes that may wait for one connection: above them it is a slow consumer. */
  readonly maxPending: number
  /** A write of at most 1 MiB must be taken within this time. */
  readonly writeDeadlineMs: number
  readonly pingIntervalMs: number
  /** Pings without an answer, after which the connection is stale. */
  readonly pingMax: number
  readonly authTimeoutMs: number
  /** How long a publisher is paused at most for one receiver that cannot keep up, per read. */
  readonly stallMs: number
  /** Closed connections that monitoring can still show. */
  readonly maxClosedShown: number
}

/** What holds when nothing else is said. */
export const defaultBrokerLimits: BrokerLimits = {
  maxPayload: 1024 * 1024,
  maxControlLine: 4096,
  maxConnections: 64 * 1024,
  maxSubscriptions: 0,
  maxPending: 64 * 1024 * 1024,
  writeDeadlineMs: 10_000,
  pingIntervalMs: 120_000,
  pingMax: 2,
  authTimeoutMs: 2_000,
  stallMs: 10,
  maxClosedShown: 1_000,
}
