/** Randomness as a seam: ids, queue-group choice and jitter come from here, so that a seed can replay them. */
import { randomBytes } from 'node:crypto'

/** A source of random numbers. */
export interface Random {
  /** An integer from 0 to `below` - 1. `below` is between 1 and 2^32. */
  below(below: number): number
  /** `length` random bytes, fit for secrets in the real implementation. */
  bytes(length: number): Uint8Array
}

/** The operating system's randomness, drawn in blocks. The only use of node:crypto's randomness. */
export class SystemRandom implements Random {
  #pool = new Uint32Array(0)
  #next = 0

  below(below: number): number {
    if (this.#next === this.#pool.length) {
      const block = randomBytes(4096)
      this.#pool = new Uint32Array(block.buffer, block.byteOffset, block.length / 4)
      this.#next = 0
    }
    // The bias of scaling 32 random bits is at most below / 2^32: nothing here needs less.
    return Math.floor((this.#pool[this.#next++] / 0x1_0000_0000) * below)
  }

  bytes(length: number): Uint8Array {
    return randomBytes(length)
  }
}
