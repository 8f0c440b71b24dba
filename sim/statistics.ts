/** What a run exercised: counts by name, merged over seeds, printed as a table in which a dead corner is seen. */

export class Statistics {
  readonly #counts = new Map<string, number>()

  count(name: string, times = 1): void {
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + times)
  }

  get(name: string): number {
    return this.#counts.get(name) ?? 0
  }

  add(other: Statistics): void {
    for (const [name, times] of other.#counts) this.count(name, times)
  }

  /** Those of `names` that never happened. */
  never(names: readonly string[]): string[] {
    return names.filter((name) => this.get(name) === 0)
  }

  /** Rows in the order of their names, three side by side. */
  table(): string {
    const rows = [...this.#counts].sort(([a], [b]) => (a < b ? -1 : 1))
    const cells = rows.map(([name, times]) => `${String(times).padStart(9)}  ${name.padEnd(34)}`)
    const height = Math.ceil(cells.length / 3)
    const lines: string[] = []
    for (let at = 0; at < height; at++) {
      const line = [cells[at], cells[at + height], cells[at + 2 * height]].filter((cell) => cell !== undefined)
      lines.push(line.join('').trimEnd())
    }
    return lines.join('\n')
  }
}

/** What a run of this many seeds or more must have done at least once, or it fails: a corner that nobody visits guards nothing. */
export const SEEDS_OF_A_WHOLE_RUN = 300
