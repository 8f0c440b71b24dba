/** Which messages must go so that a stream keeps its limits, and which must not come in: pure decisions over counts. */
import type { StreamConfig } from './stream-config.ts'

/** What the decisions look at: a log's state, as far as they need it. */
export interface Counts {
  readonly messages: number
  readonly bytes: number
}

/** Bytes that JetStream counts for a message, which limits and state speak of. */
export function countedBytes(
  storage: 'file' | 'memory',
  subjectBytes: number,
  headersBytes: number,
  payloadBytes: number,
): number {
  if (storage === 'memory') return subjectBytes + headersBytes + payloadBytes + 16
  return subjectBytes + payloadBytes + 30 + (headersBytes > 0 ? headersBytes + 4 : 0)
}

/** Whether the oldest message must go: too many, or too many bytes. A limit of -1 is none. */
export function overLimit(config: StreamConfig, counts: Counts): boolean {
  if (counts.messages === 0) return false
  if (config.max_msgs > 0 && counts.messages > config.max_msgs) return true
  return config.max_bytes > 0 && counts.bytes > config.max_bytes
}

/** Whether the oldest message of a subject must go. */
export function overSubjectLimit(config: StreamConfig, subjectMessages: number): boolean {
  return config.max_msgs_per_subject > 0 && subjectMessages > config.max_msgs_per_subject
}

/** What a message on its way in would be stored beside. */
export interface Arrival {
  readonly counts: Counts
  /** As countedBytes says. */
  readonly bytes: number
  /** Living messages on its subject. */
  readonly subjectMessages: number
  /** Counted bytes of the subject's oldest message; asked only when the answer hangs on it. Undefined is unknown. */
  oldestOfSubjectBytes(): number | undefined
  /** It carries Nats-Rollup and will replace what is there. */
  readonly rollup: boolean
}

/**
 * Why a stream that discards new messages refuses one; undefined when it takes it. A message that replaces another on a
 * subject at its limit is let through, since the stream does not grow by it (spec 4.5).
 */
export function refusal(config: StreamConfig, arrival: Arrival): string | undefined {
  if (config.discard !== 'new') return undefined
  const atSubjectLimit = config.max_msgs_per_subject > 0 && arrival.subjectMessages >= config.max_msgs_per_subject
  if (atSubjectLimit && config.discard_new_per_subject && !arrival.rollup)
    return 'maximum messages per subject exceeded'
  if (config.max_msgs > 0 && arrival.counts.messages >= config.max_msgs && !atSubjectLimit) {
    return 'maximum messages exceeded'
  }
  if (config.max_bytes > 0 && arrival.counts.bytes + arrival.bytes > config.max_bytes) {
    if (!atSubjectLimit) return 'maximum bytes exceeded'
    const replaced = arrival.oldestOfSubjectBytes()
    if (replaced === undefined || replaced < arrival.bytes) return 'maximum bytes exceeded'
  }
  return undefined
}

/** Milliseconds from now until the oldest message is too old; zero or less when it is. Undefined when nothing ages. */
export function untilTooOldMs(
  config: StreamConfig,
  messages: number,
  firstTimeMs: number,
  nowMs: number,
): number | undefined {
  if (config.max_age === 0 || messages === 0) return undefined
  return firstTimeMs + config.max_age / 1e6 - nowMs
}
