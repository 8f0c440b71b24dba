/**
 * The index of one log: which sequences live, where, and under which subject. In memory, synchronous, knows no disk.
 * Everything here is answered over subjects and id columns, never over messages.
 */
import { assert } from '../base/assert.ts'
import { setBit } from './dead-bits.ts'
import { Run } from './run.ts'
import type { SubjectState } from './stream-log.ts'
import { SubjectLinks } from './subject-links.ts'
import { type Filter, SubjectTable } from './subject-table.ts'

/** A longer gap than this starts a new run instead of dead entries. */
const GAP_MAX = 1024
/** A tail with more entries than this does not take skipped sequences. */
const TAIL_ENTRIES_MAX = 1 << 20
/** A search for the next message of a subject that looks at more entries than this is worth links. */
const SEARCH_MAX = 1024

export class StreamIndex {
  /** By first sequence, ascending, without overlap. The last one is the tail. */
  readonly runs: Run[] = [new Run(1)]
  readonly subjects: SubjectTable = new SubjectTable()
  messages = 0
  /** What the living messages count, as JetStream counts bytes. */
  bytes = 0
  lastSeq = 0
  /** Oldest living sequence, lastSeq + 1 when empty. */
  firstSeq = 1
  #links: SubjectLinks | undefined
  /** Entries that searches for the next message of a subject have looked at. */
  searched = 0
  /** Told when a run that is not the tail has lost its last living entry and left `runs`. */
  onRunGone: ((run: Run) => void) | undefined

  get tail(): Run {
    return this.runs[this.runs.length - 1]
  }

  /** Starts a new tail; the former one takes no more entries. */
  startTail(): Run {
    const former = this.tail
    if (former.n === 0 || former.live === 0) this.runs.pop()
    const run = new Run(this.lastSeq + 1)
    this.runs.push(run)
    if (former.n > 0 && former.live === 0) this.onRunGone?.(former)
    return run
  }

  /** Takes the next sequence. HOT. */
  add(position: number, subjectId: number, bytes: number): void {
    const seq = ++this.lastSeq
    const tail = this.runs[this.runs.length - 1]
    tail.push(position, subjectId)
    if (this.#links && this.subjects.counts[subjectId] > 0) this.#links.link(this.subjects.lasts[subjectId], seq)
    this.subjects.add(subjectId, seq)
    if (this.messages++ === 0) this.firstSeq = seq
    this.bytes += bytes
  }

  /** Sequences up to `lastSeq` hold nothing. */
  skipTo(lastSeq: number): void {
    const count = lastSeq - this.lastSeq
    if (count <= 0) return
    const tail = this.tail
    if (tail.n === 0) {
      tail.first = lastSeq + 1
      this.lastSeq = lastSeq
    } else if (tail.live === 0 || count > GAP_MAX || tail.n > TAIL_ENTRIES_MAX) {
      this.lastSeq = lastSeq
      this.startTail()
    } else {
      tail.pushDead(count)
      this.lastSeq = lastSeq
    }
    if (this.messages === 0) this.firstSeq = lastSeq + 1
  }

  /** The run whose sequences include `seq`, or undefined. HOT: the tail first. */
  runOf(seq: number): Run | undefined {
    const tail = this.runs[this.runs.length - 1]
    if (seq >= tail.first) return seq < tail.endSeq ? tail : undefined
    const run = this.runs[this.runIndexOf(seq)]
    return run && run.first <= seq && seq < run.endSeq ? run : undefined
  }

  /** Removes the living entry `i` of `run`, which counts so many bytes. */
  remove(run: Run, i: number, bytes: number): void {
    const seq = run.seqOf(i)
    assert(!run.isDead(i), 'a message is removed once')
    const id = run.ids[i]
    this.subjects.remove(id, seq)
    run.kill(i)
    if (this.#links && seq + 1 === this.subjects.firsts[id]) this.#links.moveFirst(id, seq)
    this.messages--
    this.bytes -= bytes
    assert(this.messages >= 0 && this.bytes >= 0, 'a log counts the messages that it has')
    if (run.live === 0 && run !== this.tail) {
      this.runs.splice(this.runs.indexOf(run), 1)
      this.onRunGone?.(run)
    }
    if (seq === this.firstSeq) this.firstSeq = this.next(seq + 1) || this.lastSeq + 1
  }

  /** Removes every message: O(subjects + runs), however many messages there are. */
  clear(): void {
    const former = this.runs.filter((run) => run.n > 0)
    for (const run of former) run.killAll()
    this.runs.length = 0
    this.runs.push(new Run(this.lastSeq + 1))
    this.subjects.clear()
    this.messages = 0
    this.bytes = 0
    this.firstSeq = this.lastSeq + 1
    for (const run of former) this.onRunGone?.(run)
  }

  /** The first living sequence >= from; 0 when there is none. */
  next(from: number): number {
    for (let r = Math.max(0, this.runIndexOf(from)); r < this.runs.length; r++) {
      const run = this.runs[r]
      const i = run.nextLiving(run.lowerBound(from))
      if (i < run.n) return run.seqOf(i)
    }
    return 0
  }

  /** The first living sequence >= from that matches; 0 when there is none. */
  nextMatching(from: number, filter: Filter): number {
    if (filter.ids.size === 0) return 0
    const start = from >= filter.emptyFrom && from < filter.emptyTo ? filter.emptyTo : from
    if (start > this.lastSeq) return 0
    if (filter.ids.size === 1) return this.#nextOfOnly(filter, start)
    const seq = this.#scanForward(start, filter.match)
    this.#rememberEmpty(filter, from, seq === 0 ? this.lastSeq + 1 : seq)
    return seq
  }

  /** One subject matches: its ends bound the search, and the engine's own search runs over the column. */
  #nextOfOnly(filter: Filter, from: number): number {
    const [id] = filter.ids
    if (from > this.subjects.lasts[id]) return 0
    return this.nextOfSubject(id, from)
  }

  #rememberEmpty(filter: Filter, from: number, to: number): void {
    if (from >= filter.emptyFrom && from <= filter.emptyTo) filter.emptyTo = Math.max(to, filter.emptyTo)
    else {
      filter.emptyFrom = from
      filter.emptyTo = to
    }
  }

