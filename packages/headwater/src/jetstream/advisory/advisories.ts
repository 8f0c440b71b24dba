/** Advisories: events that JetStream tells about itself. Each is a row here; they are sent only when someone listens. */
import { formatTime, timeFromMs } from '../../base/time.ts'
import type { BusClient } from '../bus.ts'
import type { Environment } from '../environment.ts'

/** One event: where it goes, its type's last part, and its fields. */
export interface Advisory {
  readonly subject: string
  readonly type: string
  readonly fields: object
}

const PREFIX = '$JS.EVENT.ADVISORY.'

/** Publishes `advisory` when someone subscribes its subject. Callers wait until what it tells is readable. */
export function emitAdvisory(env: Environment, advisory: Advisory): void {
  if (!env.bus.hasInterest(advisory.subject)) return
  const event = {
    type: `io.nats.jetstream.${advisory.type}`,
    id: eventId(env),
    timestamp: formatTime(timeFromMs(env.clock.now())),
    ...advisory.fields,
  }
  env.bus.publish(advisory.subject, '', undefined, new TextEncoder().encode(JSON.stringify(event)))
}

/** A stream was created, changed or deleted. */
export function streamAction(stream: string, action: 'create' | 'modify' | 'delete'): Advisory {
  const words = { create: 'CREATED', modify: 'UPDATED', delete: 'DELETED' }
  return {
    subject: `${PREFIX}STREAM.${words[action]}.${stream}`,
    type: 'advisory.v1.stream_action',
    fields: { stream, action },
  }
}

/** A consumer was created or deleted. */
export function consumerAction(stream: string, consumer: string, action: 'create' | 'delete'): Advisory {
  const words = { create: 'CREATED', delete: 'DELETED' }
  return {
    subject: `${PREFIX}CONSUMER.${words[action]}.${stream}.${consumer}`,
    type: 'advisory.v1.consumer_action',
    fields: { stream, consumer, action },
  }
}

/** A message was delivered as often as it may be. */
export function maxDeliveries(stream: string, consumer: string, stream_seq: number, deliveries: number): Advisory {
  return {
    subject: `${PREFIX}CONSUMER.MAX_DELIVERIES.${stream}.${consumer}`,
    type: 'advisory.v1.max_deliver',
    fields: { stream, consumer, stream_seq, deliveries },
  }
}

/** What the two advisories about one delivery tell of it. */
export interface DeliveryFields {
  readonly consumer_seq: number
  readonly stream_seq: number
  readonly deliveries: number
}

/** A message was given back. */
export function messageNaked(stream: string, consumer: string, delivery: DeliveryFields): Advisory {
  return {
    subject: `${PREFIX}CONSUMER.MSG_NAKED.${stream}.${consumer}`,
    type: 'advisory.v1.nak',
    fields: { stream, consumer, ...delivery },
  }
}

/** A message will not be delivered again: by +TERM (`reason` is what the client said), or because it is gone. */
export function messageTerminated(
  stream: string,
  consumer: string,
  delivery: DeliveryFields,
  reason: string | undefined,
): Advisory {
  return {
    subject: `${PREFIX}CONSUMER.MSG_TERMINATED.${stream}.${consumer}`,
    type: 'advisory.v1.terminated',
    fields: { stream, consumer, ...delivery, ...(reason ? { reason } : {}) },
  }
}

/** A message was acknowledged, as sampling asked to know; `ack_time` is nanoseconds since its delivery. */
export function ackSampled(stream: string, consumer: string, delivery: DeliveryFields, ack_time: number): Advisory {
  const { consumer_seq, stream_seq, deliveries } = delivery
  return {
    subject: `$JS.EVENT.METRIC.CONSUMER.ACK.${stream}.${consumer}`,
    type: 'metric.v1.consumer_ack',
    fields: { stream, consumer, consumer_seq, stream_seq, ack_time, deliveries },
  }
}

/** The subject of the audit advisory: asked for interest before the advisory is made. */
export const AUDIT_SUBJECT: string = `${PREFIX}API`

/** A call of the API and its answer. */
export function apiAudit(
  server: string,
  client: BusClient | undefined,
  subject: string,
  request: string,
  response: string,
): Advisory {
  return {
    subject: AUDIT_SUBJECT,
    type: 'advisory.v1.api_audit',
    fields: {
      server,
      client: { acc: '$G', ...clientFields(client) },
      subject,
      ...(request ? { request } : {}),
      response,
    },
  }
}

function clientFields(client: BusClient | undefined): object {
  if (!client) return {}
  const { id, name, user, host } = client
  return { id, ...(name ? { name } : {}), ...(user ? { user } : {}), ...(host ? { host } : {}) }
}

const DIGITS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
const ID_LENGTH = 22

function eventId(env: Environment): string {
  let id = ''
  for (let i = 0; i < ID_LENGTH; i++) id += DIGITS[env.random.below(DIGITS.length)]
  return id
}
