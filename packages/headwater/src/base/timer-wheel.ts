/**
 * One timer for very many deadlines, each known by a number: a hierarchical timing wheel (Varghese and Lauck, 1987).
 *
 * HOT: a consumer schedules a deadline for every delivery and cancels nearly all of them, so both are O(1) and allocate
 * nothing once the arrays have grown; 40 bytes and a Map entry each (timer-wheel.bench.ts).
 *
 *   level 0   64 slots of 1 ms        the next 63 ms
 *   level 1   64 slots of 64 ms       the next 4 s          A slot is a doubly linked list. When time enters a slot of a
 *   level 2   64 slots of 4 s         the next 4 minutes    higher level, its deadlines move to the levels below; those
 *   ...                                                     of level 0 are due. Empty slots cost nothing.
 *   level 5   64 slots of 12 days     the next 2 years; what is later waits in its last slot and is filed again
 */
import { assert } from './assert.ts'
import type { Clock, Timer } from './clock.ts'

const LEVELS = 6
const SLOTS = 64
/** Ticks of one slot, by level. */
const WIDTHS: readonly number[] = Array.from({ length: LEVELS }, (_, level) => SLOTS ** level)
const LONGEST_TICKS = SLOTS ** LEVELS - 1
const NONE = -1

export class TimerWheel {
  readonly #clock: Clock
  readonly #expired: (keys: readonly number[]) => void
  /** Ticks are milliseconds since this. */
  readonly #originMs: number
  /** Everything at or before this tick is done. */
  #tick = 0
  readonly #entryOf = new Map<number, number>()
  /** Columns of entries. Free ones are chained by `#next` from `#free`. */
  #keys = new Float64Array(16)
  #ticks = new Float64Array(16)
  #next = new Int32Array(16)
  #previous = new Int32Array(16)
  #slots = new Int16Array(16)
  #used = 0
  #free = NONE
  readonly #heads = new Int32Array(LEVELS * SLOTS).fill(NONE)
  readonly #tails = new Int32Array(LEVELS * SLOTS).fill(NONE)
  #timer: Timer | undefined
  #armedTick = Number.POSITIVE_INFINITY
  readonly #fire = (): void => this.#fired()

  /** `expired` gets the keys that are due, soonest first, at most once a millisecond; they are no longer scheduled then. */
  constructor(clock: Clock, expired: (keys: readonly number[]) => void) {
    this.#clock = clock
    this.#expired = expired
    this.#originMs = clock.now()
  }

  /** Deadlines that are scheduled. */
  get size(): number {
    return this.#entryOf.size
  }

  /** Makes `key` due at `atMs` (the clock's time), never earlier and within a millisecond after; replaces its former deadline. */
  schedule(key: number, atMs: number): void {
    if (this.#entryOf.size === 0) this.#tick = Math.max(this.#tick, this.#tickNow())
    let entry = this.#entryOf.get(key)
    if (entry === undefined) {
      entry = this.#takeEntry()
      this.#entryOf.set(key, entry)
      this.#keys[entry] = key
    } else {
      this.#unlink(entry)
    }
    this.#ticks[entry] = Math.max(this.#tick + 1, Math.ceil(atMs - this.#originMs))
    this.#armBy(this.#link(entry))
  }

  /** Forgets the deadline of `key`; false when it has none. */
  cancel(key: number): boolean {
    const entry = this.#entryOf.get(key)
    if (entry === undefined) return false
    this.#entryOf.delete(key)
    this.#unlink(entry)
    this.#release(entry)
    return true
  }

  /** No deadline is earlier than this (the clock's time); undefined when there is none. */
  next(): number | undefined {
    const tick = this.#nextSlotTick()
    return tick === Number.POSITIVE_INFINITY ? undefined : this.#originMs + tick
  }

  /** Forgets every deadline and stops the timer. */
  close(): void {
    this.#timer?.cancel()
    this.#armedTick = Number.POSITIVE_INFINITY
    this.#entryOf.clear()
    this.#heads.fill(NONE)
    this.#tails.fill(NONE)
    this.#used = 0
    this.#free = NONE
  }

  #tickNow(): number {
    return Math.floor(this.#clock.now() - this.#originMs)
  }

  /** Has the timer fire at `tick` or before. */
  #armBy(tick: number): void {
    if (tick >= this.#armedTick) return
    this.#timer?.cancel()
    this.#armedTick = tick
    this.#timer = this.#clock.after(this.#originMs + tick - this.#clock.now(), this.#fire)
  }

  #fired(): void {
    this.#armedTick = Number.POSITIVE_INFINITY
    const due = this.#advance(this.#tickNow())
    try {
      if (due.length > 0) this.#expired(due)
    } finally {
      const next = this.#nextSlotTick()
      if (next !== Number.POSITIVE_INFINITY) this.#armBy(next)
    }
  }

