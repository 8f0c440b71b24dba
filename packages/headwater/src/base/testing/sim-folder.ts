/** The names in one simulated folder, twice: as processes see them, and as they are on the platter. */
import type { SeededRandom } from './seeded-random.ts'
import type { SimFileData } from './sim-file-data.ts'

export type SimNode = SimFolder | SimFileData

/** Names that change together (a rename is two); undefined removes. */
interface Change {
  readonly number: number
  readonly names: ReadonlyMap<string, SimNode | undefined>
}

export class SimFolder {
  #names = new Map<string, SimNode>()
  readonly #platter = new Map<string, SimNode>()
  /** Made and not synced, oldest first. */
  #changes: Change[] = []
  #lastNumber = 0

  get(name: string): SimNode | undefined {
    return this.#names.get(name)
  }

  names(): string[] {
    return [...this.#names.keys()].sort()
  }

  nodes(): SimNode[] {
    return [...this.#names.values()]
  }

  change(names: Record<string, SimNode | undefined>): void {
    const change = { number: ++this.#lastNumber, names: new Map(Object.entries(names)) }
    this.#changes.push(change)
    apply(this.#names, change)
  }

  /** What a sync that starts now promises: give it to `persist` when it ends. */
  get lastChange(): number {
    return this.#lastNumber
  }

  /** Makes the changes up to `lastChange` durable. */
  persist(lastChange: number): void {
    for (const change of this.#changes) if (change.number <= lastChange) apply(this.#platter, change)
    this.#changes = this.#changes.filter((change) => change.number > lastChange)
  }

  /** The power goes: changes that were not synced survive or not, alone or as a prefix, as `random` says. */
  powerCut(random: SeededRandom): void {
    const kept = random.below(this.#changes.length + 1)
    const inOrder = random.chance(0.5)
    this.#changes.forEach((change, at) => {
      if (inOrder ? at < kept : random.chance(0.5)) apply(this.#platter, change)
    })
    this.#changes = []
    this.#names = new Map(this.#platter)
  }
}

function apply(names: Map<string, SimNode>, change: Change): void {
  for (const [name, node] of change.names) {
    if (node) names.set(name, node)
    else names.delete(name)
  }
}
