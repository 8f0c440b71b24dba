/** The duplicate window: remembers the message ids of the last minutes, and which sequence each one got. */

import { KEPT_IDS_MAX, KEPT_LENGTH_MAX } from '../../store/kept-ids.ts'
import type { KeptId } from '../../store/stream-log.ts'

/** An id and when it came; kept in order of time, so that forgetting is popping. */
type Entry = KeptId

/** Forgotten entries at the front are cut off when there are more than this many. */
const CUT_AT = 1024

/** Pure: takes the time with each call. Bounded by what a publisher can send within the window. */
export class DedupeWindow {
  readonly #byId = new Map<string, Entry>()
  #entries: Entry[] = []
  #first = 0
  #windowMs: number

  /** Zero switches it off. */
  constructor(windowMs: number) {
    this.#windowMs = windowMs
  }

  get size(): number {
    return this.#byId.size
  }

  get windowMs(): number {
    return this.#windowMs
  }

  setWindow(windowMs: number): void {
    this.#windowMs = windowMs
    if (windowMs === 0) this.clear()
  }

  clear(): void {
    this.#byId.clear()
    this.#entries = []
    this.#first = 0
  }

  /** The sequence that `id` got within the window that ends now, or undefined. */
  find(id: string, nowMs: number): number | undefined {
    this.#forget(nowMs)
    return this.#byId.get(id)?.seq
  }

  /** Remembers that `id` got `seq` at `atMs`, which is not before any time recorded so far. */
  record(id: string, seq: number, atMs: number): void {
    if (this.#windowMs === 0) return
    const entry = { id, seq, atMs }
    this.#byId.set(id, entry)
    this.#entries.push(entry)
  }

  /**
   * What a checkpoint keeps of the window that ends now: all but those that a start reads from the journal, oldest first. Walks
   * from the newest back, until the bounds of kept-ids.
   */
  kept(nowMs: number, isReplayed: (seq: number) => boolean): KeptId[] {
    const ids: KeptId[] = []
    let length = 0
    for (let i = this.#entries.length - 1; i >= this.#first && ids.length < KEPT_IDS_MAX; i--) {
      const entry = this.#entries[i]
      if (entry.atMs <= nowMs - this.#windowMs) break
      if (isReplayed(entry.seq)) continue
      length += entry.id.length
      if (length > KEPT_LENGTH_MAX) break
      ids.push(entry)
    }
    return ids.reverse()
  }

  #forget(nowMs: number): void {
    const before = nowMs - this.#windowMs
    while (this.#first < this.#entries.length && this.#entries[this.#first].atMs <= before) {
      const entry = this.#entries[this.#first++]
      // The id may have come again after its first window ended.
      if (this.#byId.get(entry.id) === entry) this.#byId.delete(entry.id)
    }
    if (this.#first > CUT_AT && this.#first * 2 > this.#entries.length) {
      this.#entries = this.#entries.slice(this.#first)
      this.#first = 0
    }
  }
}
