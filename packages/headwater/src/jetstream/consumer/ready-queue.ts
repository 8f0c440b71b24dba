/** Messages whose delivery has ended and that are to be delivered again: first come, first out, and any may be taken out. */

export class ReadyQueue {
  readonly #seqs = new Set<number>()
  /** A live walk over the set, so that taking from the front does not step over what was taken before. */
  #walk: Iterator<number> | undefined
  #head = 0

  get size(): number {
    return this.#seqs.size
  }

  has(seq: number): boolean {
    return this.#seqs.has(seq)
  }

  /** Adds at the end; nothing when it is there already. */
  add(seq: number): void {
    this.#seqs.add(seq)
  }

  /** Takes one out, wherever it stands; false when it is not there. */
  remove(seq: number): boolean {
    if (!this.#seqs.delete(seq)) return false
    if (seq === this.#head) this.#head = 0
    return true
  }

  /** The first; 0 when empty. It stays until it is removed. */
  first(): number {
    if (this.#head !== 0) return this.#head
    if (this.#seqs.size === 0) {
      this.#walk = undefined
      return 0
    }
    for (;;) {
      this.#walk ??= this.#seqs.values()
      const next = this.#walk.next()
      if (!next.done) return (this.#head = next.value)
      this.#walk = undefined
    }
  }

  values(): IterableIterator<number> {
    return this.#seqs.values()
  }

  clear(): void {
    this.#seqs.clear()
    this.#walk = undefined
    this.#head = 0
  }
}
