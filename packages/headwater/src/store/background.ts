/** Work behind the commits, one job at a time, in order: flushes, deletions, retired files. A job that fails is tried again. */
import type { Clock } from '../base/clock.ts'

const RETRY_MS = 1000

/** Thrown between two steps of a job when the store closes. */
export class Stopped extends Error {}

export class Background {
  readonly #realClock: Clock
  readonly #onFailure: (what: string, cause: unknown) => void
  /** Called when a job that failed before came to its end. */
  readonly #onRecovery: (what: string) => void
  #chain: Promise<void> = Promise.resolve()
  #stopped = false
  #wake: (() => void) | undefined

  constructor(
    realClock: Clock,
    onFailure: (what: string, cause: unknown) => void,
    onRecovery: (what: string) => void = () => {},
  ) {
    this.#realClock = realClock
    this.#onFailure = onFailure
    this.#onRecovery = onRecovery
  }

  /** Runs `job` after the ones before it, again and again until it comes to its end. A job can be repeated. */
  add(what: string, job: () => Promise<void>): void {
    this.#chain = this.#chain.then(() => this.#run(what, job))
  }

  async #run(what: string, job: () => Promise<void>): Promise<void> {
    for (let failures = 0; !this.#stopped; failures++) {
      try {
        await job()
        if (failures > 0) this.#onRecovery(what)
        return
      } catch (cause) {
        if (cause instanceof Stopped || this.#stopped) return
        this.#onFailure(what, cause)
        await this.#pause()
      }
    }
  }

  #pause(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve
      this.#realClock.after(RETRY_MS, resolve)
    })
  }

  checkGoingOn(): void {
    if (this.#stopped) throw new Stopped('the store is closing')
  }

  /** No job begins any more; the one that runs stops at its next step. */
  stop(): void {
    this.#stopped = true
    this.#wake?.()
  }

  /** Resolves when nothing runs. */
  async idle(): Promise<void> {
    let seen: Promise<void> | undefined
    while (seen !== this.#chain) {
      seen = this.#chain
      await seen
    }
  }
}
