/** What a consumer's configuration must be: pure checks with the official codes and texts, in the official order. */
import { isLiteral, isSubsetOf, isValidSubject, subjectMatches, subjectsCollide } from '../../protocol/subject.ts'
import { ApiError, type ApiErrorRow, apiErrors } from '../api/errors.ts'
import type { StreamConfig } from '../stream/stream-config.ts'
import { type ConsumerConfig, filtersOf } from './consumer-config.ts'

const DESCRIPTION_BYTES_MAX = 4096
const METADATA_BYTES_MAX = 128 * 1024
export const NAME_BYTES_MAX = 255
const HEARTBEAT_NS_MIN = 100_000_000
const EXPIRES_NS_MIN = 1_000_000
/** What a name must not hold, besides blanks: a token of its own in subjects, a part of a path elsewhere. */
const BAD_IN_NAMES = /[.*>\\/\s]/

/** Throws the ApiError of the first rule that `config` (with its defaults) breaks; `replicas` above one need `'accept'`. */
export function checkConsumerConfig(config: ConsumerConfig, stream: StreamConfig, replicas: 'refuse' | 'accept'): void {
  const { name, durable_name } = config
  refuseIf(name && BAD_IN_NAMES.test(name), invalid("consumer name can not contain '.', '*', '>', '\\', '/'"))
  refuseIf(
    durable_name && BAD_IN_NAMES.test(durable_name),
    invalid("consumer durable name can not contain '.', '*', '>', '\\', '/'"),
  )
  refuseIf(config.num_replicas > 1 && replicas === 'refuse', apiErrors.streamReplicasNotSupported)
  refuseIf(config.num_replicas > stream.num_replicas, apiErrors.consumerReplicasExceedsStream)
  refuseIf(config.num_replicas < 0, apiErrors.replicasCountCannotBeNegative)
  refuseIf(
    stream.retention !== 'limits' && config.num_replicas !== 0 && config.num_replicas !== stream.num_replicas,
    apiErrors.consumerReplicasShouldMatchStream,
  )
  const backoff = config.backoff ?? []
  refuseIf(
    backoff.some((waitNs) => waitNs < 0),
    apiErrors.consumerBackOffNegative,
  )
  refuseIf((config.ack_wait ?? 0) < 0, apiErrors.consumerAckWaitNegative)
  refuseIf(
    backoff.length > 0 && config.max_deliver !== -1 && backoff.length > config.max_deliver!,
    apiErrors.consumerMaxDeliverBackoff,
  )
  refuseIf(
    bytesOf(config.description ?? '') > DESCRIPTION_BYTES_MAX,
    apiErrors.consumerDescriptionTooLong(DESCRIPTION_BYTES_MAX),
  )
  if (config.deliver_subject) checkPush(config, config.deliver_subject, stream)
  else checkPull(config, stream)
  checkLimits(config, stream)
  checkFilters(config)
  checkStart(config)
  checkSampling(config.sample_freq)
  refuseIf(config.flow_control && !config.idle_heartbeat, apiErrors.consumerWithFlowControlNeedsHeartbeats)
  refuseIf(durable_name && name && name !== durable_name, apiErrors.consumerCreateDurableAndNameMismatch)
  const metadataBytes = Object.entries(config.metadata ?? {}).reduce((sum, [k, v]) => sum + bytesOf(k) + bytesOf(v), 0)
  refuseIf(metadataBytes > METADATA_BYTES_MAX, apiErrors.consumerMetadataLength(`${METADATA_BYTES_MAX / 1024}KB`))
}

/** Throws when a work queue cannot have this consumer beside the `others` (their filters; not its own). */
export function checkWorkQueue(config: ConsumerConfig, others: readonly (readonly string[])[]): void {
  refuseIf(config.ack_policy !== 'explicit', apiErrors.consumerWQRequiresExplicitAck)
  refuseIf(config.deliver_policy !== 'all', apiErrors.consumerWQConsumerNotDeliverAll)
  refuseIf(others.length > 0 && filtersOf(config).length === 0, apiErrors.consumerWQMultipleUnfiltered)
  checkWorkQueuePartition(config, others)
}

/** Throws when another consumer of the work queue could get the same messages. */
export function checkWorkQueuePartition(config: ConsumerConfig, others: readonly (readonly string[])[]): void {
  const mine = filtersOf(config)
  for (const theirs of others) {
    const collides =
      mine.length === 0 || theirs.length === 0 || mine.some((a) => theirs.some((b) => subjectsCollide(a, b)))
    refuseIf(collides, apiErrors.consumerWQConsumerNotUnique)
  }
}

function checkPush(config: ConsumerConfig, subject: string, stream: StreamConfig): void {
  refuseIf(isValidSubject(subject) && !isLiteral(subject), apiErrors.consumerDeliverToWildcards)
  refuseIf(!isValidSubject(subject), apiErrors.consumerInvalidDeliverSubject)
  refuseIf(
    stream.subjects.some((captured) => subjectMatches(captured, subject)),
    apiErrors.consumerDeliverCycle,
  )
  refuseIf(config.max_waiting, apiErrors.consumerPushMaxWaiting)
  refuseIf(
    (config.max_ack_pending ?? 0) > 0 && config.ack_policy === 'none',
    apiErrors.consumerMaxPendingAckPolicyRequired,
  )
  refuseIf(config.idle_heartbeat && config.idle_heartbeat < HEARTBEAT_NS_MIN, apiErrors.consumerSmallHeartbeat)
}

