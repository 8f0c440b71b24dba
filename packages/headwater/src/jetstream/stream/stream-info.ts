/** A stream as the API tells of it: configuration, state and counts, on appended state. */
import { formatTime, timeFromMs } from '../../base/time.ts'
import type { Environment } from '../environment.ts'
import type { Stream } from './stream.ts'
import type { StreamConfig } from './stream-config.ts'

/** The state part of a stream's info; names are the wire's. */
export interface StreamState {
  messages: number
  bytes: number
  first_seq: number
  first_ts: string
  last_seq: number
  last_ts: string
  num_subjects?: number
  /** Messages by subject, when asked for. */
  subjects?: Record<string, number>
  num_deleted?: number
  /** Removed sequences between first and last, when asked for. */
  deleted?: number[]
  consumer_count: number
}

/** A stream's info as it stands in replies. */
export interface StreamInfo {
  config: StreamConfig
  created: string
  state: StreamState
  cluster?: { leader: string }
  ts: string
}

/** The info that create, update and list answer. */
export function streamInfo(env: Environment, stream: Stream): StreamInfo {
  return {
    config: stream.config,
    created: formatTime(stream.created),
    state: streamState(stream),
    ts: formatTime(timeFromMs(env.clock.now())),
  }
}

/** Counts without details. */
export function streamState(stream: Stream): StreamState {
  const { state } = stream.log
  return {
    messages: state.messages,
    bytes: state.bytes,
    first_seq: state.firstSeq,
    // An empty stream has no first message; the time of its last one stays.
    first_ts: state.messages === 0 ? formatTime({ seconds: 0, nanos: 0 }) : formatTime(state.firstTime),
    last_seq: state.lastSeq,
    last_ts: formatTime(state.lastTime),
    ...(state.subjects > 0 ? { num_subjects: state.subjects } : {}),
    ...(state.deleted > 0 ? { num_deleted: state.deleted } : {}),
    consumer_count: stream.consumerCount,
  }
}
