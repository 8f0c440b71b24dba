/** Numbers about the broker and its connections: snapshots for monitoring, which changes nothing. */

import type { ClosedReason } from '../protocol/protocol-errors.ts'
import type { Connection } from './connection.ts'

/** Totals since the start. */
export interface BrokerStats {
  readonly connections: number
  readonly totalConnections: number
  readonly subscriptions: number
  readonly slowConsumers: number
  readonly staleConnections: number
  readonly inMsgs: number
  readonly inBytes: number
  readonly outMsgs: number
  readonly outBytes: number
}

/** One connection, open or closed. Times are milliseconds since the epoch. */
export interface ConnectionSnapshot {
  readonly id: number
  readonly remoteAddress: string
  readonly remotePort: number
  readonly name: string
  readonly lang: string
  readonly version: string
  readonly user: string
  readonly account: string
  readonly startMs: number
  readonly lastActivityMs: number
  /** -1 when it is not known. */
  readonly rttMs: number
  readonly pendingBytes: number
  readonly inMsgs: number
  readonly inBytes: number
  readonly outMsgs: number
  readonly outBytes: number
  readonly subscriptions: number
  readonly closedReason: ClosedReason | undefined
  /** 0 while it is open. */
  readonly closedMs: number
}

/** `connection` as it is now. */
export function snapshotOf(connection: Connection, account: string): ConnectionSnapshot {
  const { options, transport } = connection
  return {
    id: connection.id,
    remoteAddress: transport.remoteAddress,
    remotePort: transport.remotePort,
    name: options.name,
    lang: options.lang,
    version: options.version,
    user: connection.identity.user,
    account,
    startMs: connection.startMs,
    lastActivityMs: connection.lastActivityMs,
    rttMs: connection.rttMs,
    pendingBytes: connection.outbox.pendingBytes,
    inMsgs: connection.inMsgs,
    inBytes: connection.inBytes,
    outMsgs: connection.outMsgs,
    outBytes: connection.outBytes,
    subscriptions: connection.subscriptions.size,
    closedReason: connection.closedReason,
    closedMs: connection.closedMs,
  }
}
