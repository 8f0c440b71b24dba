/**
 * Which message ids outlive a restart without their messages: the newest of a stream, within bounds. They stand in its
 * checkpoint, and in the records that are replayed over it; the duplicate window of the engine says which still count.
 */
import { timeToMs } from '../base/time.ts'
import { headerValue } from '../protocol/headers.ts'
import { MessageView } from './message-view.ts'
import { viewMessage } from './record.ts'
import type { KeptId } from './stream-log.ts'

/** Ids of one stream, at most. */
export const KEPT_IDS_MAX = 65_536
/** UTF-16 units of one stream's ids together, at most: an id may be as long as a header. */
export const KEPT_LENGTH_MAX: number = 4 * 1024 * 1024

/** Gathers ids in any order. */
export class KeptIds {
  #ids: KeptId[] = []
  readonly #view = new MessageView()

  constructor(ids: readonly KeptId[] = []) {
    this.#ids = [...ids]
  }

  /** Takes the id of the message record at `at`, which has one. */
  addRecord(bytes: Uint8Array, view: DataView, at: number): void {
    const message = this.#view
    viewMessage(bytes, view, at, '', message)
    // As a publisher's id is read on its way in: blanks after it count.
    const id = headerValue(bytes, message.headersStart, message.headersLength, 'Nats-Msg-Id', 'whole')?.trimStart()
    if (!id) return
    this.#ids.push({ id, seq: message.seq, atMs: timeToMs(message.time()) })
    if (this.#ids.length > 2 * KEPT_IDS_MAX) this.#ids = this.newest()
  }

  /** In the order of their sequences, each sequence once; of too many, the newest. */
  newest(): KeptId[] {
    const ids = this.#ids.sort((a, b) => a.seq - b.seq).filter(({ seq }, i, all) => seq !== all[i + 1]?.seq)
    let first = ids.length
    let length = 0
    while (first > 0 && ids.length - first < KEPT_IDS_MAX) {
      length += ids[first - 1].id.length
      if (length > KEPT_LENGTH_MAX) break
      first--
    }
    return ids.slice(first)
  }
}

/** Ids as a checkpoint writes them: a full window is many. Numbers are the differences to the ones before. */
export interface IdColumns {
  ids: string[]
  seqs: number[]
  micros: number[]
}

/** `ids` ascending by sequence. */
export function columnsOf(ids: readonly KeptId[]): IdColumns {
  const columns: IdColumns = { ids: [], seqs: [], micros: [] }
  let lastSeq = 0
  let lastMicros = 0
  for (const { id, seq, atMs } of ids) {
    const micros = Math.round(atMs * 1000)
    columns.ids.push(id)
    columns.seqs.push(seq - lastSeq)
    columns.micros.push(micros - lastMicros)
    lastSeq = seq
    lastMicros = micros
  }
  return columns
}

/** What columnsOf took. */
export function idsOf({ ids, seqs, micros }: IdColumns): KeptId[] {
  let seq = 0
  let at = 0
  return ids.map((id, i) => {
    seq += seqs[i]
    at += micros[i]
    return { id, seq, atMs: at / 1000 }
  })
}
