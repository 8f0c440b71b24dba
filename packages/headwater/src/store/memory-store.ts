/** A store without a disk: every stream lives in memory, whatever storage it asks for, and is gone with the process. */
import type { Clock, Turn } from '../base/clock.ts'
import { Log } from './log.ts'
import { MemoryHome } from './memory-home.ts'
import type { RecoveryReport, Store } from './store.ts'
import type { StreamLog, Waiter } from './stream-log.ts'

const NOTHING_FOUND: RecoveryReport = {
  tookMs: 0,
  streams: 0,
  messages: 0,
  replayedRecords: 0,
  tornBytes: 0,
  clean: true,
  damage: [],
  unserved: [],
  repaired: [],
}

/** A log that says that it is a file, for streams that ask for one, and counts as one. */
class FileLikeHome extends MemoryHome {
  override readonly storage: 'file' | 'memory' = 'file'
}

class MemoryStore implements Store {
  readonly recovery: RecoveryReport = NOTHING_FOUND
  readonly congested = false
  readonly poisoned = undefined
  readonly full = false
  onRelieved: (() => void) | undefined
  onPoisoned: ((cause: Error) => void) | undefined
  readonly #clock: Clock
  readonly #turn: Turn
  readonly #logs: Set<StreamLog> = new Set()
  #nextId = 1

  constructor(clock: Clock, turn: Turn) {
    this.#clock = clock
    this.#turn = turn
  }

  streams(): StreamLog[] {
    return [...this.#logs]
  }

  createStream(options: { storage: 'file' | 'memory'; config: string }): StreamLog {
    const home = options.storage === 'file' ? new FileLikeHome(this.#turn) : new MemoryHome(this.#turn)
    const log = new Log({ id: this.#nextId++, config: options.config, home, clock: this.#clock })
    this.#logs.add(log)
    return log
  }

  deleteStream(log: StreamLog): void {
    this.#logs.delete(log)
  }

  whenReadable(waiter: Waiter): void {
    waiter.readable()
  }

  troubles(): string[] {
    return []
  }

  async checkFolder(): Promise<void> {}

  async close(): Promise<void> {}
}

/** Opens an empty store in memory. */
export function openMemoryStore(options: { clock: Clock; turn: Turn }): Store {
  return new MemoryStore(options.clock, options.turn)
}
