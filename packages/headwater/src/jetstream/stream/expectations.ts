/** What a publisher may demand of a stream with headers: the checks that come before the duplicate window, in order. */
import type { StreamLog } from '../../store/stream-log.ts'
import { type ApiErrorRow, apiErrors } from '../api/errors.ts'
import { headerSeq, type PublishHeaders } from './publish-headers.ts'
import type { StreamConfig } from './stream-config.ts'

/** Why the message is refused, or undefined. On appended state; the order is the official one (spec 4.2, 5 to 12). */
export function unmetExpectation(
  headers: PublishHeaders,
  subject: string,
  config: StreamConfig,
  log: StreamLog,
): ApiErrorRow | undefined {
  if (headers.batchId !== undefined) return apiErrors.atomicPublishDisabled
  if (headers.incr !== undefined) {
    return /^[+-]?\d+$/.test(headers.incr) ? apiErrors.messageIncrDisabled : apiErrors.messageIncrInvalid
  }
  if (headers.expectedStream !== undefined && headers.expectedStream !== config.name) return apiErrors.streamNotMatch
  // A lifetime of nothing asks for nothing; every other one asks for a feature that is off.
  if (headers.ttl !== undefined && headers.ttl !== '' && headers.ttl !== '0') return apiErrors.messageTTLDisabled
  if (headers.expectedLastSubjectSeq !== undefined) {
    const actual = lastSeqOf(log, headers.expectedLastSubjectSeqSubject || subject)
    if (headerSeq(headers.expectedLastSubjectSeq) !== actual) return apiErrors.streamWrongLastSequence(actual)
  } else if (headers.expectedLastSubjectSeqSubject) {
    return apiErrors.streamExpectedLastSeqPerSubjectInvalid
  }
  if (headers.expectedLastSeq !== undefined) {
    const actual = log.state.lastSeq
    if (headerSeq(headers.expectedLastSeq) !== actual) return apiErrors.streamWrongLastSequence(actual)
  }
  if (headers.schedule !== undefined) return apiErrors.messageSchedulesDisabled
  if (headers.scheduleNext !== undefined) {
    const canceling = headers.scheduleNext === 'purge' && headers.scheduler && headers.scheduler !== subject
    return canceling ? apiErrors.messageSchedulesDisabled : apiErrors.messageSchedulesSchedulerInvalid
  }
  if (headers.scheduler !== undefined) return apiErrors.messageSchedulesSchedulerInvalid
  if (headers.streamSource !== undefined) return apiErrors.messageSourceHdrNotAllowed
  return undefined
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
