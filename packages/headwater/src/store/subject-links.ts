/**
 * The way from a message to the next one of its subject: one number an entry (how many sequences further), so that a subject
 * at its limit finds its new first message without a search. Only logs that pay for searches have it: every long search works
 * off as many older entries as it looked at, so it comes about by and by, without a turn that makes the whole.
 *
 * A link skips no living message: it leads to the next one that lived when it was made, and messages only leave. It may lead
 * to one that left since. 0 is not known: then the id column is searched.
 */
import type { Run } from './run.ts'
import type { StreamIndex } from './stream-index.ts'

/** A distance is 32 bit. */
const DISTANCE_MAX = 0xffff_ffff

export class SubjectLinks {
  readonly #index: StreamIndex
  /** Entries with a sequence below this one have no links yet. */
  #linkedFrom: number
  /** Per subject id: the lowest sequence at or above `#linkedFrom` that was seen; 0 is none. */
  #seen: Float64Array = new Float64Array(0)

  constructor(index: StreamIndex) {
    this.#index = index
    this.#linkedFrom = index.lastSeq + 1
  }

  /** Every living message has its link, or none follows it. */
  get isWhole(): boolean {
    return this.#linkedFrom <= this.#index.firstSeq
  }

  /** `seq` is being added; `former` is the last message of its subject. HOT. */
  link(former: number, seq: number): void {
    const distance = seq - former
    if (distance > DISTANCE_MAX || distance <= 0) return
    const run = this.#index.runOf(former)
    const i = run ? run.find(former) : -1
    if (run && i >= 0) run.setLink(i, distance)
  }

  /** Works off `count` more entries, newest first. */
  extend(count: number): void {
    const { runs, subjects } = this.#index
    if (this.#seen.length < subjects.capacity) {
      const seen = new Float64Array(subjects.capacity)
      seen.set(this.#seen)
      this.#seen = seen
    }
    let left = count
    for (let r = this.#index.runIndexOf(this.#linkedFrom - 1); r >= 0 && left > 0; r--) {
      const run = runs[r]
      let i = run.lowerBound(this.#linkedFrom) - 1
      for (; i >= 0 && left > 0; i--, left--) if (!run.isDead(i)) this.#linkEntry(run, i)
      this.#linkedFrom = i < 0 ? run.first : run.seqOf(i + 1)
    }
    if (left > 0) this.#linkedFrom = 0
    if (this.isWhole) this.#settle()
  }

  /** The first message of every subject was seen: what lost its first before there were links need not search for it either. */
  #settle(): void {
    const { subjects } = this.#index
    const seen = this.#seen
    this.#seen = new Float64Array(0)
    for (let id = 1; id < seen.length; id++) {
      if (subjects.counts[id] === 0 || !subjects.isFirstStale(id) || seen[id] < subjects.firsts[id]) continue
      const first = this.follow(id, seen[id])
      if (first > 0) subjects.settleFirst(id, first)
    }
  }

  #linkEntry(run: Run, i: number): void {
    const seq = run.seqOf(i)
    const id = run.ids[i]
    const next = this.#seen[id]
    if (next > seq && next - seq <= DISTANCE_MAX) run.setLink(i, next - seq)
    this.#seen[id] = seq
  }

  /** `seq` was the first of the subject and left: moves on at once, while its run is still there to say where to. */
  moveFirst(id: number, seq: number): void {
    const { subjects } = this.#index
    if (subjects.counts[id] === 0 || !subjects.isFirstStale(id)) return
    const first = this.follow(id, seq)
    if (first > 0) subjects.settleFirst(id, first)
  }

  /** The first living message >= from of the subject, by links from `from` on; 0 when they do not lead to one. */
  follow(id: number, from: number): number {
    let seq = from
    for (;;) {
      const run = this.#index.runOf(seq)
      const i = run ? run.find(seq) : -1
      if (!run || i < 0 || run.ids[i] !== id) return 0
      if (!run.isDead(i)) return seq
      const distance = run.links?.[i] ?? 0
      if (distance === 0) return 0
      seq += distance
    }
  }
}
