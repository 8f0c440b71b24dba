/** A clock that only a test or a simulation moves: hours pass in microseconds, and timers fire in the order of their times. */
import type { Clock, Timer } from '../clock.ts'

interface Entry {
  atMs: number
  readonly fire: () => void
}

/** 2026-01-01T00:00:00Z: a fixed start, so that two runs see the same times. */
export const VIRTUAL_START_MS = 1_767_225_600_000

export class VirtualClock implements Clock {
  #nowMs: number
  /** Soonest first; equal times in the order in which they were asked for. */
  #entries: Entry[] = []

  constructor(startMs: number = VIRTUAL_START_MS) {
    this.#nowMs = startMs
  }

  now(): number {
    return this.#nowMs
  }

  after(ms: number, fire: () => void): Timer {
    const entry: Entry = { atMs: this.#nowMs + Math.max(0, ms), fire }
    this.#entries.splice(this.#placeAfter(entry.atMs), 0, entry)
    return {
      cancel: () => {
        const at = this.#entries.indexOf(entry)
        if (at >= 0) this.#entries.splice(at, 1)
      },
    }
  }

  /** When the next timer fires; undefined when there is none. */
  get nextAtMs(): number | undefined {
    return this.#entries[0]?.atMs
  }

  /** Timers that have not fired yet. */
  get pending(): number {
    return this.#entries.length
  }

  /** Sets the clock back, as somebody does while no process runs: what was scheduled keeps its distance. */
  setBack(ms: number): void {
    this.#nowMs -= ms
    for (const entry of this.#entries) entry.atMs -= ms
  }

  /** Moves time on by `ms`, firing on the way what falls due, including what the fired calls ask for. */
  advance(ms: number): void {
    const untilMs = this.#nowMs + ms
    while (this.#entries.length > 0 && this.#entries[0].atMs <= untilMs) this.fireNext()
    this.#nowMs = Math.max(this.#nowMs, untilMs)
  }

  /** Jumps to the next timer and fires that one alone; false when there is none. */
  fireNext(): boolean {
    const entry = this.#entries.shift()
    if (!entry) return false
    this.#nowMs = Math.max(this.#nowMs, entry.atMs)
    entry.fire()
    return true
  }

  /** The first place whose entry is later than `atMs`. */
  #placeAfter(atMs: number): number {
    let low = 0
    let high = this.#entries.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#entries[middle].atMs <= atMs) low = middle + 1
      else high = middle
    }
    return low
  }
}
