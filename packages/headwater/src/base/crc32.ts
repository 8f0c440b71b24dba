/**
 * CRC-32 (IEEE 802.3), as zlib computes it. HOT: runs over every record that is written, and every one read from disk.
 * Slicing by eight in JavaScript below 256 bytes, zlib's above: a call into zlib alone costs more than 128 bytes here.
 */
import { crc32 as zlibCrc32 } from 'node:zlib'

/** From this length on zlib is faster; measured in store/record.bench.ts. */
const NATIVE_FROM_BYTES = 256

const TABLES = makeTables()
const T0 = TABLES.subarray(0, 256)
const T1 = TABLES.subarray(256, 512)
const T2 = TABLES.subarray(512, 768)
const T3 = TABLES.subarray(768, 1024)
const T4 = TABLES.subarray(1024, 1280)
const T5 = TABLES.subarray(1280, 1536)
const T6 = TABLES.subarray(1536, 1792)
const T7 = TABLES.subarray(1792, 2048)

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

/** The checksum of `bytes[start, end)`, as an unsigned 32 bit number. */
export function crc32(bytes: Uint8Array, start: number, end: number): number {
  if (end - start >= NATIVE_FROM_BYTES) return zlibCrc32(bytes.subarray(start, end))
  let c = -1
  let p = start
  for (const last = end - 8; p <= last; p += 8) {
    c ^= bytes[p] | (bytes[p + 1] << 8) | (bytes[p + 2] << 16) | (bytes[p + 3] << 24)
    c =
      T7[c & 255] ^
      T6[(c >>> 8) & 255] ^
      T5[(c >>> 16) & 255] ^
      T4[c >>> 24] ^
      T3[bytes[p + 4]] ^
      T2[bytes[p + 5]] ^
      T1[bytes[p + 6]] ^
      T0[bytes[p + 7]]
  }
  for (; p < end; p++) c = (c >>> 8) ^ T0[(c ^ bytes[p]) & 255]
  return ~c >>> 0
}
