/** A consumer's configuration in the wire's own words: its type, the shape of requests, and its normal form. */
import type { ObjectShape, Shape } from '../api/json-shape.ts'

/** Where a new consumer begins. */
/** Where a consumer starts, what it acknowledges, and at which pace it replays: the wire's own words. */
export type DeliverPolicy = 'all' | 'last' | 'new' | 'by_start_sequence' | 'by_start_time' | 'last_per_subject'
/** Which answers a consumer waits for. */
export type AckPolicy = 'none' | 'all' | 'explicit'
/** At once, or with the gaps of the original messages. */
export type ReplayPolicy = 'instant' | 'original'

/**
 * As it stands on the wire; durations are nanoseconds. In normal form a field that is zero, empty or false is absent,
 * but for the four that nats-server always shows.
 */
export interface ConsumerConfig {
  durable_name?: string
  name?: string
  description?: string
  deliver_policy: DeliverPolicy
  opt_start_seq?: number
  /** RFC 3339. */
  opt_start_time?: string
  ack_policy: AckPolicy
  ack_wait?: number
  /** -1 is unlimited. */
  max_deliver?: number
  backoff?: number[]
  filter_subject?: string
  filter_subjects?: string[]
  replay_policy: ReplayPolicy
  rate_limit_bps?: number
  sample_freq?: string
  max_waiting?: number
  /** -1 is unlimited. */
  max_ack_pending?: number
  flow_control?: boolean
  headers_only?: boolean
  max_batch?: number
  max_expires?: number
  max_bytes?: number
  deliver_subject?: string
  deliver_group?: string
  idle_heartbeat?: number
  inactive_threshold?: number
  /** 0 takes the stream's. */
  num_replicas: number
  mem_storage?: boolean
  metadata?: Record<string, string>
  /** Where exhausted and terminated messages go; the same value stands in metadata["headwater.dead_letter"]. */
  dead_letter?: string
}

/** Fields of a request that a newer server knows and this one refuses by name, with the values that ask for nothing. */
export interface UnsupportedFields {
  pause_until?: string
  priority_groups?: string[]
  priority_policy?: string
  priority_timeout?: number
  direct?: boolean
  sourcing?: boolean
}

/** What a create request carries under `config`, before defaults. */
export type ConsumerConfigRequest = Partial<Omit<ConsumerConfig, 'ack_policy'>> &
  UnsupportedFields & { ack_policy?: AckPolicy | 'flow_control' }

const configFields: Shape = {
  durable_name: 'string',
  name: 'string',
  description: 'string',
  deliver_policy: { words: ['all', 'last', 'new', 'by_start_sequence', 'by_start_time', 'last_per_subject'] },
  opt_start_seq: 'uint64',
  opt_start_time: 'time',
  ack_policy: { words: ['none', 'all', 'explicit', 'flow_control'] },
  ack_wait: 'duration',
  max_deliver: 'int',
  backoff: { list: 'duration' },
  filter_subject: 'string',
  filter_subjects: { list: 'string' },
  replay_policy: { words: ['instant', 'original'] },
  rate_limit_bps: 'uint64',
  sample_freq: 'string',
  max_waiting: 'int',
  max_ack_pending: 'int',
  flow_control: 'bool',
  headers_only: 'bool',
  max_batch: 'int',
  max_expires: 'duration',
  max_bytes: 'int',
  deliver_subject: 'string',
  deliver_group: 'string',
  idle_heartbeat: 'duration',
  inactive_threshold: 'duration',
  num_replicas: 'int',
  mem_storage: 'bool',
  direct: 'bool',
  sourcing: 'bool',
  metadata: { map: 'string' },
  pause_until: 'time',
  priority_groups: { list: 'string' },
  priority_policy: { words: ['none', 'overflow', 'pinned_client', 'prioritized'] },
  priority_timeout: 'duration',
  dead_letter: 'string',
}

/** The body of every form of the create call. */
export const createRequestShape: ObjectShape = {
  goName: 'CreateConsumerRequest',
  fields: {
    stream_name: 'string',
    config: { fields: configFields, goName: 'ConsumerConfig' },
    action: 'string',
    pedantic: 'bool',
  },
}

/** The normal form: fields in the wire's order, nothing that says nothing. Two configurations are equal when these are. */
export function normalConfig(config: ConsumerConfig): ConsumerConfig {
  const normal: Record<string, unknown> = {}
  for (const field of Object.keys(configFields)) {
    const value = config[field as keyof ConsumerConfig]
    if (shown.has(field) || !saysNothing(value)) normal[field] = value
  }
  if (config.metadata && normal.metadata) normal.metadata = sorted(config.metadata)
  return normal as unknown as ConsumerConfig
}

/** True when both ask for the same. */
export function sameConfig(a: ConsumerConfig, b: ConsumerConfig): boolean {
  return JSON.stringify(normalConfig(a)) === JSON.stringify(normalConfig(b))
}

/** The filters as a list, whichever field they stand in; empty means everything. */
export function filtersOf(config: ConsumerConfig): string[] {
  if (config.filter_subject) return [config.filter_subject]
  return config.filter_subjects ?? []
}

/** The name that the consumer goes by; undefined when the server is to choose one. */
export function nameOf(config: ConsumerConfig): string | undefined {
  return config.durable_name || config.name || undefined
}

const shown = new Set(['deliver_policy', 'ack_policy', 'replay_policy', 'num_replicas'])

function saysNothing(value: unknown): boolean {
  if (value === undefined || value === null || value === 0 || value === '' || value === false) return true
  return typeof value === 'object' && Object.keys(value).length === 0
}

function sorted(map: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(map).sort(([a], [b]) => (a < b ? -1 : 1)))
}
