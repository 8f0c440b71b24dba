/** The progress of a consumer that lives in memory only: nothing is journalled, and it is gone after a restart (mem_storage). */
import { ConsumerProgress, type ProgressEvent } from '../../store/consumer-progress.ts'
import type { ConsumerLog } from '../../store/stream-log.ts'

export class MemoryConsumerLog implements ConsumerLog {
  readonly id = -1
  readonly progress: ConsumerProgress = new ConsumerProgress()
  #config: string

  constructor(config: string) {
    this.#config = config
  }

  get config(): string {
    return this.#config
  }

  setConfig(config: string): void {
    this.#config = config
  }

  record(event: ProgressEvent): void {
    this.progress.apply(event)
  }
}
