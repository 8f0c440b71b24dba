/** The bounds of a server: each is what stops one kind of peer from taking everything. */

/** Bytes, milliseconds and counts; a field that is left out has the default of `DEFAULT_LIMITS`. */
export interface Limits {
  /** The largest message, headers and payload. A larger one closes its publisher's connection. */
  readonly maxPayloadBytes: number
  /** The longest line of the protocol. A longer one closes the connection. */
  readonly maxControlLineBytes: number
  /** Clients connected at the same time. One more is told so and closed. */
  readonly maxConnections: number
  /** Subscriptions of one connection; 0 is unlimited. One more is refused. */
  readonly maxSubscriptions: number
  /** Bytes that wait for one client. Past it, the client is closed as a slow consumer. */
  readonly maxPendingBytes: number
  /** How long one write to a client may be stuck before it is closed as a slow consumer. */
  readonly writeDeadlineMs: number
  /** Between two pings of an idle connection. */
  readonly pingIntervalMs: number
  /** Pings that may go unanswered before the connection is closed as stale. */
  readonly pingMax: number
  /** How long a client may take to authenticate, where that is asked for. */
  readonly authTimeoutMs: number
  /** Lame duck: clients are closed spread over this time. */
  readonly lameDuckDurationMs: number
  /** Lame duck: clients are left alone for this long first, so that they can move by themselves. */
  readonly lameDuckGraceMs: number
  /** Bytes of all memory streams together; -1 is unlimited. */
  readonly maxMemoryBytes: number
  /** Bytes of all file streams together; -1 is unlimited: the disk is the bound, and a full one is refused and survived. */
  readonly maxStorageBytes: number
  /** Streams; -1 is unlimited. */
  readonly maxStreams: number
  /** Consumers of one stream; -1 is unlimited. */
  readonly maxConsumers: number
}

/** As nats-server's, where it has the limit. */
export const DEFAULT_LIMITS: Limits = {
  maxPayloadBytes: 1024 * 1024,
  maxControlLineBytes: 4096,
  maxConnections: 65_536,
  maxSubscriptions: 0,
  maxPendingBytes: 64 * 1024 * 1024,
  writeDeadlineMs: 10_000,
  pingIntervalMs: 120_000,
  pingMax: 2,
  authTimeoutMs: 2_000,
  lameDuckDurationMs: 120_000,
  lameDuckGraceMs: 10_000,
  maxMemoryBytes: -1,
  maxStorageBytes: -1,
  maxStreams: -1,
  maxConsumers: -1,
}
