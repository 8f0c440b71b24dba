/** A stream's configuration: its fields as they stand on the wire, and the values that stand where none was given. */
import { isValidName } from '../../protocol/subject.ts'
import { ApiError, type ApiErrorRow, apiErrors } from '../api/errors.ts'
import type { Kind, ObjectShape } from '../api/json-shape.ts'

/** Names are the wire's. Durations are nanoseconds, as on the wire; -1 is unlimited. */
export interface StreamConfig {
  name: string
  description?: string
  subjects: string[]
  retention: 'limits' | 'interest' | 'workqueue'
  max_consumers: number
  max_msgs: number
  max_bytes: number
  max_age: number
  max_msgs_per_subject: number
  max_msg_size: number
  discard: 'old' | 'new'
  storage: 'file' | 'memory'
  num_replicas: number
  no_ack?: boolean
  duplicate_window: number
  compression: 'none'
  first_seq?: number
  allow_direct: boolean
  mirror_direct: boolean
  discard_new_per_subject?: boolean
  sealed: boolean
  deny_delete: boolean
  deny_purge: boolean
  allow_rollup_hdrs: boolean
  consumer_limits: ConsumerLimits
  allow_msg_ttl: boolean
  metadata?: Record<string, string>
}

/** Bounds on the stream's consumers; zero or absent is none. */
export interface ConsumerLimits {
  inactive_threshold?: number
  max_ack_pending?: number
}

/** A request to create or update: any of the fields, and those that Headwater refuses by name. */
export type StreamConfigRequest = Partial<Omit<StreamConfig, 'compression'>> & {
  compression?: 'none' | 's2'
  pedantic?: boolean
} & { [field in UnsupportedField]?: unknown }

const transform: Kind = { goName: 'SubjectTransformConfig', fields: { src: 'string', dest: 'string' } }
const source: Kind = {
  goName: 'StreamSource',
  fields: {
    name: 'string',
    opt_start_seq: 'uint64',
    opt_start_time: 'time',
    filter_subject: 'string',
    subject_transforms: { list: transform },
    external: { goName: 'ExternalStream', fields: { api: 'string', deliver: 'string' } },
    consumer: { goName: 'StreamConsumerSource', fields: { name: 'string', deliver_subject: 'string' } },
  },
}

/** The body of STREAM.CREATE and STREAM.UPDATE. */
export const streamConfigShape: ObjectShape = {
  goName: 'StreamConfigRequest.StreamConfig',
  fields: {
    name: 'string',
    description: 'string',
    subjects: { list: 'string' },
    retention: { words: ['limits', 'interest', 'workqueue'] },
    max_consumers: 'int',
    max_msgs: 'int64',
    max_bytes: 'int64',
    max_age: 'duration',
    max_msgs_per_subject: 'int64',
    max_msg_size: 'int32',
    discard: { words: ['old', 'new'] },
    storage: { words: ['file', 'memory'] },
    num_replicas: 'int',
    no_ack: 'bool',
    duplicate_window: 'duration',
    placement: {
      goName: 'Placement',
      fields: { cluster: 'string', tags: { list: 'string' }, preferred: 'string' },
    },
    mirror: source,
    sources: { list: source },
    compression: { words: ['none', 's2'], refused: 'unknown compression algorithm' },
    first_seq: 'uint64',
    subject_transform: transform,
    republish: { goName: 'RePublish', fields: { src: 'string', dest: 'string', headers_only: 'bool' } },
    allow_direct: 'bool',
    mirror_direct: 'bool',
    discard_new_per_subject: 'bool',
    sealed: 'bool',
    deny_delete: 'bool',
    deny_purge: 'bool',
    allow_rollup_hdrs: 'bool',
    consumer_limits: {
      goName: 'StreamConsumerLimits',
      fields: { inactive_threshold: 'duration', max_ack_pending: 'int' },
    },
    allow_msg_ttl: 'bool',
    subject_delete_marker_ttl: 'duration',
    allow_msg_counter: 'bool',
    allow_atomic: 'bool',
    allow_msg_schedules: 'bool',
    persist_mode: { words: ['', 'default', 'async'] },
    allow_batched: 'bool',
    metadata: { map: 'string' },
    pedantic: 'bool',
  },
}

/** Fields that JetStream has and Headwater has not yet: each is refused by name unless it says nothing. */
const UNSUPPORTED_FIELDS = [
  'mirror',
  'sources',
  'subject_transform',
  'republish',
  'placement',
  'subject_delete_marker_ttl',
  'allow_msg_counter',
  'allow_atomic',
  'allow_msg_schedules',
  'allow_batched',
] as const
type UnsupportedField = (typeof UNSUPPORTED_FIELDS)[number] | 'persist_mode'

const NANOS_PER_MS = 1_000_000
const DEFAULT_DUPLICATE_WINDOW = 120_000 * NANOS_PER_MS

