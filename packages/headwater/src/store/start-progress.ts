/** Says how far a start is, once a second, while it takes long: a line in the log, with numbers for whoever reads them. */
import type { Clock } from '../base/clock.ts'
import type { Logger } from '../base/log.ts'

/** A start that takes longer than this says where it is, and again after as long. */
const PATIENCE_MS = 1000

export class StartProgress {
  readonly #clock: Clock
  readonly #log: Logger
  readonly #startMs: number
  #saidMs: number
  #doneBytes = 0
  #totalBytes = 0

  constructor(clock: Clock, log: Logger) {
    this.#clock = clock
    this.#log = log
    this.#startMs = clock.now()
    this.#saidMs = this.#startMs
  }

  /** There are so many more bytes to read. */
  expect(bytes: number): void {
    this.#totalBytes += bytes
  }

  /** So many bytes were read; `doing` is what comes next, in words. */
  step(bytes: number, doing: string): void {
    this.#doneBytes += bytes
    const nowMs = this.#clock.now()
    if (nowMs - this.#saidMs < PATIENCE_MS) return
    this.#saidMs = nowMs
    const seconds = Math.round((nowMs - this.#startMs) / 1000)
    const percent = this.#totalBytes === 0 ? 0 : Math.min(99, Math.floor((100 * this.#doneBytes) / this.#totalBytes))
    this.#log.info({ percent, seconds, doing }, `starting: ${percent}% after ${seconds} s, ${doing}`)
  }
}
