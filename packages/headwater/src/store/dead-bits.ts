/** Which entries of a run are removed: one bit each, made at the first removal. */

/** Bits of a run with `n` entries; all false. */
export function makeBits(n: number): Uint32Array {
  return new Uint32Array((n + 31) >>> 5)
}

/** Whether entry `i` is dead. */
export function isSet(bits: Uint32Array, i: number): boolean {
  return (bits[i >>> 5] & (1 << (i & 31))) !== 0
}

/** Makes entry `i` dead. */
export function setBit(bits: Uint32Array, i: number): void {
  bits[i >>> 5] |= 1 << (i & 31)
}

/** The first entry >= from and < n whose bit is clear; n when there is none. Walks words, not bits. */
export function nextClear(bits: Uint32Array, from: number, n: number): number {
  let i = from
  while (i < n) {
    const word = ~bits[i >>> 5] & (-1 << (i & 31))
    if (word !== 0) return Math.min(n, (i & ~31) + 31 - Math.clz32(word & -word))
    i = (i & ~31) + 32
  }
  return n
}

/** The last entry <= from whose bit is clear; -1 when there is none. */
export function lastClear(bits: Uint32Array, from: number): number {
  let i = from
  while (i >= 0) {
    const word = ~bits[i >>> 5] & (-1 >>> (31 - (i & 31)))
    if (word !== 0) return (i & ~31) + 31 - Math.clz32(word)
    i = (i & ~31) - 1
  }
  return -1
}

/** How many bits of entries [from, n) are clear. */
export function countClear(bits: Uint32Array, from: number, n: number): number {
  let count = 0
  for (let i = from; i < n; ) {
    if ((i & 31) === 0 && i + 32 <= n) {
      count += 32 - ones(bits[i >>> 5])
      i += 32
    } else {
      if (!isSet(bits, i)) count++
      i++
    }
  }
  return count
}

function ones(word: number): number {
  let w = word - ((word >>> 1) & 0x55555555)
  w = (w & 0x33333333) + ((w >>> 2) & 0x33333333)
  return Math.imul((w + (w >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24
}
