/** A turn that ends when a test or a simulation says so. */
import type { Turn } from '../clock.ts'

export class ManualTurn implements Turn {
  #ends: (() => void)[] = []

  atEnd(end: () => void): void {
    this.#ends.push(end)
  }

  /** Calls that wait for the end of the turn. */
  get pending(): number {
    return this.#ends.length
  }

  /** Ends the turn: runs what was asked for so far; what these calls ask for belongs to the next turn. Returns how many ran. */
  run(): number {
    const ends = this.#ends
    this.#ends = []
    for (const end of ends) end()
    return ends.length
  }
}
