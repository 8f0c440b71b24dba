/** The live numbers of a log, read from where they are kept. */
import type { Time } from '../base/time.ts'
import type { Log } from './log.ts'
import type { LogState } from './stream-log.ts'

/** What `StreamLog.state` is. */
export class LogNumbers implements LogState {
  readonly #log: Log

  constructor(log: Log) {
    this.#log = log
  }

  get messages(): number {
    return this.#log.index.messages
  }

  get bytes(): number {
    return this.#log.index.bytes
  }

  get firstSeq(): number {
    const { index } = this.#log
    return index.lastSeq === 0 ? 0 : index.firstSeq
  }

  get lastSeq(): number {
    return this.#log.index.lastSeq
  }

  get firstTime(): Time {
    return this.#log.firstTime
  }

  get lastTime(): Time {
    return this.#log.lastTime
  }

  get subjects(): number {
    return this.#log.index.subjects.size
  }

  get deleted(): number {
    const { index } = this.#log
    return index.messages === 0 ? 0 : index.lastSeq - index.firstSeq + 1 - index.messages
  }
}
