/** Small writers into the arena, and the frames that are composed as text. */

const ZERO = 0x30

/** How many decimal digits `n` has. `n` is an integer from 0 to 2^53. */
export function digitCount(n: number): number {
  if (n < 10_000) return n < 100 ? (n < 10 ? 1 : 2) : n < 1000 ? 3 : 4
  if (n < 100_000_000) return n < 1_000_000 ? (n < 100_000 ? 5 : 6) : n < 10_000_000 ? 7 : 8
  let digits = 9
  for (let top = 1_000_000_000; n >= top; top *= 10) digits++
  return digits
}

/** Writes `n` in decimal at `at` and returns the position behind it. Exact up to 2^53. */
export function writeNumber(bytes: Uint8Array, at: number, n: number): number {
  const end = at + digitCount(n)
  writeDigits(bytes, at, end, n)
  return end
}

/** The two digits of 0 to 99, one after the other. */
const PAIRS = Uint8Array.from({ length: 200 }, (_, i) => ZERO + (i % 2 === 0 ? Math.floor(i / 20) : (i >> 1) % 10))

/**
 * Fills [at, end) with the digits of `n`, zeros in front; what does not fit is cut off. Exact up to 2^53.
 * HOT: six times per delivery; two digits a step.
 */
export function writeDigits(bytes: Uint8Array, at: number, end: number, n: number): void {
  let to = end
  let big = n
  // Beyond 31 bits `| 0` would cut: divide as floating point until it fits.
  while (big > 0x7fffffff && to > at) {
    const rest = Math.floor(big / 10)
    bytes[--to] = ZERO + (big - rest * 10)
    big = rest
  }
  let left = big | 0
  while (to - at >= 2) {
    const rest = (left / 100) | 0
    const pair = (left - rest * 100) << 1
    bytes[to - 1] = PAIRS[pair + 1]
    bytes[to - 2] = PAIRS[pair]
    to -= 2
    left = rest
  }
  if (to > at) bytes[at] = ZERO + (left % 10)
}

/** Writes the latin1 string `s` at `at` and returns the position behind it. */
export function writeLatin1(bytes: Buffer, at: number, s: string): number {
  if (s.length > 32) return at + bytes.write(s, at, 'latin1')
  for (let i = 0; i < s.length; i++) bytes[at + i] = s.charCodeAt(i)
  return at + s.length
}

/** From other memory, up to this length a byte loop is faster than a view that is made and thrown away: a PubAck has 33 bytes. */
const LOOP_MAX = 64

/** Copies `from[start, end)` to `to` at `at` and returns the position behind it. The two may be the same buffer. */
export function copyBytes(to: Uint8Array, at: number, from: Uint8Array, start: number, end: number): number {
  const length = end - start
  if (length <= (from === to ? 32 : LOOP_MAX) && (from !== to || at <= start)) {
    for (let i = 0; i < length; i++) to[at + i] = from[start + i]
  } else if (from === to) {
    to.copyWithin(at, start, end)
  } else {
    to.set(from.subarray(start, end), at)
  }
  return at + length
}

/** `-ERR 'text'`. */
export function errorLine(text: string): string {
  return `-ERR '${text}'\r\n`
}

/** Text whose characters are bytes (as the broker keeps subjects: exact for any bytes) from real text. */
export function toWire(s: string): string {
  return isAscii(s) ? s : Buffer.from(s, 'utf8').toString('latin1')
}

/** Real text from text whose characters are bytes. Bytes that are not UTF-8 become replacement characters. */
export function fromWire(s: string): string {
  return isAscii(s) ? s : Buffer.from(s, 'latin1').toString('utf8')
}

function isAscii(s: string): boolean {
  for (let i = 0; i < s.length; i++) if (s.charCodeAt(i) > 0x7f) return false
  return true
}
