/** Randomness that a seed replays: xoshiro128** (Blackman and Vigna), its state filled by a mixing counter. */
import type { Random } from '../random.ts'

export class SeededRandom implements Random {
  #a: number
  #b: number
  #c: number
  #d: number

  /** `seed` is an integer; neighbouring seeds give unrelated sequences. */
  constructor(seed: number) {
    let counter = seed | 0
    const mixed = (): number => {
      counter = (counter + 0x9e3779b9) | 0
      let x = counter ^ (counter >>> 16)
      x = Math.imul(x, 0x21f0aaad)
      x ^= x >>> 15
      x = Math.imul(x, 0x735a2d97)
      return x ^ (x >>> 15)
    }
    this.#a = mixed()
    this.#b = mixed()
    this.#c = mixed()
    this.#d = mixed()
  }

  /** 32 random bits, from 0 to 2^32 - 1. */
  bits(): number {
    const five = Math.imul(this.#b, 5)
    const result = Math.imul((five << 7) | (five >>> 25), 9)
    const shifted = this.#b << 9
    this.#c ^= this.#a
    this.#d ^= this.#b
    this.#b ^= this.#c
    this.#a ^= this.#d
    this.#c ^= shifted
    this.#d = (this.#d << 11) | (this.#d >>> 21)
    return result >>> 0
  }

  below(below: number): number {
    return Math.floor((this.bits() / 0x1_0000_0000) * below)
  }

  bytes(length: number): Uint8Array {
    const bytes = new Uint8Array(length)
    for (let at = 0; at < length; at++) bytes[at] = this.bits() >>> 24
    return bytes
  }

  /** An integer from `low` to `high`, both included. */
  between(low: number, high: number): number {
    return low + this.below(high - low + 1)
  }

  /** A number from 0 to 1 (excluded). */
  fraction(): number {
    return this.bits() / 0x1_0000_0000
  }

  /** True with this probability. */
  chance(probability: number): boolean {
    return this.fraction() < probability
  }

  /** One of `items`, which must not be empty. */
  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)]
  }

  /** A generator of its own, so that one part's draws do not shift another's. */
  fork(): SeededRandom {
    return new SeededRandom(this.bits())
  }
}
