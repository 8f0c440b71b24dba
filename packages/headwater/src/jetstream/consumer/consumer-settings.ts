/** A consumer's configuration as the engine uses it: milliseconds, Infinity for unlimited, words decided once. */
import { type ConsumerConfig, filtersOf } from './consumer-config.ts'
import { type DeadLetterRule, deadLetterRule } from './dead-letter-config.ts'

export interface ConsumerSettings {
  readonly ackPolicy: 'none' | 'all' | 'explicit'
  readonly ackWaitMs: number
  readonly backoffMs: readonly number[]
  /** Infinity when unlimited. */
  readonly maxDeliver: number
  /** Infinity when unlimited. */
  readonly maxAckPending: number
  readonly filters: readonly string[]
  readonly headersOnly: boolean
  readonly replayOriginal: boolean
  /** Of a hundred acknowledgements, how many make a metric event. */
  readonly samplePercent: number
  readonly rateLimitBps: number
  readonly flowControl: boolean
  readonly heartbeatMs: number
  /** 0: never deleted for inactivity. */
  readonly inactiveMs: number
  readonly maxWaiting: number
  /** 0: unlimited. So are the next two. */
  readonly maxBatch: number
  readonly maxExpiresNs: number
  readonly maxRequestBytes: number
  /** '' for a pull consumer. */
  readonly deliverSubject: string
  readonly deliverGroup: string
  readonly deadLetter: DeadLetterRule | undefined
}

const NS_PER_MS = 1_000_000

/** Derives the settings; throws ApiError only for a configuration that was never checked. */
export function settingsOf(config: ConsumerConfig): ConsumerSettings {
  return {
    ackPolicy: config.ack_policy,
    ackWaitMs: (config.ack_wait ?? 0) / NS_PER_MS,
    backoffMs: (config.backoff ?? []).map((ns) => ns / NS_PER_MS),
    maxDeliver: config.max_deliver && config.max_deliver > 0 ? config.max_deliver : Number.POSITIVE_INFINITY,
    maxAckPending:
      config.max_ack_pending && config.max_ack_pending > 0 ? config.max_ack_pending : Number.POSITIVE_INFINITY,
    filters: filtersOf(config),
    headersOnly: config.headers_only ?? false,
    replayOriginal: config.replay_policy === 'original',
    samplePercent: Number.parseInt(config.sample_freq ?? '0', 10) || 0,
    rateLimitBps: config.rate_limit_bps ?? 0,
    flowControl: config.flow_control ?? false,
    heartbeatMs: (config.idle_heartbeat ?? 0) / NS_PER_MS,
    inactiveMs: (config.inactive_threshold ?? 0) / NS_PER_MS,
    maxWaiting: config.max_waiting ?? 0,
    maxBatch: config.max_batch ?? 0,
    maxExpiresNs: config.max_expires ?? 0,
    maxRequestBytes: config.max_bytes ?? 0,
    deliverSubject: config.deliver_subject ?? '',
    deliverGroup: config.deliver_group ?? '',
    deadLetter: deadLetterRule(config),
  }
}

/** How long a message that was delivered `deliveries` times may stay unacknowledged, in milliseconds (5.4). */
export function waitMs(settings: Pick<ConsumerSettings, 'ackWaitMs' | 'backoffMs'>, deliveries: number): number {
  const { backoffMs, ackWaitMs } = settings
  if (backoffMs.length === 0) return ackWaitMs
  return backoffMs[Math.min(Math.max(deliveries, 1), backoffMs.length) - 1]
}
