/** What is wrong with a store that still serves, a sentence each: for /healthz, and for whoever is on call. */

/** Places of damage that are named; of more than these only their number is. */
const PLACES_MAX = 20

export class Troubles {
  /** Work behind the commits that failed and is tried again, with why. */
  readonly #failing = new Map<string, string>()
  /** Messages that could not be read; told until the next start, since they are damaged until somebody looks. */
  readonly #unreadable = new Set<string>()
  #unreadableMore = 0
  /** Why a write waits. */
  #waiting: string | undefined

  jobFailed(what: string, cause: unknown): void {
    this.#failing.set(what, textOf(cause))
  }

  jobDone(what: string): void {
    this.#failing.delete(what)
  }

  /** `place` names the file, the byte and what is wrong there. */
  unreadable(place: string): void {
    if (this.#unreadable.has(place)) return
    if (this.#unreadable.size < PLACES_MAX) this.#unreadable.add(place)
    else this.#unreadableMore++
  }

  writeWaits(cause: unknown): void {
    this.#waiting = textOf(cause)
  }

  writeGoesOn(): void {
    this.#waiting = undefined
  }

  /** A sentence each; empty when all is well. */
  sentences(): string[] {
    const told: string[] = []
    if (this.#waiting !== undefined) told.push(`a write to the journal waits, and goes on by itself: ${this.#waiting}`)
    for (const [what, cause] of this.#failing) told.push(`${what} failed and is tried again: ${cause}`)
    for (const place of this.#unreadable) told.push(`a message cannot be read: ${place}`)
    if (this.#unreadableMore > 0) told.push(`${this.#unreadableMore} more reads found messages that cannot be read`)
    return told
  }
}

function textOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause)
}
