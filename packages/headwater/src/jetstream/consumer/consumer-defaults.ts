/** Fills in what a consumer's configuration leaves open, as nats-server does; in pedantic mode it refuses to change what was said. */
import { ApiError, apiErrors } from '../api/errors.ts'
import type { StreamConfig } from '../stream/stream-config.ts'
import type { ConsumerConfig, ConsumerConfigRequest } from './consumer-config.ts'

const SECOND_NS = 1_000_000_000
const DEFAULT_ACK_WAIT_NS = 30 * SECOND_NS
const DEFAULT_MAX_ACK_PENDING = 1000
const DEFAULT_MAX_WAITING = 512
const DEFAULT_INACTIVE_NS = 5 * SECOND_NS

/** Fields that may not be negative, with what pedantic mode says. */
const NOT_NEGATIVE = [
  'max_waiting',
  'max_batch',
  'max_expires',
  'max_bytes',
  'idle_heartbeat',
  'inactive_threshold',
] as const

/**
 * The configuration that a request stands for. Throws ApiError (10157) in pedantic mode where a value would be changed,
 * and by name for what is not supported.
 */
export function withDefaults(request: ConsumerConfigRequest, stream: StreamConfig, pedantic: boolean): ConsumerConfig {
  refuseUnsupported(request)
  const { pause_until, priority_groups, priority_policy, priority_timeout, direct, sourcing, ...asked } = request
  const config: ConsumerConfig = {
    ...asked,
    deliver_policy: asked.deliver_policy ?? 'all',
    ack_policy: asked.ack_policy === undefined || asked.ack_policy === 'flow_control' ? 'none' : asked.ack_policy,
    replay_policy: asked.replay_policy ?? 'instant',
    num_replicas: asked.num_replicas ?? 0,
  }
  const change = (why: string): void => {
    if (pedantic) throw new ApiError(apiErrors.pedantic(why))
  }

  if (!config.max_deliver || config.max_deliver < -1) {
    if (config.max_deliver) change('max_deliver must be set to -1')
    config.max_deliver = -1
  }
  for (const field of NOT_NEGATIVE) {
    if ((config[field] ?? 0) >= 0) continue
    change(`${field} must not be negative`)
    config[field] = 0
  }
  if ((config.max_ack_pending ?? 0) < -1) {
    change('max_ack_pending must be set to -1')
    config.max_ack_pending = -1
  }
  if (!config.deliver_subject && !config.max_waiting) config.max_waiting = DEFAULT_MAX_WAITING
  if (!config.ack_wait && config.ack_policy !== 'none') config.ack_wait = DEFAULT_ACK_WAIT_NS
  if (config.backoff && config.backoff.length > 0) {
    if (config.ack_wait !== config.backoff[0]) change('first backoff value has to equal batch AckWait')
    config.ack_wait = config.backoff[0]
  }
  const limits = stream.consumer_limits
  if (!config.max_ack_pending && limits.max_ack_pending) {
    change("max_ack_pending must be set if it's configured in stream limits")
    config.max_ack_pending = limits.max_ack_pending
  }
  if (!config.inactive_threshold && limits.inactive_threshold) {
    change("inactive_threshold must be set if it's configured in stream limits")
    config.inactive_threshold = limits.inactive_threshold
  }
  if (!config.max_ack_pending && config.ack_policy !== 'none') config.max_ack_pending = DEFAULT_MAX_ACK_PENDING
  if (!config.durable_name && !config.inactive_threshold) config.inactive_threshold = DEFAULT_INACTIVE_NS
  return config
}

function refuseUnsupported(request: ConsumerConfigRequest): void {
  if (request.ack_policy === 'flow_control') throw unsupported('ack_policy flow_control')
  if (request.pause_until && !request.pause_until.startsWith('0001-01-01')) throw unsupported('pause_until')
  if (request.priority_groups?.length) throw unsupported('priority_groups')
  if (request.priority_policy && request.priority_policy !== 'none') throw unsupported('priority_policy')
  if (request.priority_timeout) throw unsupported('priority_timeout')
  if (request.direct) {
    if (!request.deliver_subject) throw new ApiError(apiErrors.consumerDirectRequiresPush)
    if (request.durable_name) throw new ApiError(apiErrors.consumerDirectRequiresEphemeral)
    throw unsupported('direct')
  }
  if (request.sourcing) throw unsupported('sourcing')
}

function unsupported(what: string): ApiError {
  return new ApiError(
    apiErrors.streamInvalidConfig(`consumer configuration: ${what} is not supported by Headwater yet`),
  )
}
