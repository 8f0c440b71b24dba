/**
 * Header blocks: looked into and rebuilt without disturbing a byte that nobody asked to change.
 *
 *   NATS/1.0[ status[ description]]\r\n
 *   Key: value\r\n                        keys are case sensitive; a repeated key has several values
 *   \r\n
 */

const CR = 0x0d
const LF = 0x0a
const SPACE = 0x20
const TAB = 0x09
const COLON = 0x3a
const EMPTY = new Uint8Array(0)
const VERSION_LINE = 'NATS/1.0'
const encoder = new TextEncoder()
const decoder = new TextDecoder()

/**
 * The first value of `key` in the block `bytes[start, start + headersLength)`, trimmed; undefined when the key is not there.
 * `whole` keeps the blanks after it.
 * HOT: runs several times per message with headers on its way into a stream; allocates only the value that it finds.
 */
export function headerValue(
  bytes: Uint8Array,
  start: number,
  headersLength: number,
  key: string,
  tail: 'trimmed' | 'whole' = 'trimmed',
): string | undefined {
  const end = start + headersLength
  for (let line = nextLine(bytes, start, end); line < end; line = nextLine(bytes, line, end)) {
    if (!lineHasKey(bytes, line, end, key)) continue
    let from = line + key.length + 1
    let to = lineEnd(bytes, from, end)
    while (from < to && isBlank(bytes[from])) from++
    if (tail === 'trimmed') while (to > from && isBlank(bytes[to - 1])) to--
    return text(bytes, from, to)
  }
  return undefined
}

/** Whether the block `bytes[start, start + headersLength)` has `key`, with any value. */
export function hasHeader(bytes: Uint8Array, start: number, headersLength: number, key: string): boolean {
  const end = start + headersLength
  for (let line = nextLine(bytes, start, end); line < end; line = nextLine(bytes, line, end)) {
    if (lineHasKey(bytes, line, end, key)) return true
  }
  return false
}

/** A whole block with `entries` in order. `status` is what follows the version, like `'503'` or `'408 Request Timeout'`. Line ends inside keys and values become blanks. */
export function buildHeaders(entries: readonly (readonly [string, string])[], status?: string): Uint8Array {
  const first = status === undefined || status === '' ? VERSION_LINE : `${VERSION_LINE} ${oneLine(status)}`
  return encoder.encode(`${first}\r\n${linesOf(entries)}\r\n`)
}

/** `block` with `entries` after its own, byte for byte the same before them. An empty block becomes a whole one. */
export function appendHeaders(block: Uint8Array, entries: readonly (readonly [string, string])[]): Uint8Array {
  if (block.length < VERSION_LINE.length + 4) return buildHeaders(entries)
  const added = encoder.encode(`${linesOf(entries)}\r\n`)
  const kept = block.length - 2
  const out = new Uint8Array(kept + added.length)
  out.set(block.subarray(0, kept))
  out.set(added, kept)
  return out
}

/** `block` without the entries whose key satisfies `predicate`. Empty when neither an entry nor a status is left. */
export function removeHeaders(block: Uint8Array, predicate: (key: string) => boolean): Uint8Array {
  const out = new Uint8Array(block.length)
  let line = nextLine(block, 0, block.length)
  const hasStatus = line > VERSION_LINE.length + 2
  out.set(block.subarray(0, line))
  let at = line
  let kept = 0
  while (line < block.length) {
    const next = nextLine(block, line, block.length)
    const key = keyOf(block, line, next)
    if (key === undefined || !predicate(key)) {
      out.set(block.subarray(line, next), at)
      at += next - line
      if (key !== undefined) kept++
    }
    line = next
  }
  if (kept === 0 && !hasStatus) return EMPTY
  return out.subarray(0, at)
}

/** Every entry of `block` in order, values trimmed. */
export function parseHeaders(block: Uint8Array): [key: string, value: string][] {
  const entries: [string, string][] = []
  let line = nextLine(block, 0, block.length)
  while (line < block.length) {
    const next = nextLine(block, line, block.length)
    const key = keyOf(block, line, next)
    if (key !== undefined) {
      const from = line + encoder.encode(key).length + 1
      entries.push([key, text(block, from, lineEnd(block, from, block.length)).replace(/^[ \t]+|[ \t]+$/g, '')])
    }
    line = next
  }
  return entries
}

/** What follows the version in the first line, like `'503'` or `'408 Request Timeout'`; '' when there is none. */
export function statusOf(block: Uint8Array): string {
  const end = lineEnd(block, 0, block.length)
  return text(block, VERSION_LINE.length, Math.max(VERSION_LINE.length, end)).trim()
}

/** `block` with a first line that has neither status nor description: how JetStream stores it. */
export function stripStatus(block: Uint8Array): Uint8Array {
  const end = lineEnd(block, 0, block.length)
  if (end <= VERSION_LINE.length) return block
  const out = new Uint8Array(VERSION_LINE.length + block.length - end)
  out.set(block.subarray(0, VERSION_LINE.length))
  out.set(block.subarray(end), VERSION_LINE.length)
  return out
}

function linesOf(entries: readonly (readonly [string, string])[]): string {
  let lines = ''
  for (const [key, value] of entries) lines += `${oneLine(key)}: ${oneLine(value)}\r\n`
  return lines
}

function oneLine(s: string): string {
  return s.replace(/[\r\n]+/g, ' ')
}

function isBlank(byte: number): boolean {
  return byte === SPACE || byte === TAB
}

/** Where the line that holds `at` ends: the position of its CR LF, or `end`. */
function lineEnd(bytes: Uint8Array, at: number, end: number): number {
  for (let i = at; i < end - 1; i++) if (bytes[i] === CR && bytes[i + 1] === LF) return i
  return end
}

function nextLine(bytes: Uint8Array, at: number, end: number): number {
  return Math.min(end, lineEnd(bytes, at, end) + 2)
}

function lineHasKey(bytes: Uint8Array, line: number, end: number, key: string): boolean {
  if (line + key.length >= end || bytes[line + key.length] !== COLON) return false
  for (let i = 0; i < key.length; i++) if (bytes[line + i] !== key.charCodeAt(i)) return false
  return true
}

function keyOf(bytes: Uint8Array, line: number, next: number): string | undefined {
  for (let i = line; i < next; i++) if (bytes[i] === COLON) return text(bytes, line, i)
  return undefined
}

function text(bytes: Uint8Array, from: number, to: number): string {
  return decoder.decode(bytes.subarray(from, to))
}
