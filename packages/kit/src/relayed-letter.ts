/** A dead letter as Headwater writes it, composed from what a NATS server tells: the advisory and the stored message. Pure. */
import { headers, type MsgHdrs } from '@nats-io/nats-core'
import type { DeadLetterEnd } from './dead-letter-config.ts'

/** The body of a MAX_DELIVERIES or MSG_TERMINATED advisory, as far as it is used. */
export interface Advisory {
  readonly type: string
  readonly stream: string
  readonly consumer: string
  readonly stream_seq: number
  /** Only told when a message was terminated. */
  readonly consumer_seq?: number
  readonly deliveries: number
  readonly reason?: string
}

/** The message that was given up. `time` is RFC 3339, as the server tells it. */
export interface GivenUp {
  readonly subject: string
  readonly time: string
  readonly headers: MsgHdrs | undefined
}

/** Names that act when a message is published, in lower case; `*` stands for any rest. The id acts too: see README. */
const ACTING = [
  'nats-msg-id',
  'nats-rollup',
  'nats-ttl',
  'nats-schedule*',
  'nats-expected-*',
  'nats-batch-*',
  'nats-incr',
]

/** How it ended. */
export function endOf(advisory: Advisory): DeadLetterEnd {
  return advisory.type.endsWith('.terminated') ? 'terminated' : 'max-deliver'
}

/** The letter's headers, and the id that a second attempt to write the same letter has too. */
export function letterHeaders(
  advisory: Advisory,
  original: GivenUp,
  consumerCreated: string,
): { id: string; headers: MsgHdrs } {
  const letter = headers()
  for (const [key, values] of original.headers ?? []) {
    for (const value of values) letter.append(acts(key) ? `Dead-Letter-Header-${key}` : key, value)
  }
  const { stream, consumer, stream_seq: seq, consumer_seq: consumerSeq = 0 } = advisory
  const id = `${stream}.${consumer}.${nanosOf(consumerCreated)}.${seq}.${consumerSeq}`
  letter.set('Dead-Letter-Id', id)
  letter.set('Dead-Letter-Reason', endOf(advisory))
  letter.set('Dead-Letter-Stream', stream)
  letter.set('Dead-Letter-Consumer', consumer)
  letter.set('Dead-Letter-Subject', original.subject)
  letter.set('Dead-Letter-Sequence', String(seq))
  letter.set('Dead-Letter-Deliveries', String(advisory.deliveries))
  letter.set('Dead-Letter-Time', original.time)
  letter.set('Dead-Letter-Path', `${stream}/${consumer}`)
  if (advisory.reason) letter.set('Dead-Letter-Detail', advisory.reason.replace(/[\r\n]+/g, ' '))
  return { id, headers: letter }
}

function acts(key: string): boolean {
  const name = key.toLowerCase()
  if (name.startsWith('dead-letter-')) return true
  return ACTING.some((acting) => (acting.endsWith('*') ? name.startsWith(acting.slice(0, -1)) : name === acting))
}

/** Nanoseconds since the epoch, in decimal: seconds and nine digits. */
function nanosOf(time: string): string {
  const [, whole, fraction = ''] = /^(.+?)(?:\.(\d+))?Z$/.exec(time) ?? ['', '1970-01-01T00:00:00']
  return `${Date.parse(`${whole}Z`) / 1000}${fraction.padEnd(9, '0')}`
}
