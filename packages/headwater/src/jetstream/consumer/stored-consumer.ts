/** What the store keeps of a consumer besides its progress: one JSON text. */
import { formatTime, parseTime, type Time, ZERO_TIME } from '../../base/time.ts'
import { type ConsumerConfig, normalConfig } from './consumer-config.ts'

export interface StoredConsumer {
  readonly name: string
  readonly created: Time
  readonly config: ConsumerConfig
  /** deliver last_per_subject: the snapshot's last sequence. */
  readonly lastPerSubjectUpTo?: number
}

/** As the store keeps it. */
/** As the store keeps it: JSON. */
export function encodeStored(stored: StoredConsumer): string {
  const { name, created, config, lastPerSubjectUpTo } = stored
  return JSON.stringify({ name, created: formatTime(created), config: normalConfig(config), lastPerSubjectUpTo })
}

/** Reads what encodeStored wrote. */
export function decodeStored(text: string): StoredConsumer {
  const { created, ...rest } = JSON.parse(text) as Omit<StoredConsumer, 'created'> & { created: string }
  return { ...rest, created: parseTime(created) ?? ZERO_TIME }
}
