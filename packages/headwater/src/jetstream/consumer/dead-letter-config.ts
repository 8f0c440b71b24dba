/** Dead letters in a consumer's configuration: the two places where they may be written, and what is refused (rules 5 and 10). */
import { isLiteral, subjectMatches } from '../../protocol/subject.ts'
import { ApiError, apiErrors } from '../api/errors.ts'
import type { StreamConfig } from '../stream/stream-config.ts'
import { type ConsumerConfig, filtersOf } from './consumer-config.ts'
import type { ConsumerHost } from './host.ts'

/** The canonical place: typed in every client, kept by tools that read and rewrite a configuration. */
export const DEAD_LETTER_KEY = 'headwater.dead_letter'
/** Which ends make a letter: `max-deliver`, `terminated`, or both (default) with a comma between. */
export const DEAD_LETTER_ON_KEY = 'headwater.dead_letter.on'

/** What a consumer with dead letters does with messages that it gives up. */
export interface DeadLetterRule {
  readonly subject: string
  readonly onMaxDeliver: boolean
  readonly onTerminated: boolean
}

/**
 * One value for both places. Top level absent: the metadata's counts (its absence removes dead letters). Both given: the
 * top level wins and rewrites the metadata. So a tool that rewrites the configuration with or without one of them keeps it.
 */
export function mergeDeadLetter(config: ConsumerConfig): ConsumerConfig {
  const subject = config.dead_letter || config.metadata?.[DEAD_LETTER_KEY]
  if (!subject) return { ...config, dead_letter: undefined }
  return { ...config, dead_letter: subject, metadata: { ...config.metadata, [DEAD_LETTER_KEY]: subject } }
}

/** The rule that a merged configuration stands for; undefined without dead letters. Throws ApiError for an unknown `on`. */
export function deadLetterRule(config: ConsumerConfig): DeadLetterRule | undefined {
  const on = config.metadata?.[DEAD_LETTER_ON_KEY]
  const words = on === undefined ? ['max-deliver', 'terminated'] : on.split(',').map((word) => word.trim())
  if (words.some((word) => word !== 'max-deliver' && word !== 'terminated')) {
    throw refused(`metadata "${DEAD_LETTER_ON_KEY}" must be "max-deliver", "terminated" or both, not "${on}"`)
  }
  if (!config.dead_letter) return undefined
  return {
    subject: config.dead_letter,
    onMaxDeliver: words.includes('max-deliver'),
    onTerminated: words.includes('terminated'),
  }
}

/** Throws ApiError, saying why, when dead letters cannot be had with this configuration (rules 3, 5 and 10). */
export function checkDeadLetter(
  config: ConsumerConfig,
  host: Pick<ConsumerHost, 'name' | 'storage' | 'letterTarget'>,
  stream: Pick<StreamConfig, 'max_age'>,
): void {
  const rule = deadLetterRule(config)
  if (!rule) return
  const { subject } = rule
  if (!isLiteral(subject)) throw refused(`subject "${subject}" must be valid and without wildcards`)
  if (subject.startsWith('$')) throw refused(`subject "${subject}" must not start with "$"`)
  if (config.ack_policy === 'none') throw refused('a consumer with ack policy none never gives a message up')
  if (!config.durable_name) throw refused('the consumer must be durable: an ephemeral one ends before its letters')
  const cycleNs = retryCycleNs(config)
  if (stream.max_age > 0 && cycleNs > stream.max_age) {
    throw refused(
      `max_age of stream "${host.name}" is shorter than all deliveries with their waits (${Math.ceil(cycleNs / 1e6)} ms)`,
    )
  }
  const target = host.letterTarget(subject)
  if ('refused' in target) throw refused(target.refused)
  if (target.stream === host.name && receives(config, subject)) {
    throw refused(`the consumer would receive its own dead letters on "${subject}"`)
  }
  if (target.maxMsgsPerSubject > 0) {
    throw refused(`stream "${target.stream}" has max_msgs_per_subject, so letters would push each other out`)
  }
  if (target.storage === 'memory' && host.storage === 'file') {
    throw refused(`stream "${target.stream}" keeps messages in memory, and stream "${host.name}" in files`)
  }
}

/** How long a message may be on its way from first delivery to exhaustion, in nanoseconds; 0 when it never is exhausted. */
export function retryCycleNs(config: ConsumerConfig): number {
  const deliveries = config.max_deliver ?? -1
  if (deliveries <= 0) return 0
  const backoff = config.backoff ?? []
  if (backoff.length === 0) return deliveries * (config.ack_wait ?? 0)
  let sumNs = 0
  for (let i = 0; i < Math.min(deliveries, backoff.length); i++) sumNs += backoff[i]
  return sumNs + Math.max(0, deliveries - backoff.length) * backoff[backoff.length - 1]
}

function receives(config: ConsumerConfig, subject: string): boolean {
  const filters = filtersOf(config)
  return filters.length === 0 || filters.some((filter) => subjectMatches(filter, subject))
}

function refused(why: string): ApiError {
  return new ApiError(apiErrors.streamInvalidConfig(`dead letters: ${why}`))
}
