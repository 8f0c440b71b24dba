/** What the store keeps of a consumer besides its progress: one JSON text. */
import { formatTime, parseTime, type Time, ZERO_TIME } from '../../base/time.ts'
import { type ConsumerConfig, normalConfig } from './consumer-config.ts'

export interface StoredConsumer {
  readonly name: string
  readonly created: Time
  readonly config: ConsumerConfig
  /** deliver last_per_subject: the snapshot's last sequence. */
  readonly lastPerSubjectUpTo?: number
  /**
   * First deliveries up to here may have been made before an unclean stop, unrecorded. Kept, so that a clean stop which comes
   * before they are made again does not make them look like the first.
   */
  readonly suspectSeq?: number
}

/** As the store keeps it: JSON. */
export function encodeStored(stored: StoredConsumer): string {
  const { name, created, config, lastPerSubjectUpTo, suspectSeq } = stored
  return JSON.stringify({
    name,
    created: formatTime(created),
    config: normalConfig(config),
    lastPerSubjectUpTo,
    suspectSeq,
  })
}

/** Reads what encodeStored wrote. */
export function decodeStored(text: string): StoredConsumer {
  const { created, ...rest } = JSON.parse(text) as Omit<StoredConsumer, 'created'> & { created: string }
  return { ...rest, created: parseTime(created) ?? ZERO_TIME }
}
