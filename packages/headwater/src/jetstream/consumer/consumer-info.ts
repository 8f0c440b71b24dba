/** A consumer as the API shows it (3.2): ConsumerInfo, in the wire's words and order. */
import { formatTime, timeFromMs } from '../../base/time.ts'
import type { Environment } from '../environment.ts'
import type { Consumer } from './consumer.ts'
import { type ConsumerConfig, normalConfig } from './consumer-config.ts'

interface Sequences {
  consumer_seq: number
  stream_seq: number
  last_active?: string
}

export interface ConsumerInfo {
  stream_name: string
  name: string
  created: string
  config: ConsumerConfig
  delivered: Sequences
  ack_floor: Sequences
  num_ack_pending: number
  num_redelivered: number
  num_waiting: number
  num_pending: number
  push_bound?: true
  /** Only while messages are held: how many, and the first of them with what stands in the way of their letters. */
  dead_letters?: { held: number; messages: { stream_seq: number; why: string }[] }
  ts: string
}

/** The consumer now, on appended state. */
export function consumerInfo(env: Environment, stream: string, consumer: Consumer): ConsumerInfo {
  const { figures } = consumer
  const { delivered, ackFloor, held, heldFirst } = figures
  return {
    stream_name: stream,
    name: consumer.name,
    created: formatTime(consumer.created),
    config: normalConfig(consumer.config),
    delivered: sequences(delivered, figures.lastDeliveredMs),
    ack_floor: sequences(ackFloor, figures.lastAckMs),
    num_ack_pending: figures.numAckPending,
    num_redelivered: figures.numRedelivered,
    num_waiting: figures.numWaiting,
    num_pending: figures.numPending,
    ...(figures.pushBound ? { push_bound: true as const } : {}),
    ...(held > 0
      ? { dead_letters: { held, messages: heldFirst.map(({ seq, why }) => ({ stream_seq: seq, why })) } }
      : {}),
    ts: formatTime(timeFromMs(env.clock.now())),
  }
}

function sequences(pair: { consumerSeq: number; streamSeq: number }, lastMs: number): Sequences {
  const { consumerSeq: consumer_seq, streamSeq: stream_seq } = pair
  if (lastMs === 0) return { consumer_seq, stream_seq }
  return { consumer_seq, stream_seq, last_active: formatTime(timeFromMs(lastMs)) }
}
