/**
 * When the time of each pending message is over. HOT: one deadline per delivery, nearly all of them never met.
 *
 * With one ack_wait deadlines come in their order: they wait in a line, and an ack costs nothing there. What falls out of
 * order (a backoff, a nak's delay, a shorter ack_wait) goes to a timer wheel.
 *
 *   line   | seq, at | seq, at | ...   first the soonest; entries whose message is settled, or has another deadline
 *                                      now, stay until they are due, or until they are many: then they are swept out
 */
import type { Clock } from '../../base/clock.ts'
import { TimerWheel } from '../../base/timer-wheel.ts'
import { Alarm } from './alarm.ts'

const FIRST_SIZE = 64
/** A deadline that differs by less is the same: a nak's delay is kept turned back, and floating point rounds. */
const SAME_MS = 1

export interface DeadlinePorts {
  /** When the time of `seq` is over by what is known now, milliseconds of message time; 0 when nothing waits for it. */
  dueMs(seq: number): number
  /** The time of these may be over: the soonest first. */
  expired(seqs: readonly number[]): void
}

export class Deadlines {
  readonly #clock: Clock
  readonly #ports: DeadlinePorts
  readonly #alarm: Alarm
  #wheel: TimerWheel | undefined
  /** A ring of a power of two; `#first` counts on, the mask makes it a place. */
  #seqs = new Float64Array(FIRST_SIZE)
  #times = new Float64Array(FIRST_SIZE)
  #first = 0
  #count = 0
  #lastAtMs = 0

  constructor(clock: Clock, ports: DeadlinePorts) {
    this.#clock = clock
    this.#ports = ports
    this.#alarm = new Alarm(clock, () => this.#ring())
  }

  /** `seq` is due at `atMs`; a former deadline of it does not count any more. */
  schedule(seq: number, atMs: number): void {
    if (this.#count > 0 && atMs < this.#lastAtMs) {
      this.#wheel ??= new TimerWheel(this.#clock, (seqs) => this.#ports.expired(seqs))
      this.#wheel.schedule(seq, atMs)
      return
    }
    if (this.#wheel !== undefined && this.#wheel.size > 0) this.#wheel.cancel(seq)
    if (this.#count === this.#seqs.length) this.#sweep()
    const at = (this.#first + this.#count++) & (this.#seqs.length - 1)
    this.#seqs[at] = seq
    this.#times[at] = atMs
    this.#lastAtMs = atMs
    if (this.#count === 1) this.#alarm.set(atMs)
  }

  /** Nothing waits for `seq` any more. */
  cancel(seq: number): void {
    if (this.#wheel !== undefined && this.#wheel.size > 0) this.#wheel.cancel(seq)
  }

  close(): void {
    this.#alarm.cancel()
    this.#wheel?.close()
    this.#count = 0
  }

  #isCurrent(at: number): boolean {
    const dueMs = this.#ports.dueMs(this.#seqs[at])
    return dueMs !== 0 && dueMs <= this.#times[at] + SAME_MS
  }

  #ring(): void {
    const nowMs = this.#clock.now()
    const mask = this.#seqs.length - 1
    const due: number[] = []
    for (; this.#count > 0; this.#first = (this.#first + 1) & mask, this.#count--) {
      // What is settled is passed over even when it is not due, so that the alarm is set for one that may be met.
      if (!this.#isCurrent(this.#first)) continue
      if (this.#times[this.#first] > nowMs) break
      due.push(this.#seqs[this.#first])
    }
    if (this.#count > 0) this.#alarm.set(this.#times[this.#first])
    if (due.length > 0) this.#ports.expired(due)
  }

  /** The line is full: drops what does not count any more, and grows when that leaves less than half free. */
  #sweep(): void {
    const size = this.#seqs.length
    const mask = size - 1
    let kept = 0
    for (let i = 0; i < this.#count; i++) {
      const from = (this.#first + i) & mask
      if (!this.#isCurrent(from)) continue
      const to = (this.#first + kept++) & mask
      this.#seqs[to] = this.#seqs[from]
      this.#times[to] = this.#times[from]
    }
    this.#count = kept
    if (kept * 2 <= size) return
    const seqs = new Float64Array(size * 2)
    const times = new Float64Array(size * 2)
    for (let i = 0; i < kept; i++) {
      seqs[i] = this.#seqs[(this.#first + i) & mask]
      times[i] = this.#times[(this.#first + i) & mask]
    }
    this.#first = 0
    this.#seqs = seqs
    this.#times = times
  }
}
