/** The status messages that a consumer sends to its clients: header blocks without a payload, with the official texts (5.5, 5.6). */
import { buildHeaders } from '../../protocol/headers.ts'
import type { Target } from '../bus.ts'

/** A status block; `pending` adds what a pull request did not get. */
export function statusBlock(status: string, pending?: { messages: number; bytes: number }): Uint8Array {
  if (!pending) return buildHeaders([], status)
  return buildHeaders(
    [
      ['Nats-Pending-Messages', String(pending.messages)],
      ['Nats-Pending-Bytes', String(pending.bytes)],
    ],
    status,
  )
}

/** A heartbeat: where the consumer stands, and the flow control reply that it waits for. */
export function heartbeatBlock(consumerSeq: number, streamSeq: number, stalledOn: string): Uint8Array {
  const entries: [string, string][] = [
    ['Nats-Last-Consumer', String(consumerSeq)],
    ['Nats-Last-Stream', String(streamSeq)],
  ]
  if (stalledOn) entries.push(['Nats-Consumer-Stalled', stalledOn])
  return buildHeaders(entries, '100 Idle Heartbeat')
}

/** Sends a status to its target; a reply subject only for flow control. */
export function sendStatus(target: Target, block: Uint8Array, reply = ''): void {
  target.send(target.subject, reply, block, 0, block.length, block.length)
}
