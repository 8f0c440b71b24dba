/** What the account's streams take up, against what it may: bytes by storage, reservations, numbers of streams and consumers. */
import type { EngineLimits } from './environment.ts'
import type { Stream } from './stream/stream.ts'

type Storage = 'file' | 'memory'

export class AccountUsage {
  readonly #limits: EngineLimits
  readonly #streams: () => Iterable<Stream>
  /** Bytes that may still come before the exact sum must be taken again. Only ever too small. */
  readonly #headroom: Record<Storage, number> = { file: 0, memory: 0 }

  constructor(limits: EngineLimits, streams: () => Iterable<Stream>) {
    this.#limits = limits
    this.#streams = streams
  }

  /** Living bytes of all streams of one storage. */
  bytes(storage: Storage): number {
    let sum = 0
    for (const stream of this.#streams()) if (stream.storage === storage) sum += stream.log.state.bytes
    return sum
  }

  /** The sum of the streams' max_bytes: promised to them, used or not. */
  reserved(storage: Storage): number {
    let sum = 0
    for (const stream of this.#streams()) {
      if (stream.storage === storage && stream.config.max_bytes > 0) sum += stream.config.max_bytes
    }
    return sum
  }

  limitOf(storage: Storage): number {
    return storage === 'file' ? this.#limits.maxStorageBytes : this.#limits.maxMemoryBytes
  }

  /** Whether `bytes` more would pass the account's limit. HOT: adds up the streams only when the known headroom is used up. */
  exceeds(storage: Storage, bytes: number): boolean {
    const limit = this.limitOf(storage)
    if (limit < 0) return false
    this.#headroom[storage] -= bytes
    if (this.#headroom[storage] >= 0) return false
    this.#headroom[storage] = limit - this.bytes(storage) - bytes
    if (this.#headroom[storage] >= 0) return false
    this.#headroom[storage] = 0
    return true
  }
}
