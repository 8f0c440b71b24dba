/** What the load process can be asked to do. Everything is JSON, for it lives in another process. */

export type Task =
  /** Publishes to nobody; the end is the PONG after the last message. */
  | { kind: 'publish'; port: number; seconds: number; bare: boolean }
  /** Publishes `bytes` at a time to `subscribers` connections, in one queue group or each for itself; the end is the last delivery. */
  | { kind: 'deliver'; port: number; seconds: number; subscribers: number; bytes: number; group: boolean }
  /** One request after the other, each answered by a second connection. */
  | { kind: 'request'; port: number; seconds: number }
  /** Publishes into a fresh stream, `inFlight` at a time, each acknowledged. */
  | { kind: 'acked-publish'; port: number; seconds: number; inFlight: number; bare: boolean }
  /** Overwrites a small part of a file with synced writes, one after the other, and no server at all. */
  | { kind: 'disk'; folder: string; seconds: number; bytes: number }

/** What came of it. Times in microseconds. */
export interface Sample {
  count: number
  seconds: number
  p50Us?: number
  p99Us?: number
  /** What the whole consists of, by title, where a row has parts. */
  parts?: Record<string, { count: number; seconds: number; p50Us?: number; p99Us?: number }>
}

export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
}
