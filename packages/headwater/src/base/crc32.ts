/**
 * CRC-32 (IEEE 802.3), as zlib computes it. HOT: runs over every record that is written, and every one read from disk.
 * Slicing by eight in JavaScript below 256 bytes, zlib's above: a call into zlib alone costs more than 128 bytes here.
 */
import { crc32 as zlibCrc32 } from 'node:zlib'

/** From this length on zlib is faster; measured in store/record.bench.ts. */
const NATIVE_FROM_BYTES = 256

/** Eight tables of 256 entries in one: one array, whose place and length the compiler knows. */
const TABLES = makeTables()

/** Table k gives the effect of a byte that k more bytes follow. */
function makeTables(): Int32Array {
  const tables = new Int32Array(8 * 256)
  for (let n = 0; n < 256; n++) {
    let c = n
    for (let bit = 0; bit < 8; bit++) c = c & 1 ? (c >>> 1) ^ 0xedb88320 : c >>> 1
    tables[n] = c
  }
  for (let n = 0; n < 256; n++) {
    for (let k = 1; k < 8; k++) {
      const before = tables[(k - 1) * 256 + n]
      tables[k * 256 + n] = (before >>> 8) ^ tables[before & 255]
    }
  }
  return tables
}

/**
 * The checksum of `bytes[start, end)`, as an unsigned 32 bit number. With a `view` of exactly the same bytes, four bytes are
 * loaded at a time, which is a quarter faster.
 */
export function crc32(bytes: Uint8Array, start: number, end: number, view?: DataView): number {
  if (end - start >= NATIVE_FROM_BYTES) return zlibCrc32(bytes.subarray(start, end))
  const t = TABLES
  let c = -1
  let p = start
  for (const last = end - 8; p <= last; p += 8) {
    const low = c ^ (view ? view.getInt32(p, true) : wordAt(bytes, p))
    const high = view ? view.getInt32(p + 4, true) : wordAt(bytes, p + 4)
    c =
      t[1792 + (low & 255)] ^
      t[1536 + ((low >>> 8) & 255)] ^
      t[1280 + ((low >>> 16) & 255)] ^
      t[1024 + (low >>> 24)] ^
      t[768 + (high & 255)] ^
      t[512 + ((high >>> 8) & 255)] ^
      t[256 + ((high >>> 16) & 255)] ^
      t[high >>> 24]
  }
  for (; p < end; p++) c = (c >>> 8) ^ t[(c ^ bytes[p]) & 255]
  return ~c >>> 0
}

function wordAt(bytes: Uint8Array, at: number): number {
  return bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24)
}