  #scanForward(from: number, match: Uint8Array): number {
    for (let r = Math.max(0, this.runIndexOf(from)); r < this.runs.length; r++) {
      const run = this.runs[r]
      const { ids, n, dead } = run
      for (let i = run.lowerBound(from); i < n; i++) {
        if (match[ids[i]] === 1 && !(dead && run.isDead(i))) return run.seqOf(i)
      }
    }
    return 0
  }

  /** The first living sequence >= from of one subject; 0 when there is none. */
  nextOfSubject(id: number, from: number): number {
    const start = Math.max(from, this.subjects.firsts[id])
    for (let r = Math.max(0, this.runIndexOf(start)); r < this.runs.length; r++) {
      const run = this.runs[r]
      let i = run.lowerBound(start)
      for (;;) {
        i = run.ids.indexOf(id, i)
        if (i < 0 || i >= run.n) break
        if (!run.isDead(i)) return run.seqOf(i)
        i++
      }
    }
    return 0
  }

  /** The last living sequence <= from that matches (any, without a filter); 0 when there is none. */
  last(from: number, filter?: Filter): number {
    const seq = Math.min(from, this.lastSeq)
    for (let r = this.runIndexOf(seq); r >= 0; r--) {
      const run = this.runs[r]
      const bound = run.lowerBound(seq + 1) - 1
      const i = filter ? lastMatch(run, bound, filter.match) : run.lastLiving(bound)
      if (i >= 0) return run.seqOf(i)
    }
    return 0
  }

  /** The last living sequence <= from of one subject; 0 when there is none. */
  #lastOfSubject(id: number, from: number): number {
    for (let r = this.runIndexOf(from); r >= 0; r--) {
      const run = this.runs[r]
      let i = run.lowerBound(from + 1) - 1
      while (i >= 0) {
        i = run.ids.lastIndexOf(id, i)
        if (i < 0) break
        if (!run.isDead(i)) return run.seqOf(i)
        i--
      }
    }
    return 0
  }

  /** Living messages with a sequence >= from that match (all, without a filter). */
  count(from: number, filter?: Filter): number {
    if (from <= this.firstSeq) {
      if (!filter) return this.messages
      let sum = 0
      for (const id of filter.ids) sum += this.subjects.counts[id]
      return sum
    }
    if (from > this.lastSeq || filter?.ids.size === 0) return 0
    let count = 0
    for (let r = Math.max(0, this.runIndexOf(from)); r < this.runs.length; r++) {
      const run = this.runs[r]
      const start = run.lowerBound(from)
      count += filter ? countMatch(run, start, filter.match) : run.countFrom(start)
    }
    return count
  }

  subjectState(id: number): SubjectState {
    return { messages: this.subjects.counts[id], firstSeq: this.firstOf(id), lastSeq: this.lastOf(id) }
  }

  /** The first living sequence of a subject in use. */
  firstOf(id: number): number {
    if (this.subjects.isFirstStale(id)) this.subjects.settleFirst(id, this.#firstAfterLoss(id))
    return this.subjects.firsts[id]
  }

  /** The former first message of the subject was the one before `firsts[id]`: its link leads on, or a search does. */
  #firstAfterLoss(id: number): number {
    const from = this.subjects.firsts[id]
    const linked = this.#links?.follow(id, from - 1) ?? 0
    if (linked > 0) return linked
    const found = this.nextOfSubject(id, from)
    const looked = found - from + 1
    this.searched += looked
    if (looked > SEARCH_MAX) {
      this.#links ??= new SubjectLinks(this)
      if (!this.#links.isWhole) this.#links.extend(looked)
    }
    return found
  }

  /** The last living sequence of a subject in use. */
  lastOf(id: number): number {
    if (this.subjects.isLastStale(id)) this.subjects.settleLast(id, this.#lastOfSubject(id, this.subjects.lasts[id]))
    return this.subjects.lasts[id]
  }

  /** The last sequence <= upTo of every matching subject, ascending. */
  lastPerSubject(filter: Filter | undefined, upTo: number): number[] {
    const found: number[] = []
    const late = new Set<number>()
    for (const id of filter ? filter.ids : this.subjects.ids()) {
      const last = this.lastOf(id)
      if (last <= upTo) found.push(last)
      else if (this.subjects.firsts[id] <= upTo) late.add(id)
    }
    this.#lastBefore(upTo, late, found)
    return found.sort((a, b) => a - b)
  }

  /** One walk backwards finds, for each wanted subject, its last message at or before `upTo`. */
  #lastBefore(upTo: number, wanted: Set<number>, found: number[]): void {
    for (let r = this.runIndexOf(upTo); r >= 0 && wanted.size > 0; r--) {
      const run = this.runs[r]
      for (let i = run.lowerBound(upTo + 1) - 1; i >= 0 && wanted.size > 0; i--) {
        if (!run.isDead(i) && wanted.delete(run.ids[i])) found.push(run.seqOf(i))
      }
    }
  }

  /** Removed or skipped sequences between the first and the last, ascending. */
  deletedSeqs(): number[] {
    const deleted: number[] = []
    let expected = this.firstSeq
    if (this.messages === 0) return deleted
    for (const run of this.runs) {
      for (let i = run.nextLiving(0); i < run.n; i = run.nextLiving(i + 1)) {
        for (const seq = run.seqOf(i); expected < seq; expected++) deleted.push(expected)
        expected++
      }
    }
    for (; expected <= this.lastSeq; expected++) deleted.push(expected)
    return deleted
  }

  /** Puts `by` where `run` was, with everything that died in `run` meanwhile dead in `by` too. `by` must hold its living entries. */
  replace(run: Run, by: Run | undefined): void {
    this.replaceAll([run], by)
  }

  /** As replace, for neighbouring runs, oldest first; runs that have left the index already may be among them. */
  replaceAll(runs: readonly Run[], by: Run | undefined): void {
    assert(!runs.includes(this.tail), 'the tail is closed before it is replaced')
    const at = this.runs.findIndex((run) => runs.includes(run))
    const live = runs.reduce((sum, run) => sum + run.live, 0)
    if (by) carryOver(runs, by)
    assert((by?.live ?? 0) === live, 'I8: a living message stays in the index')
    if (at < 0) return
    let count = 0
    while (runs.includes(this.runs[at + count])) count++
    this.runs.splice(at, count, ...(by && by.live > 0 ? [by] : []))
  }

  /** Recovery: takes a run that was read from disk, with the dead bits of its checkpoint. Runs come in order. */
  restoreRun(run: Run, dead: Uint32Array | undefined, bytesOf: (i: number) => number): void {
    if (dead) {
      for (let i = 0; i < run.n; i++) {
        if ((dead[i >>> 5] & (1 << (i & 31))) === 0) continue
        run.dead ??= new Uint32Array(dead.length)
        setBit(run.dead, i)
        run.live--
      }
    }
    for (let i = 0; i < run.n; i++) {
      if (run.isDead(i)) continue
      const seq = run.seqOf(i)
      this.subjects.add(run.ids[i], seq)
      if (this.messages++ === 0) this.firstSeq = seq
      this.bytes += bytesOf(i)
    }
    this.lastSeq = Math.max(this.lastSeq, run.endSeq - 1)
    if (this.messages === 0) this.firstSeq = this.lastSeq + 1
    if (this.tail.n === 0) this.runs.pop()
    if (run.live > 0) this.runs.push(run)
    this.runs.push(new Run(this.lastSeq + 1))
  }

  /** The index of the last run that starts at or before `seq`; -1 when there is none. */
  runIndexOf(seq: number): number {
    let low = 0
    let high = this.runs.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.runs[middle].first <= seq) low = middle + 1
      else high = middle
    }
    return low - 1
  }
}

/** Kills every entry of `by` that is dead in the runs that it was copied from. */
function carryOver(runs: readonly Run[], by: Run): void {
  let r = 0
  for (let i = 0; i < by.n; i++) {
    const seq = by.seqOf(i)
    while (runs[r].endSeq <= seq) r++
    const from = runs[r].find(seq)
    const link = runs[r].links?.[from] ?? 0
    if (link > 0) by.setLink(i, link)
    if (runs[r].isDead(from) && !by.isDead(i)) by.kill(i)
  }
}

function lastMatch(run: Run, from: number, match: Uint8Array): number {
  for (let i = from; i >= 0; i--) if (match[run.ids[i]] === 1 && !run.isDead(i)) return i
  return -1
}

function countMatch(run: Run, from: number, match: Uint8Array): number {
  let count = 0
  for (let i = from; i < run.n; i++) if (match[run.ids[i]] === 1 && !run.isDead(i)) count++
  return count
}
