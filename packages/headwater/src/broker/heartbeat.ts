/** When a client is asked whether it is still there, and when the answer is no. Pure: the caller pings and closes. */

/** What is known of a connection; times in milliseconds of connection time. */
export interface Pulse {
  readonly startMs: number
  /** When CONNECT was accepted; 0 before. */
  readonly connectedMs: number
  readonly lastActivityMs: number
  /** When the last PING was due; 0 before the first. */
  readonly lastPingMs: number
  readonly pingsOutstanding: number
  /** -1 until the first PONG. */
  readonly rttMs: number
}

/** The first PING after CONNECT comes early, so that the round trip is known. */
const FIRST_PING_MS = 2_000

/** What to do with a connection now. */
export function beat(pulse: Pulse, nowMs: number, intervalMs: number, pingMax: number): 'nothing' | 'ping' | 'stale' {
  const isFirst = pulse.connectedMs > 0 && pulse.lastPingMs < pulse.connectedMs
  const since = Math.max(pulse.startMs, pulse.connectedMs, pulse.lastPingMs)
  if (nowMs - since < (isFirst ? Math.min(intervalMs, FIRST_PING_MS) : intervalMs)) return 'nothing'
  // Somebody who talks is there; but the round trip is wanted once.
  if (pulse.rttMs >= 0 && nowMs - pulse.lastActivityMs < intervalMs) return 'nothing'
  return pulse.pingsOutstanding + 1 > pingMax ? 'stale' : 'ping'
}
