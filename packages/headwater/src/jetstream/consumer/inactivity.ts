/** Deletes a consumer that nobody has used for its inactive_threshold, in message time. */
import type { Environment } from '../environment.ts'
import { Alarm } from './alarm.ts'

/** A pull consumer lives a little longer, at random, so that many do not end together (5.1). */
const JITTER_MS_MIN = 100
const JITTER_MS_SPAN = 900

export interface InactivityPorts {
  /** Someone listens or waits for messages now. */
  inUse(): boolean
  /** When the last acknowledgement that may still come is due, milliseconds of message time; 0 when none is. */
  lastAckDueMs(): number
  delete(): void
}

export class Inactivity {
  readonly #env: Environment
  readonly #ports: InactivityPorts
  readonly #alarm: Alarm
  #thresholdMs = 0
  #lastUsedMs: number
  /** Whether the clock was read in this turn. */
  #isFresh = false
  readonly #turnEnded = (): void => {
    this.#isFresh = false
  }

  constructor(env: Environment, ports: InactivityPorts) {
    this.#env = env
    this.#ports = ports
    this.#lastUsedMs = env.clock.now()
    this.#alarm = new Alarm(env.clock, () => this.#look())
  }

  /** 0 milliseconds: never deleted. `jitter` for pull consumers. */
  setThreshold(ms: number, jitter: boolean): void {
    this.#alarm.cancel()
    this.#thresholdMs = ms > 0 && jitter ? ms + JITTER_MS_MIN + this.#env.random.below(JITTER_MS_SPAN) : ms
    if (ms > 0) this.#alarm.set(this.#env.clock.now() + this.#thresholdMs)
  }

  /** When it was used last, milliseconds of message time. */
  get lastUsedMs(): number {
    return this.#lastUsedMs
  }

  /** It was used now; returns the time. */
  touch(): number {
    this.#lastUsedMs = this.#env.clock.now()
    return this.#lastUsedMs
  }

  /** It was used in this turn: one look at the clock for all of the turn. HOT. */
  usedInTurn(): void {
    if (this.#isFresh) return
    this.#isFresh = true
    this.#lastUsedMs = this.#env.clock.now()
    this.#env.turn.atEnd(this.#turnEnded)
  }

  /** It was used at `nowMs`: for callers that have looked at the clock already. */
  usedAt(nowMs: number): void {
    this.#lastUsedMs = nowMs
  }

  close(): void {
    this.#alarm.cancel()
  }

  #look(): void {
    const nowMs = this.#env.clock.now()
    const unusedSinceMs = this.#ports.inUse() ? nowMs : Math.max(this.#lastUsedMs, this.#ports.lastAckDueMs())
    const endMs = unusedSinceMs + this.#thresholdMs
    if (nowMs < endMs) this.#alarm.set(endMs)
    else this.#ports.delete()
  }
}