/**
 * Fills in the defaults: negative and zero limits become -1, the duplicate window is two minutes or max_age.
 * Throws E10052 that names a field which Headwater does not support.
 */
export function withDefaults(given: StreamConfigRequest): StreamConfig {
  refuseUnsupported(given)
  const name = given.name ?? ''
  const max_age = given.max_age ?? 0
  return {
    name,
    ...(given.description ? { description: given.description } : {}),
    subjects: given.subjects && given.subjects.length > 0 ? [...given.subjects] : [name],
    retention: given.retention ?? 'limits',
    max_consumers: limit(given.max_consumers),
    max_msgs: limit(given.max_msgs),
    max_bytes: limit(given.max_bytes),
    max_age,
    max_msgs_per_subject: limit(given.max_msgs_per_subject),
    max_msg_size: limit(given.max_msg_size),
    discard: given.discard ?? 'old',
    storage: given.storage ?? 'file',
    num_replicas: given.num_replicas || 1,
    ...(given.no_ack ? { no_ack: true } : {}),
    duplicate_window:
      given.duplicate_window ||
      (max_age > 0 && max_age < DEFAULT_DUPLICATE_WINDOW ? max_age : DEFAULT_DUPLICATE_WINDOW),
    compression: 'none',
    ...(given.first_seq ? { first_seq: given.first_seq } : {}),
    allow_direct: given.allow_direct ?? false,
    mirror_direct: given.mirror_direct ?? false,
    ...(given.discard_new_per_subject ? { discard_new_per_subject: true } : {}),
    sealed: given.sealed ?? false,
    deny_delete: given.deny_delete ?? false,
    deny_purge: given.deny_purge ?? false,
    allow_rollup_hdrs: given.allow_rollup_hdrs ?? false,
    consumer_limits: consumerLimits(given.consumer_limits),
    allow_msg_ttl: false,
    ...metadataOf(given.metadata),
  }
}

/** Whether two configurations ask for the same stream: what makes a repeated create succeed. */
export function sameConfig(a: StreamConfig, b: StreamConfig): boolean {
  // withDefaults gives every field its place, and sorts the metadata.
  return JSON.stringify(a) === JSON.stringify(b)
}

function limit(value: number | undefined): number {
  return value === undefined || value === 0 || value < -1 ? -1 : value
}

function consumerLimits(given: ConsumerLimits | undefined): ConsumerLimits {
  const limits: ConsumerLimits = {}
  if (given?.inactive_threshold) limits.inactive_threshold = given.inactive_threshold
  if (given?.max_ack_pending) limits.max_ack_pending = given.max_ack_pending
  return limits
}

/** What the server itself would write is the server's: clients may not set it. */
function metadataOf(given: Record<string, string> | undefined): { metadata?: Record<string, string> } {
  const kept = Object.entries(given ?? {}).filter(([key]) => !/^_nats\.(ver|level|req\.level)$/.test(key))
  if (kept.length === 0) return {}
  return { metadata: Object.fromEntries(kept.sort(([a], [b]) => (a < b ? -1 : 1))) }
}

function refuseUnsupported(given: StreamConfigRequest): void {
  const wrong = replicationError(given)
  if (wrong) throw new ApiError(wrong)
  const refuse = (field: string): never => {
    throw new ApiError(
      apiErrors.streamInvalidConfig(`stream configuration: ${field} is not supported by Headwater yet`),
    )
  }
  for (const field of UNSUPPORTED_FIELDS) if (says(given[field])) refuse(field)
  if (given.allow_msg_ttl) refuse('allow_msg_ttl')
  if (given.compression === 's2') refuse('compression s2')
  if (given.persist_mode === 'async') refuse('persist_mode async')
}

/** What is wrong with a mirror or sources whoever is asked: the official error comes before ours. */
function replicationError({ mirror, sources, subjects, first_seq }: StreamConfigRequest): ApiErrorRow | undefined {
  if (says(mirror)) {
    if (first_seq) return apiErrors.mirrorWithFirstSeq
    if (subjects && subjects.length > 0) return apiErrors.mirrorWithSubjects
    if (says(sources)) return apiErrors.mirrorWithSources
  }
  const names = new Set<string>()
  for (const source of (sources ?? []) as { name?: string }[]) {
    if (!isValidName(source.name ?? '')) return apiErrors.sourceInvalidStreamName
    const same = JSON.stringify(source)
    if (names.has(same)) return apiErrors.sourceDuplicateDetected
    names.add(same)
  }
  return undefined
}

/** Whether a value asks for something: false, zero, the empty list and an object of such values do not. */
function says(value: unknown): boolean {
  if (typeof value === 'object' && value !== null) {
    return Array.isArray(value) ? value.length > 0 : Object.values(value).some(says)
  }
  return Boolean(value)
}
