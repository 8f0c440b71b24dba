/** Small moves of bytes: little-endian 64 bit integers as safe numbers, short copies, text in place. */

const TWO_32 = 0x1_0000_0000

/** Writes a safe integer >= 0 as u64. */
export function writeU64(view: DataView, at: number, value: number): void {
  view.setUint32(at, value >>> 0, true)
  view.setUint32(at + 4, Math.floor(value / TWO_32), true)
}

/** Reads a u64 that writeU64 wrote. Values beyond 2^53 lose their last bits: callers check what they expect. */
export function readU64(view: DataView, at: number): number {
  return view.getUint32(at + 4, true) * TWO_32 + view.getUint32(at, true)
}

/** Up to this length words are moved one by one; beyond, set() is faster than it costs to make its argument. */
const WORDS_MAX_BYTES = 256

/**
 * Copies `from[start, end)` to `into` at `at`, with a view of exactly the bytes of each side. Makes no object for up to 256
 * bytes. HOT: once per message.
 */
export function copyWords(
  from: Uint8Array,
  fromView: DataView,
  start: number,
  end: number,
  into: Uint8Array,
  intoView: DataView,
  at: number,
): void {
  if (end - start > WORDS_MAX_BYTES) {
    into.set(from.subarray(start, end), at)
    return
  }
  let p = start
  for (const last = end - 8; p <= last; p += 8, at += 8) {
    intoView.setInt32(at, fromView.getInt32(p, true), true)
    intoView.setInt32(at + 4, fromView.getInt32(p + 4, true), true)
  }
  for (; p < end; p++) into[at++] = from[p]
}

const encoder = new TextEncoder()
const decoder = new TextDecoder()

/**
 * Writes `text` as UTF-8 at `at` when it is ASCII and returns its length; returns -1 (something may have been written)
 * when it is not. HOT: subjects are short and ASCII, and an encoder call costs more than the loop.
 */
export function writeAscii(text: string, into: Uint8Array, at: number): number {
  const length = text.length
  for (let i = 0; i < length; i++) {
    const code = text.charCodeAt(i)
    if (code > 127) return -1
    into[at + i] = code
  }
  return length
}

/** The UTF-8 form of `text`. */
export function utf8(text: string): Uint8Array {
  return encoder.encode(text)
}

/** The text whose UTF-8 form `bytes` is; what is none becomes U+FFFD. */
export function textOf(bytes: Uint8Array): string {
  return decoder.decode(bytes)
}
