/** The body of a request for messages: nothing, a number, or JSON (5.5). Lenient, as the official server is with this one call. */
import { ApiError } from '../api/errors.ts'
import { decodeJson, type ObjectShape } from '../api/json-shape.ts'
import { goDuration } from './consumer-rules.ts'
import type { ConsumerSettings } from './consumer-settings.ts'

export interface PullOptions {
  readonly batch: number
  /** 0: no limit. */
  readonly maxBytes: number
  /** Undefined: until its inbox loses interest. */
  readonly expiresMs: number | undefined
  readonly noWait: boolean
  /** 0: none. */
  readonly heartbeatMs: number
}

const shape: ObjectShape = {
  goName: 'JSApiConsumerGetNextRequest',
  lenient: true,
  fields: {
    batch: 'int',
    expires: 'duration',
    max_bytes: 'int',
    no_wait: 'bool',
    idle_heartbeat: 'duration',
    group: 'string',
    min_pending: 'int64',
    min_ack_pending: 'int64',
    priority: 'int',
    id: 'string',
  },
}

const NS_PER_MS = 1_000_000
const decoder = new TextDecoder()

interface RequestBody {
  batch?: number
  expires?: number
  max_bytes?: number
  no_wait?: boolean
  idle_heartbeat?: number
  min_pending?: number
  min_ack_pending?: number
  priority?: number
  id?: string
}

/** The request, or the status line of its refusal. */
export function parsePullRequest(
  bytes: Uint8Array,
  start: number,
  end: number,
  settings: Pick<ConsumerSettings, 'maxBatch' | 'maxExpiresNs' | 'maxRequestBytes'>,
): PullOptions | string {
  const text = start === end ? '' : decoder.decode(bytes.subarray(start, end)).trim()
  let body: RequestBody = {}
  if (text.startsWith('{')) {
    try {
      body = decodeJson(text, shape)
    } catch (error) {
      if (!(error instanceof ApiError)) throw error
      return `400 Bad Request - ${plainWords(error.description)}`
    }
  } else if (/^[+-]?\d+$/.test(text)) {
    body = { batch: Number(text) }
  } else {
    body = { batch: 1 }
  }
  const { batch = 0, expires = 0, max_bytes = 0, idle_heartbeat = 0 } = body
  if (idle_heartbeat > 0 && idle_heartbeat * 2 > expires) return '400 Bad Request - heartbeat value too large'
  if (settings.maxBatch > 0 && batch > settings.maxBatch) return `409 Exceeded MaxRequestBatch of ${settings.maxBatch}`
  if (settings.maxExpiresNs > 0 && expires > settings.maxExpiresNs) {
    return `409 Exceeded MaxRequestExpires of ${goDuration(settings.maxExpiresNs)}`
  }
  if (settings.maxRequestBytes > 0 && max_bytes > settings.maxRequestBytes) {
    return `409 Exceeded MaxRequestMaxBytes of ${settings.maxRequestBytes}`
  }
  if (body.min_pending || body.min_ack_pending) return '400 Bad Request - Not a Overflow Priority consumer'
  if (body.id) return '400 Bad Request - Not a Pinned Client Priority consumer'
  if (body.priority && (body.priority < 0 || body.priority > 9)) {
    return '400 Bad Request - Priority must be between 0 and 9'
  }
  return {
    batch,
    maxBytes: Math.max(0, max_bytes),
    expiresMs: expires === 0 ? undefined : expires / NS_PER_MS,
    noWait: body.no_wait ?? false,
    heartbeatMs: Math.max(0, idle_heartbeat) / NS_PER_MS,
  }
}

/** This call is answered with the words of the plain decoder: no prefix, no offset, its own name for an early end. */
function plainWords(description: string): string {
  return description
    .replace(/^invalid JSON: /, '')
    .replace(/ at offset \d+$/, '')
    .replace(/^unexpected EOF$/, 'unexpected end of JSON input')
}
