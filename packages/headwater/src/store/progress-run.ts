/**
 * Progress that gathers: a run of first deliveries of one moment, or of acknowledgements, becomes one record when its
 * frame closes or something else happens to the consumer. HOT: once per delivery and once per ack, nothing is allocated.
 *
 *   ranges of stream sequences: | first, count | first, count | ...    deliveries: their consumer sequences are consecutive
 */
import type { ProgressEvent } from './consumer-progress.ts'

/** A full run is written and the next one begins. */
export const RANGES_MAX = 64
/** So that a reader may trust a count: more than fits in a frame is never in one run. */
export const RUN_EVENTS_MAX = 1_000_000

export class ProgressRun {
  /** '' when nothing has gathered. */
  what: '' | 'delivered' | 'settled' = ''
  tracked = true
  atMs = 0
  /** Of the first delivery. */
  consumerSeq = 0
  /** Events in it. */
  count = 0
  ranges = 0
  readonly firsts: Float64Array = new Float64Array(RANGES_MAX)
  readonly counts: Uint32Array = new Uint32Array(RANGES_MAX)
  /** One beyond the last range. */
  #nextSeq = 0

  /** Takes `event` in when it goes on where the run ends, or begins one. False for every other: write the run first. */
  take(event: ProgressEvent): boolean {
    if (event.what === 'delivered') {
      if (event.deliveries !== 1) return false
      if (this.what === '') {
        this.what = 'delivered'
        this.tracked = event.tracked
        this.atMs = event.atMs
        this.consumerSeq = event.consumerSeq
      } else if (
        this.what !== 'delivered' ||
        event.consumerSeq !== this.consumerSeq + this.count ||
        event.atMs !== this.atMs ||
        event.tracked !== this.tracked
      ) {
        return false
      }
      return this.#add(event.streamSeq)
    }
    if (event.what !== 'settled') return false
    if (this.what === '') this.what = 'settled'
    else if (this.what !== 'settled') return false
    return this.#add(event.streamSeq)
  }

  clear(): void {
    this.what = ''
    this.count = 0
    this.ranges = 0
  }

  #add(seq: number): boolean {
    if (this.count === RUN_EVENTS_MAX) return false
    if (this.ranges > 0 && seq === this.#nextSeq) {
      this.counts[this.ranges - 1]++
    } else {
      if (this.ranges === RANGES_MAX) return false
      this.firsts[this.ranges] = seq
      this.counts[this.ranges++] = 1
    }
    this.#nextSeq = seq + 1
    this.count++
    return true
  }
}
