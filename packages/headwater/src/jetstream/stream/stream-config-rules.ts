/** What a stream's configuration must be, and what an update may not change: pure checks with the official texts. */
import { isSubsetOf, isValidName, isValidSubject, subjectsCollide } from '../../protocol/subject.ts'
import { ApiError, apiErrors } from '../api/errors.ts'
import type { StreamConfig, StreamConfigRequest } from './stream-config.ts'

const NAME_BYTES_MAX = 255
const DESCRIPTION_BYTES_MAX = 4096
const METADATA_BYTES_MAX = 128 * 1024
const REPLICAS_MAX = 5
const SHORTEST_NANOS = 100_000_000

const encoder = new TextEncoder()

/** Whether the replica count may be above one (the option `replicas`: accepted and kept, one copy). */
export interface ConfigRules {
  readonly replicas: 'refuse' | 'accept'
}

/** Throws the ApiError of the first rule that `config` (with its defaults) breaks. */
export function checkConfig(config: StreamConfig, rules: ConfigRules): void {
  if (!isValidName(config.name) && bytesOf(config.name) <= NAME_BYTES_MAX) {
    throw invalid("stream name is required and can not contain '.', '*', '>', '\\', '/'")
  }
  if (bytesOf(config.name) > NAME_BYTES_MAX) {
    throw invalid(`stream name is too long, maximum allowed is ${NAME_BYTES_MAX}`)
  }
  if (config.description !== undefined && bytesOf(config.description) > DESCRIPTION_BYTES_MAX) {
    throw invalid(`stream description is too long, maximum allowed is ${DESCRIPTION_BYTES_MAX}`)
  }
  const metadataBytes = Object.entries(config.metadata ?? {}).reduce((sum, [k, v]) => sum + bytesOf(k) + bytesOf(v), 0)
  if (metadataBytes > METADATA_BYTES_MAX) {
    throw invalid(`stream metadata exceeds maximum size of ${METADATA_BYTES_MAX} bytes`)
  }
  checkReplicas(config, rules)
  checkAges(config)
  if (config.deny_purge && config.allow_rollup_hdrs) throw invalid('roll-ups require the purge permission')
  if (config.discard_new_per_subject) {
    if (config.discard !== 'new') throw invalid('discard new per subject requires discard new policy to be set')
    if (config.max_msgs_per_subject <= 0) {
      throw invalid('discard new per subject requires max msgs per subject > 0')
    }
  }
  if (config.mirror_direct) throw invalid('stream has no mirror but does have mirror direct')
  checkSubjects(config)
}

function checkReplicas(config: StreamConfig, rules: ConfigRules): void {
  if (config.num_replicas > REPLICAS_MAX) throw invalid(`maximum replicas is ${REPLICAS_MAX}`)
  if (config.num_replicas < 0) throw new ApiError(apiErrors.replicasCountCannotBeNegative)
  if (config.num_replicas > 1 && rules.replicas === 'refuse') {
    throw new ApiError(apiErrors.streamReplicasNotSupported)
  }
}

function checkAges(config: StreamConfig): void {
  if (config.max_age < 0) throw invalid('max age can not be negative')
  if (config.max_age !== 0 && config.max_age < SHORTEST_NANOS) throw invalid('max age needs to be >= 100ms')
  if (config.duplicate_window < 0) throw invalid('duplicates window can not be negative')
  if (config.max_age !== 0 && config.duplicate_window > config.max_age) {
    throw invalid('duplicates window can not be larger then max age')
  }
  if (config.duplicate_window > 0 && config.duplicate_window < SHORTEST_NANOS) {
    throw invalid('duplicates window needs to be >= 100ms')
  }
}

/** Parts of the subject space that belong to the server: a stream over them would answer the server's own traffic. */
const RESERVED = [
  { space: '$JS.>', except: '$JS.EVENT.>', text: 'subjects that overlap with jetstream api require no-ack to be true' },
  { space: '$JSC.>', except: undefined, text: 'subjects that overlap with jetstream api require no-ack to be true' },
  { space: '$NRG.>', except: undefined, text: 'subjects that overlap with jetstream api require no-ack to be true' },
  {
    space: '$SYS.>',
    except: '$SYS.ACCOUNT.>',
    text: 'subjects that overlap with system api require no-ack to be true',
  },
] as const

function checkSubjects(config: StreamConfig): void {
  const { subjects } = config
  subjects.forEach((subject, index) => {
    if (!isValidSubject(subject)) throw invalid('invalid subject')
    if (subject === '>') {
      if (!config.no_ack) throw invalid('capturing all subjects requires no-ack to be true')
      if (config.num_replicas !== 1) throw invalid('capturing all subjects requires replicas of 1')
    }
    const other = subjects.find((one, at) => at !== index && subjectsCollide(subject, one))
    if (other !== undefined) throw invalid(`subject "${subject}" overlaps with "${other}"`)
    if (config.no_ack) return
    for (const { space, except, text } of RESERVED) {
      if (!subjectsCollide(subject, space)) continue
      if (except === undefined || !isSubsetOf(subject, except)) throw invalid(text)
    }
  })
}

/** What pedantic mode refuses to change silently (E10157). */
export function checkPedantic(given: StreamConfigRequest, config: StreamConfig): void {
  const limits = ['max_msgs', 'max_msgs_per_subject', 'max_bytes', 'max_msg_size', 'max_consumers'] as const
  for (const field of limits) {
    if ((given[field] ?? 0) < -1) throw new ApiError(apiErrors.pedantic(`${field} must be set to -1`))
  }
  if (!given.duplicate_window && config.max_age > 0 && config.duplicate_window === config.max_age) {
    throw new ApiError(apiErrors.pedantic('duplicate window cannot be bigger than max age'))
  }
}

/** Throws when `next` may not follow `old`; both with their defaults, `next` already checked by itself. */
export function checkUpdate(old: StreamConfig, next: StreamConfig): void {
  if (next.name !== old.name) throw invalid('stream configuration name must match original')
  if (next.storage !== old.storage) throw invalid('stream configuration update can not change storage type')
  if (next.retention !== old.retention && (old.retention === 'workqueue' || next.retention === 'workqueue')) {
    throw invalid('stream configuration update can not change retention policy to/from workqueue')
  }
  if (old.sealed && !next.sealed) throw invalid('stream configuration update can not unseal a sealed stream')
  if (old.deny_delete && !next.deny_delete) {
    throw invalid('stream configuration update can not cancel deny message deletes')
  }
  if (old.deny_purge && !next.deny_purge) throw invalid('stream configuration update can not cancel deny purge')
}

/** A sealed stream takes no message and loses none: what sealing makes of the other fields. */
export function sealedConfig(config: StreamConfig): StreamConfig {
  if (!config.sealed) return config
  return { ...config, max_age: 0, discard: 'new', deny_delete: true, deny_purge: true, allow_rollup_hdrs: false }
}

function invalid(text: string): ApiError {
  return new ApiError(apiErrors.streamInvalidConfig(text))
}

function bytesOf(text: string): number {
  return encoder.encode(text).length
}
