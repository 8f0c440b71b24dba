/** What is created, changed and deleted: JSON after the record's head (type 4), and the first record of a journal file (type 5). */
import { textOf } from '../base/bytes.ts'
import { RECORD_HEAD_BYTES, recordLength } from './record.ts'

/** The version of everything in a data folder; a higher one is refused. */
export const FORMAT_VERSION = 1

/** One change of a stream or consumer, as the JSON of its record. Configurations are whole, never differences. */
export type ObjectChange =
  | { what: 'stream-created'; config: string }
  | { what: 'stream'; config: string }
  | { what: 'stream-deleted' }
  | { what: 'consumer'; consumer: number; config: string }
  | { what: 'consumer-deleted'; consumer: number }

/** First in every journal file. */
export interface Opened {
  format: number
  storeId: string
  /** Where the frames of the former file end: nothing may lie between. */
  formerEnd: number
  /** The file had another life: behind its frames are older ones. */
  isReused: boolean
  nextStreamId: number
}

/** The JSON of a record; undefined when it is none. */
export function readObject<T>(bytes: Uint8Array, view: DataView, at: number): T | undefined {
  try {
    return JSON.parse(textOf(bytes.subarray(at + RECORD_HEAD_BYTES, at + recordLength(view, at)))) as T
  } catch {
    return undefined
  }
}
