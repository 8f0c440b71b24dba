/** Draws from a seed: the same seed draws the same on every target. */
export class Draw {
  private state: number

  constructor(seed: number) {
    this.state = (seed * 0x9e3779b9) >>> 0
  }

  /** An integer from 0 to `bound` - 1. */
  below(bound: number): number {
    this.state = (this.state + 0x6d2b79f5) >>> 0
    let t = this.state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) % bound
  }

  chance(percent: number): boolean {
    return this.below(100) < percent
  }

  from<T>(values: readonly T[]): T {
    return values[this.below(values.length)]
  }
}
