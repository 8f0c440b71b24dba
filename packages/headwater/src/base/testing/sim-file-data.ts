/** The bytes of one simulated file, twice: as processes see them (the page cache), and as they are on the platter. */
import type { SeededRandom } from './seeded-random.ts'

/** What the disk writes whole or not at all. */
export const SECTOR_BYTES = 512

export class SimFileData {
  /** As processes see it; valid up to `length`. */
  #cached: Uint8Array = new Uint8Array(0)
  length = 0
  #platter: Uint8Array = new Uint8Array(0)
  #platterLength = 0
  /** Sectors that are newer in the cache than on the platter. */
  readonly #dirty = new Set<number>()
  /** Open descriptors. */
  opened = 0

  /** Puts up to `limit` bytes of the chunks into the cache, from `at`. Returns how many. */
  write(chunks: readonly Uint8Array[], at: number, limit: number = Number.POSITIVE_INFINITY): number {
    let written = 0
    for (const chunk of chunks) {
      const part = chunk.subarray(0, Math.min(chunk.length, limit - written))
      if (part.length === 0) continue
      this.#cached = grown(this.#cached, at + written + part.length)
      this.#cached.set(part, at + written)
      written += part.length
    }
    if (written === 0) return 0
    // A gap after the old end is zeros, and as new as the rest.
    for (const sector of sectorsOf(Math.min(at, this.length), at + written)) this.#dirty.add(sector)
    this.length = Math.max(this.length, at + written)
    return written
  }

  read(into: Uint8Array, at: number): number {
    const part = this.#cached.subarray(Math.min(at, this.length), Math.min(at + into.length, this.length))
    into.set(part)
    return part.length
  }

  truncate(bytes: number): void {
    this.#cached = grown(this.#cached, bytes)
    this.#cached.fill(0, bytes)
    for (const sector of sectorsOf(Math.min(bytes, this.length), Math.max(bytes, this.length))) this.#dirty.add(sector)
    this.length = bytes
  }

  /** Sectors that a sync which starts now promises. */
  dirtySectors(): number[] {
    return [...this.#dirty]
  }

  /** Makes these sectors and the length durable; default: all. */
  persist(sectors: Iterable<number> = this.dirtySectors()): void {
    for (const sector of sectors) this.#persistSector(sector)
    this.#setPlatterLength(this.length)
  }

  /** Makes `[at, end)` and the length durable, as a write through a descriptor that syncs does. */
  persistRange(at: number, end: number): void {
    this.persist(sectorsOf(at, end))
  }

  /** A failed sync, as on Linux: the pages stay readable and count as clean, so no later sync writes them. */
  forget(sectors: Iterable<number> = this.dirtySectors()): void {
    for (const sector of sectors) this.#dirty.delete(sector)
  }

  /** As forget, of the sectors of `[at, end)`. */
  forgetRange(at: number, end: number): void {
    this.forget(sectorsOf(at, end))
  }

  /** The power goes: of what was not synced, sectors survive as `random` says; the length is any of the possible ones. */
  powerCut(random: SeededRandom): void {
    const dirty = this.dirtySectors().sort((a, b) => a - b)
    const kept = random.pick([keepNone, keepAll, keepPrefix, keepSome, keepAllButOne])(dirty, random)
    const lengths = [this.#platterLength, this.length]
    // A sector in the middle was overwritten in place: that makes no file shorter than it was known to be.
    const keptEnd = kept.length === 0 ? 0 : (kept[kept.length - 1] + 1) * SECTOR_BYTES
    lengths.push(Math.min(this.length, Math.max(this.#platterLength, keptEnd)))
    const length = kept.length === dirty.length && random.chance(0.5) ? this.length : random.pick(lengths)
    for (const sector of kept) this.#persistSector(sector)
    this.#setPlatterLength(length)
    this.#dirty.clear()
    this.length = length
    this.#cached = this.#platter.slice()
  }

  /** Flips one bit, in the cache and on the platter. */
  flip(bit: number): void {
    for (const bytes of [this.#cached, this.#platter]) if (bit >>> 3 < bytes.length) bytes[bit >>> 3] ^= 1 << (bit & 7)
  }

  #persistSector(sector: number): void {
    const start = sector * SECTOR_BYTES
    const end = Math.min(start + SECTOR_BYTES, this.#cached.length)
    if (start < end) {
      this.#platter = grown(this.#platter, end)
      this.#platter.set(this.#cached.subarray(start, end), start)
    }
    this.#dirty.delete(sector)
  }

  #setPlatterLength(length: number): void {
    this.#platter = grown(this.#platter, length)
    this.#platter.fill(0, length)
    this.#platterLength = length
  }
}

function* sectorsOf(at: number, end: number): Generator<number> {
  for (let sector = Math.floor(at / SECTOR_BYTES); sector * SECTOR_BYTES < end; sector++) yield sector
}

/** `bytes` with room for `length`, zeros after its end. */
function grown(bytes: Uint8Array, length: number): Uint8Array {
  if (bytes.length >= length) return bytes
  const larger = new Uint8Array(Math.max(length, Math.min(bytes.length * 2, bytes.length + 65_536), SECTOR_BYTES))
  larger.set(bytes)
  return larger
}

type Keep = (dirty: number[], random: SeededRandom) => number[]
const keepNone: Keep = () => []
const keepAll: Keep = (dirty) => dirty
const keepPrefix: Keep = (dirty, random) => dirty.slice(0, random.below(dirty.length + 1))
const keepSome: Keep = (dirty, random) => dirty.filter(() => random.chance(0.5))
const keepAllButOne: Keep = (dirty, random) => {
  const lost = random.below(Math.max(1, dirty.length))
  return dirty.filter((_, at) => at !== lost)
}
