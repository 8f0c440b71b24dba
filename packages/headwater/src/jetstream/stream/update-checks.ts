/** What an update of a stream would do to consumers: its own, and those whose dead letters it takes. */
import { subjectMatches } from '../../protocol/subject.ts'
import { ApiError, apiErrors } from '../api/errors.ts'
import { Consumer } from '../consumer/consumer.ts'
import { deadLetterRule } from '../consumer/dead-letter-config.ts'
import type { Stream } from './stream.ts'
import type { StreamConfig } from './stream-config.ts'

/** Throws E10069 that names the consumers which ask for more than the new limits allow. */
export function checkConsumerLimits(stream: Stream, next: StreamConfig): void {
  const old = stream.config.consumer_limits
  const { inactive_threshold = 0, max_ack_pending = 0 } = next.consumer_limits
  const changed = inactive_threshold !== (old.inactive_threshold ?? 0) || max_ack_pending !== (old.max_ack_pending ?? 0)
  if (!changed) return
  const violating = consumersOf(stream).filter(({ config }) => {
    if (inactive_threshold > 0 && (config.inactive_threshold ?? 0) > inactive_threshold) return true
    return max_ack_pending > 0 && (config.max_ack_pending ?? 0) > max_ack_pending
  })
  if (violating.length === 0) return
  const names = violating.map((consumer) => consumer.name).join(', ')
  throw new ApiError(apiErrors.streamUpdate(`change to limits violates consumers: ${names}`))
}

/** Throws E10052 when dead letters that `stream` takes would have nowhere to go, or push each other out. Dead letters, rule 10. */
export function checkDeadLetterTargets(streams: readonly Stream[], stream: Stream, next: StreamConfig): void {
  const captures = (config: StreamConfig, subject: string): boolean =>
    config.subjects.some((pattern) => subjectMatches(pattern, subject))
  for (const source of streams) {
    for (const consumer of consumersOf(source)) {
      const subject = deadLetterRule(consumer.config)?.subject
      if (subject === undefined || !captures(stream.config, subject)) continue
      const whose = `the dead letters of consumer "${consumer.name}" of stream "${source.name}"`
      if (!captures(next, subject)) throw refused(`${whose} would have nowhere to go`)
      if (next.max_msgs_per_subject > 0 && stream.config.max_msgs_per_subject <= 0) {
        throw refused(`with max_msgs_per_subject, ${whose} would push each other out`)
      }
    }
  }
}

function consumersOf(stream: Stream): Consumer[] {
  return stream.consumers().filter((consumer): consumer is Consumer => consumer instanceof Consumer)
}

function refused(why: string): ApiError {
  return new ApiError(apiErrors.streamInvalidConfig(`stream configuration: ${why}`))
}