  /** Moves time on to `until`, from one occupied slot to the next; returns the keys that fell due. */
  #advance(until: number): number[] {
    const due: number[] = []
    for (;;) {
      const next = this.#nextSlotTick()
      if (next > until) break
      this.#tick = next
      for (let level = LEVELS - 1; level >= 0; level--) {
        if (next % WIDTHS[level] === 0) this.#empty(slotAt(level, next), due)
      }
    }
    this.#tick = Math.max(this.#tick, until)
    return due
  }

  /** Takes every entry out of a slot: to `due`, or to where it belongs now. */
  #empty(slot: number, due: number[]): void {
    let entry = this.#heads[slot]
    this.#heads[slot] = NONE
    this.#tails[slot] = NONE
    while (entry !== NONE) {
      const following = this.#next[entry]
      if (this.#ticks[entry] <= this.#tick) {
        const key = this.#keys[entry]
        due.push(key)
        this.#entryOf.delete(key)
        this.#release(entry)
      } else {
        this.#link(entry)
      }
      entry = following
    }
  }

  /** The tick at which the first occupied slot begins; infinity when all are empty. */
  #nextSlotTick(): number {
    let soonest = Number.POSITIVE_INFINITY
    if (this.#entryOf.size === 0) return soonest
    for (let level = 0; level < LEVELS; level++) {
      const width = WIDTHS[level]
      const current = Math.floor(this.#tick / width)
      for (let ahead = 1; ahead <= SLOTS; ahead++) {
        if (this.#heads[level * SLOTS + ((current + ahead) % SLOTS)] === NONE) continue
        soonest = Math.min(soonest, (current + ahead) * width)
        break
      }
    }
    return soonest
  }

  /** Files an entry by its distance; returns the tick at which its slot begins. */
  #link(entry: number): number {
    const distance = Math.min(this.#ticks[entry] - this.#tick, LONGEST_TICKS)
    assert(distance >= 1, 'a deadline in the past is never filed')
    let level = 0
    while (distance >= WIDTHS[level] * SLOTS) level++
    const tick = this.#tick + distance
    const slot = slotAt(level, tick)
    const last = this.#tails[slot]
    this.#slots[entry] = slot
    this.#next[entry] = NONE
    this.#previous[entry] = last
    if (last === NONE) this.#heads[slot] = entry
    else this.#next[last] = entry
    this.#tails[slot] = entry
    return tick - (tick % WIDTHS[level])
  }

  #unlink(entry: number): void {
    const slot = this.#slots[entry]
    const next = this.#next[entry]
    const previous = this.#previous[entry]
    if (previous === NONE) this.#heads[slot] = next
    else this.#next[previous] = next
    if (next === NONE) this.#tails[slot] = previous
    else this.#previous[next] = previous
  }

  #takeEntry(): number {
    if (this.#free !== NONE) {
      const entry = this.#free
      this.#free = this.#next[entry]
      return entry
    }
    if (this.#used === this.#keys.length) this.#grow()
    return this.#used++
  }

  #release(entry: number): void {
    this.#next[entry] = this.#free
    this.#free = entry
  }

  #grow(): void {
    const length = this.#keys.length * 2
    const grown = <T extends Float64Array | Int32Array | Int16Array>(from: T, into: T): T => {
      into.set(from)
      return into
    }
    this.#keys = grown(this.#keys, new Float64Array(length))
    this.#ticks = grown(this.#ticks, new Float64Array(length))
    this.#next = grown(this.#next, new Int32Array(length))
    this.#previous = grown(this.#previous, new Int32Array(length))
    this.#slots = grown(this.#slots, new Int16Array(length))
  }
}

/** The list of a level's slot that holds `tick`. */
function slotAt(level: number, tick: number): number {
  return level * SLOTS + (Math.floor(tick / WIDTHS[level]) % SLOTS)
}
