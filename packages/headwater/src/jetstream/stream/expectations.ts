/** What a publisher may demand of a stream with headers: the checks that come before the duplicate window, in order. */
import type { StreamLog } from '../../store/stream-log.ts'
import { type ApiErrorRow, apiErrors } from '../api/errors.ts'
import { parseDurationMs } from '../consumer/ack-body.ts'
import { headerSeq, type PublishHeaders } from './publish-headers.ts'
import type { StreamConfig } from './stream-config.ts'

/** Why the message is refused, or undefined. On appended state; the order is the official one (spec 4.2, 5 to 12). */
export function unmetExpectation(
  headers: PublishHeaders,
  subject: string,
  config: StreamConfig,
  log: StreamLog,
): ApiErrorRow | undefined {
  // An empty value asks for nothing.
  if (headers.batchId) return apiErrors.atomicPublishDisabled
  if (headers.incr)
    return /^[+-]?\d+$/.test(headers.incr) ? apiErrors.messageIncrDisabled : apiErrors.messageIncrInvalid
  if (headers.expectedStream && headers.expectedStream !== config.name) return apiErrors.streamNotMatch
  if (headers.ttl && isLifetime(headers.ttl)) return apiErrors.messageTTLDisabled
  if (headers.expectedLastSubjectSeq) {
    const actual = lastSeqOf(log, headers.expectedLastSubjectSeqSubject || subject)
    if (headerSeq(headers.expectedLastSubjectSeq) !== actual) return apiErrors.streamWrongLastSequence(actual)
  } else if (headers.expectedLastSubjectSeqSubject) {
    return apiErrors.streamExpectedLastSeqPerSubjectInvalid
  }
  if (headers.expectedLastSeq) {
    const actual = log.state.lastSeq
    if (headerSeq(headers.expectedLastSeq) !== actual) return apiErrors.streamWrongLastSequence(actual)
  }
  if (headers.schedule) return apiErrors.messageSchedulesDisabled
  if (headers.scheduleNext) {
    const canceling = headers.scheduleNext === 'purge' && headers.scheduler && headers.scheduler !== subject
    return canceling ? apiErrors.messageSchedulesDisabled : apiErrors.messageSchedulesSchedulerInvalid
  }
  if (headers.scheduler) return apiErrors.messageSchedulesSchedulerInvalid
  if (headers.streamSource) return apiErrors.messageSourceHdrNotAllowed
  return undefined
}

/** Whether a `Nats-TTL` means a lifetime: `never`, whole seconds, or a Go duration, of a second at least. */
export function isLifetime(text: string): boolean {
  if (text === 'never') return true
  if (/^\d+$/.test(text)) return Number(text) > 0
  return (parseDurationMs(text) ?? 0) >= 1000
}

/** The last living sequence on `subject`, which may have wildcards; 0 when there is none. */
export function lastSeqOf(log: StreamLog, subject: string): number {
  if (!/[*>]/.test(subject)) return log.subject(subject)?.lastSeq ?? 0
  const filter = log.filter([subject])
  try {
    return log.lastSeq(log.state.lastSeq, filter)
  } finally {
    filter.close()
  }
}

/** What `Nats-Rollup` asks for, or why it is refused. Undefined when the header is not there. */
export function rollupOf(headers: PublishHeaders, config: StreamConfig): 'sub' | 'all' | ApiErrorRow | undefined {
  if (headers.rollup === undefined || headers.rollup === '') return undefined
  if (!config.allow_rollup_hdrs || config.deny_purge) return apiErrors.streamRollupFailed('rollup not permitted')
  const what = headers.rollup.toLowerCase()
  if (what === 'sub' || what === 'all') return what
  return apiErrors.streamRollupFailed(`rollup value invalid: ${JSON.stringify(what)}`)
}
