/** A consumer as the store knows it: an opaque configuration, and progress whose every change is told to the log's home. */
import { ConsumerProgress, type ProgressEvent } from './consumer-progress.ts'
import type { Log } from './log.ts'
import type { ProgressRun } from './progress-run.ts'
import type { ConsumerLog } from './stream-log.ts'

export class LoggedConsumer implements ConsumerLog {
  readonly id: number
  readonly progress: ConsumerProgress
  /** What gathers for its next record; kept and made by a home that records. */
  run: ProgressRun | undefined
  readonly #log: Log
  #config: string

  constructor(log: Log, id: number, config: string, progress: ConsumerProgress = new ConsumerProgress()) {
    this.#log = log
    this.id = id
    this.#config = config
    this.progress = progress
  }

  get config(): string {
    return this.#config
  }

  setConfig(config: string): void {
    this.#config = config
    this.#log.home.consumerChanged(this.#log, this, 'updated')
  }

  record(event: ProgressEvent, urgency: 'now' | 'later'): void {
    this.progress.apply(event)
    this.#log.home.progressed(this.#log, this, event, urgency)
  }

  /** Recovery: the configuration as it was recorded. */
  restoreConfig(config: string): void {
    this.#config = config
  }
}
