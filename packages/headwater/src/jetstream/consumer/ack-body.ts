/** The words that a client answers a delivery with (5.4), read from bytes. */

export type AckBody =
  | { kind: 'ack' }
  /** undefined: at once. `bad`: a delay that could not be read, which counts as none. */
  | { kind: 'nak'; delayMs: number | undefined; bad?: string }
  | { kind: 'progress' }
  /** The rest is a pull request. */
  | { kind: 'next'; requestStart: number }
  | { kind: 'term'; reason: string }
  | { kind: 'unknown' }

const decoder = new TextDecoder()
const NS_PER_MS = 1_000_000

/** True for what nearly every answer is: nothing, `+ACK` or `+OK`. HOT: no string is made. */
export function isPlainAck(bytes: Uint8Array, start: number, end: number): boolean {
  switch (end - start) {
    case 0:
      return true
    case 4:
      return (
        bytes[start] === 0x2b && bytes[start + 1] === 0x41 && bytes[start + 2] === 0x43 && bytes[start + 3] === 0x4b
      )
    case 3:
      return bytes[start] === 0x2b && bytes[start + 1] === 0x4f && bytes[start + 2] === 0x4b
    default:
      return false
  }
}

/** Reads any answer. */
export function parseAckBody(bytes: Uint8Array, start: number, end: number): AckBody {
  if (isPlainAck(bytes, start, end)) return { kind: 'ack' }
  const text = decoder.decode(bytes.subarray(start, end))
  if (text === '+WPI') return { kind: 'progress' }
  if (text.startsWith('+NXT')) return { kind: 'next', requestStart: start + 4 }
  if (text.startsWith('+TERM')) return { kind: 'term', reason: text.slice(5).trim() }
  if (text.startsWith('-NAK')) return parseNak(text.slice(4).trim())
  return { kind: 'unknown' }
}

function parseNak(argument: string): AckBody {
  if (argument === '') return { kind: 'nak', delayMs: undefined }
  if (argument.startsWith('{')) {
    try {
      const { delay = 0 } = JSON.parse(argument) as { delay?: unknown }
      if (typeof delay === 'number' && Number.isFinite(delay)) return { kind: 'nak', delayMs: delay / NS_PER_MS }
    } catch {
      // Said below: it counts as a nak without a delay.
    }
    return { kind: 'nak', delayMs: undefined, bad: argument }
  }
  const delayMs = parseDurationMs(argument)
  return delayMs === undefined ? { kind: 'nak', delayMs, bad: argument } : { kind: 'nak', delayMs }
}

const UNIT_MS: Record<string, number> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  μs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
}

/** A duration as Go writes it (`1h30m`, `250ms`), in milliseconds; undefined when it is not one. */
export function parseDurationMs(text: string): number | undefined {
  if (text === '0') return 0
  const match = /^([+-]?)((?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+)$/.exec(text)
  if (!match) return undefined
  let sumMs = 0
  for (const [, amount, unit] of match[2].matchAll(/(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)/g)) {
    sumMs += Number(amount) * UNIT_MS[unit]
  }
  return match[1] === '-' ? -sumMs : sumMs
}
