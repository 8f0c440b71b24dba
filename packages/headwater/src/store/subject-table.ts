/**
 * The subjects of one log: text to a small number, and per number how many messages live, the first and the last.
 * A Map and typed arrays: 98 bytes per subject, and no object that a garbage collector has to walk.
 *
 * Numbers are given again once no message has them. 0 is no subject.
 */
import { assert } from '../base/assert.ts'
import { subjectMatches } from '../protocol/subject.ts'
import type { LogFilter } from './stream-log.ts'

const FIRST_CAPACITY = 16
/** `firsts[id]` is at or before the first living message of the subject, not certainly it. */
const FIRST_STALE = 1
/** `lasts[id]` is at or after the last living message of the subject, not certainly it. */
const LAST_STALE = 2

/** A prepared choice of subjects. Knows for each id whether it matches. */
export class Filter implements LogFilter {
  readonly patterns: readonly string[]
  readonly #table: SubjectTable
  /** 1 where the subject with this id matches. */
  match: Uint8Array
  /** Ids that match and are in use. */
  readonly ids: Set<number> = new Set()
  /** Nothing that matches has a sequence in [emptyFrom, emptyTo): stays true, since messages only come after. */
  emptyFrom = 0
  emptyTo = 0

  constructor(table: SubjectTable, patterns: readonly string[]) {
    this.#table = table
    this.patterns = patterns
    this.match = new Uint8Array(table.capacity)
  }

  matches(subject: string): boolean {
    for (const pattern of this.patterns) if (subjectMatches(pattern, subject)) return true
    return false
  }

  close(): void {
    this.#table.filters.delete(this)
  }
}

export class SubjectTable {
  readonly filters: Set<Filter> = new Set()
  /** Ids that got a text since they were last saved; undefined where nothing is saved. */
  unsaved: Set<number> | undefined
  capacity: number = FIRST_CAPACITY
  names: string[] = ['']
  counts: Uint32Array = new Uint32Array(FIRST_CAPACITY)
  firsts: Float64Array = new Float64Array(FIRST_CAPACITY)
  lasts: Float64Array = new Float64Array(FIRST_CAPACITY)
  #stale: Uint8Array = new Uint8Array(FIRST_CAPACITY)
  readonly #ids: Map<string, number> = new Map()
  readonly #free: number[] = []

  /** Subjects with a living message. */
  get size(): number {
    return this.#ids.size
  }

  /** The id of a subject with a living message; 0 when there is none. */
  find(subject: string): number {
    return this.#ids.get(subject) ?? 0
  }

  /** The id of `subject`, made when needed. HOT. */
  idOf(subject: string): number {
    return this.#ids.get(subject) ?? this.#make(subject)
  }

  /** Every id in use. */
  ids(): IterableIterator<number> {
    return this.#ids.values()
  }

  /** A message with the highest sequence yet arrives. HOT. */
  add(id: number, seq: number): void {
    if (this.counts[id]++ === 0) this.firsts[id] = seq
    this.lasts[id] = seq
    if (this.#stale[id] !== 0) this.#stale[id] &= ~LAST_STALE
  }

  /** A living message leaves. */
  remove(id: number, seq: number): void {
    assert(this.counts[id] > 0, 'a subject counts the messages that it has')
    const left = --this.counts[id]
    if (left === 0) {
      this.#release(id)
      return
    }
    if (seq === this.firsts[id]) {
      this.firsts[id] = seq + 1
      this.#stale[id] |= FIRST_STALE
    }
    if (seq === this.lasts[id]) {
      this.lasts[id] = seq - 1
      this.#stale[id] |= LAST_STALE
    }
    if (left === 1) this.#settleOnly(id)
  }

  /** Every message leaves. */
  clear(): void {
    for (const id of [...this.#ids.values()]) {
      this.counts[id] = 0
      this.#release(id)
    }
  }

  /** With one message left, an end that is certain tells the other. */
  #settleOnly(id: number): void {
    const stale = this.#stale[id]
    if (stale === FIRST_STALE) this.firsts[id] = this.lasts[id]
    else if (stale === LAST_STALE) this.lasts[id] = this.firsts[id]
    else if (stale !== 0) return
    this.#stale[id] = 0
  }

  isFirstStale(id: number): boolean {
    return (this.#stale[id] & FIRST_STALE) !== 0
  }

  isLastStale(id: number): boolean {
    return (this.#stale[id] & LAST_STALE) !== 0
  }

  settleFirst(id: number, seq: number): void {
    this.firsts[id] = seq
    this.#stale[id] &= ~FIRST_STALE
  }

  settleLast(id: number, seq: number): void {
    this.lasts[id] = seq
    this.#stale[id] &= ~LAST_STALE
  }

  /** Recovery: the text of an id as it was saved. Ids that no message uses are given back by `sweep`. */
  restore(id: number, subject: string): void {
    this.#reach(id)
    this.names[id] = subject
  }

  /** Recovery: takes the counted ids into use, and frees the others. */
  sweep(): void {
    for (let id = this.names.length - 1; id > 0; id--) {
      if (this.counts[id] > 0) this.#ids.set(this.names[id], id)
      else {
        this.names[id] = ''
        this.#free.push(id)
      }
    }
  }

  filter(patterns: readonly string[]): Filter {
    const filter = new Filter(this, patterns)
    for (const [subject, id] of this.#ids) this.#offer(filter, subject, id)
    this.filters.add(filter)
    return filter
  }

  #offer(filter: Filter, subject: string, id: number): void {
    if (!filter.matches(subject)) return
    filter.match[id] = 1
    filter.ids.add(id)
  }

  #make(subject: string): number {
    const id = this.#free.pop() ?? this.names.length
    this.#reach(id)
    this.names[id] = subject
    this.#ids.set(subject, id)
    this.#stale[id] = 0
    this.unsaved?.add(id)
    for (const filter of this.filters) this.#offer(filter, subject, id)
    return id
  }

  #release(id: number): void {
    this.#ids.delete(this.names[id])
    this.names[id] = ''
    this.#stale[id] = 0
    this.#free.push(id)
    this.unsaved?.delete(id)
    for (const filter of this.filters) {
      if (filter.match[id] === 0) continue
      filter.match[id] = 0
      filter.ids.delete(id)
    }
  }

  #reach(id: number): void {
    while (this.names.length <= id) this.names.push('')
    if (id < this.capacity) return
    while (id >= this.capacity) this.capacity *= 2
    this.counts = copied(this.counts, new Uint32Array(this.capacity))
    this.firsts = copied(this.firsts, new Float64Array(this.capacity))
    this.lasts = copied(this.lasts, new Float64Array(this.capacity))
    this.#stale = copied(this.#stale, new Uint8Array(this.capacity))
    for (const filter of this.filters) filter.match = copied(filter.match, new Uint8Array(this.capacity))
  }
}

function copied<T extends Uint8Array | Uint32Array | Float64Array>(from: T, to: T): T {
  to.set(from)
  return to
}