function checkPull(config: ConsumerConfig, stream: StreamConfig): void {
  refuseIf(config.ack_policy === 'none' && stream.retention === 'workqueue', apiErrors.consumerPullRequiresAck)
  refuseIf(config.rate_limit_bps, apiErrors.consumerPullWithRateLimit)
  refuseIf(config.idle_heartbeat, apiErrors.consumerHBRequiresPush)
  refuseIf(config.flow_control, apiErrors.consumerFCRequiresPush)
  refuseIf(config.max_expires && config.max_expires < EXPIRES_NS_MIN, apiErrors.consumerMaxRequestExpiresTooSmall)
}

function checkLimits(config: ConsumerConfig, stream: StreamConfig): void {
  const { max_ack_pending, inactive_threshold } = stream.consumer_limits
  refuseIf(
    max_ack_pending && max_ack_pending > 0 && (config.max_ack_pending ?? 0) > max_ack_pending,
    apiErrors.consumerMaxPendingAckExcess(max_ack_pending ?? 0),
  )
  refuseIf(
    inactive_threshold && inactive_threshold > 0 && (config.inactive_threshold ?? 0) > inactive_threshold,
    apiErrors.consumerInactiveThresholdExcess(goDuration(inactive_threshold ?? 0)),
  )
}

function checkFilters(config: ConsumerConfig): void {
  const { filter_subject, filter_subjects } = config
  refuseIf(filter_subject && filter_subjects?.length, apiErrors.consumerDuplicateFilterSubjects)
  refuseIf(filter_subject && !isValidSubject(filter_subject), invalid('invalid subject'))
  refuseIf(
    filter_subjects?.some((filter) => filter === ''),
    apiErrors.consumerEmptyFilter,
  )
  const filters = filtersOf(config)
  filters.forEach((filter, at) => {
    refuseIf(!isValidSubject(filter), invalid('invalid subject'))
    refuseIf(
      filters.some((other, i) => i !== at && isSubsetOf(filter, other)),
      apiErrors.consumerOverlappingSubjectFilters,
    )
  })
}

/** How error texts call the policies. */
const POLICY_WORDS = {
  all: 'all',
  last: 'last',
  new: 'new',
  last_per_subject: 'last per subject',
  by_start_sequence: 'by start sequence',
  by_start_time: 'by start time',
} as const

function checkStart(config: ConsumerConfig): void {
  const policy = config.deliver_policy
  const refuse = (why: string): never => {
    throw new ApiError(
      apiErrors.consumerInvalidPolicy(
        `consumer delivery policy is deliver ${POLICY_WORDS[policy]}, but optional ${why}`,
      ),
    )
  }
  if (policy === 'by_start_sequence') {
    if (!config.opt_start_seq) refuse('start sequence is not set')
    if (config.opt_start_time) refuse('start time is also set')
  } else if (policy === 'by_start_time') {
    if (!config.opt_start_time) refuse('start time is not set')
    if (config.opt_start_seq) refuse('start start sequence is also set')
  } else {
    if (config.opt_start_seq) refuse('start sequence is also set')
    if (config.opt_start_time) refuse('start time is also set')
    if (policy === 'last_per_subject' && filtersOf(config).length === 0) refuse('filter subject is not set')
  }
}

function checkSampling(frequency: string | undefined): void {
  if (!frequency) return
  const digits = frequency.endsWith('%') ? frequency.slice(0, -1) : frequency
  refuseIf(
    !/^[+-]?\d+$/.test(digits),
    apiErrors.consumerInvalidSampling(`strconv.Atoi: parsing ${JSON.stringify(digits)}: invalid syntax`),
  )
  refuseIf(Number(digits) < 0, apiErrors.consumerInvalidSampling('<nil>'))
}

function refuseIf(broken: unknown, row: ApiErrorRow): void {
  if (broken) throw new ApiError(row)
}

function invalid(why: string): ApiErrorRow {
  return apiErrors.streamInvalidConfig(why)
}

function bytesOf(text: string): number {
  return new TextEncoder().encode(text).length
}

/** A duration as texts show it: 1h2m3.5s, 250ms. */
export function goDuration(ns: number): string {
  if (ns === 0) return '0s'
  if (ns < 1_000) return `${ns}ns`
  if (ns < 1_000_000) return `${ns / 1_000}µs`
  if (ns < 1_000_000_000) return `${ns / 1_000_000}ms`
  const seconds = ns / 1_000_000_000
  const hours = Math.floor(seconds / 3600)
  const minutes = Math.floor((seconds % 3600) / 60)
  const rest = `${Number((seconds % 60).toFixed(9))}s`
  if (hours > 0) return `${hours}h${minutes}m${rest}`
  return minutes > 0 ? `${minutes}m${rest}` : rest
}
