/** What the monitor asks of a server: numbers of one moment, and what is wrong. The server fulfils it; nothing here changes anything. */

/** One moment of a server. Bytes, milliseconds and counts; times are milliseconds since the epoch. */
export interface ServerSnapshot {
  readonly serverId: string
  readonly serverName: string
  /** Of the protocol, as INFO tells it. */
  readonly protocolVersion: string
  /** Our own. */
  readonly headwaterVersion: string
  readonly host: string
  /** 0 when there is no listener. */
  readonly port: number
  readonly authRequired: boolean
  readonly startMs: number
  readonly nowMs: number
  readonly limits: {
    readonly maxConnections: number
    readonly maxSubscriptions: number
    readonly maxPayloadBytes: number
    readonly maxControlLineBytes: number
    readonly maxPendingBytes: number
    readonly writeDeadlineMs: number
    readonly pingIntervalMs: number
    readonly pingMax: number
    readonly authTimeoutMs: number
  }
  readonly traffic: {
    readonly connections: number
    readonly totalConnections: number
    readonly subscriptions: number
    readonly inMessages: number
    readonly inBytes: number
    readonly outMessages: number
    readonly outBytes: number
    readonly slowConsumers: number
    readonly staleConnections: number
  }
  /** Undefined when JetStream is off. */
  readonly jetstream: JetStreamSnapshot | undefined
}

/** One moment of JetStream. */
export interface JetStreamSnapshot {
  /** The data folder; undefined in memory. */
  readonly folder: string | undefined
  readonly sync: 'always' | 'never' | number
  readonly maxMemoryBytes: number
  readonly maxStorageBytes: number
  readonly memoryBytes: number
  readonly storageBytes: number
  readonly streams: number
  readonly consumers: number
  readonly messages: number
  readonly apiTotal: number
  readonly apiErrors: number
}

/** Messages of one consumer that were given up and whose dead letters cannot be written yet. */
export interface HeldMessages {
  readonly stream: string
  readonly consumer: string
  readonly messages: number
}

/** What the monitor may look at. */
export interface Observed {
  snapshot(): ServerSnapshot
  /** Consumers that hold messages; they work, and somebody should look. */
  held(): HeldMessages[]
  /** What is wrong, a sentence each; empty when all is well. */
  troubles(): string[]
}
