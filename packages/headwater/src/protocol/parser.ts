/**
 * Frames, then decodes: finds whole frames in a region of bytes and hands out positions, never slices.
 * HOT: `parse` runs once per read, its PUB branch once per message. No string, object or closure per message; a frame that is not whole
 * is left to the caller, who brings it again with more bytes, so there is no state between calls (parser.bench.ts: 25 to 35 ns a PUB).
 *
 *   PUB orders.new reply.1 5\r\nhello\r\n
 *       ^subject   ^tail/reply  ^body ^bodyEnd
 *
 * From `tail` on the bytes are exactly the end of the MSG that goes out: a delivery copies them as they are.
 */
import { type ProtocolError, protocolErrors } from './protocol-errors.ts'

const TAB = 0x09
const LF = 0x0a
const CR = 0x0d
const SPACE = 0x20
const DOT = 0x2e
const ZERO = 0x30
// Lower case letters: a byte of either case equals them after `| 0x20`.
const B = 0x62
const C = 0x63
const H = 0x68
const I = 0x69
const P = 0x70
const S = 0x73
const U = 0x75
const PLUS = 0x2b
const MINUS = 0x2d
/** More digits than this is no size. */
const DIGITS_MAX = 9

/** Where the parts of one PUB or HPUB lie. One object is reused: valid only during `publish`. */
export class PublishFrame {
  subjectStart = 0
  subjectEnd = 0
  /** `h = h * 31 + byte` over the subject, in 32 bits. */
  hash = 0
  /** Position of the subject's last dot, and the hash up to and including it; -1 and 0 without a dot. */
  lastDot = -1
  prefixHash = 0
  /** Where `[reply ]size(s)\r\n` starts in exactly that spelling, so that it can be copied; -1 when it is spelled otherwise. */
  tail = -1
  /** Equal when there is no reply. */
  replyStart = 0
  replyEnd = 0
  /** Headers are [bodyStart, bodyStart + headersLength), -1 is a PUB. */
  headersLength = -1
  bodyStart = 0
  bodyEnd = 0
  /** After the closing CR LF. */
  frameEnd = 0
}

/** A verb that is handed on as text. */
export type Verb = 'CONNECT' | 'SUB' | 'UNSUB' | 'PING' | 'PONG' | 'INFO' | '+OK' | '-ERR'

/** Who gets the frames. */
export interface FrameHandler {
  /** The largest payload that is accepted; below zero no publish is (before authentication). */
  readonly maxPayload: number
  /** The longest line of arguments. */
  readonly maxControlLine: number
  /** Whether HPUB is understood. */
  readonly headers: boolean
  publish(bytes: Buffer, frame: PublishFrame): void
  /** Another operation, arguments as latin1. False stops the parser behind this line. */
  line(verb: Verb, args: string): boolean
  /** The last frame is not whole; `length` is its whole length when that is known already, else 0. */
  partial(length: number): void
  /** The peer broke the protocol: parsing ends. */
  refuse(error: ProtocolError): void
}

export class Parser {
  readonly #frame = new PublishFrame()

  /**
   * Handles every whole frame in `bytes[start, end)` and returns the position behind the last one.
   * `bytes[end]` must exist: it is overwritten by a sentinel, so that inner loops need not look for the end.
   */
  parse(bytes: Buffer, start: number, end: number, handler: FrameHandler): number {
    bytes[end] = LF
    let at = start
    while (at < end) {
      const first = bytes[at] | 0x20
      let next: number
      if (first === P && (bytes[at + 1] | 0x20) === U && (bytes[at + 2] | 0x20) === B && bytes[at + 3] === SPACE) {
        next = this.#publish(bytes, at, at + 4, end, false, handler)
      } else if (first === H && bytes[at + 4] === SPACE && isHpub(bytes, at)) {
        next = this.#publish(bytes, at, at + 5, end, true, handler)
      } else {
        next = this.#other(bytes, at, end, handler)
      }
      // The same place: not whole. Negative: stopped behind that place (refused, or the handler wants no more).
      if (next <= at) return next === at ? at : -next
      at = next
    }
    return at
  }

  #publish(bytes: Buffer, at: number, args: number, end: number, hpub: boolean, handler: FrameHandler): number {
    const frame = this.#frame
    let q = args
    let c = 0
    let hash = 0
    let lastDot = -1
    let prefixHash = 0
    while ((c = bytes[q]) > SPACE) {
      hash = (Math.imul(hash, 31) + c) | 0
      if (c === DOT) {
        lastDot = q
        prefixHash = hash
      }
      q++
    }
    // Anything but single blanks and CR LF goes the slow way.
    if (c !== SPACE || q === args) return this.#publishSlow(bytes, at, args, end, hpub, handler)
    const tail = q + 1
    let replyEnd = tail
    let t = tail
    let headersLength = -1
    let size = 0
    let sizeStart = t
    while ((c = bytes[t] - ZERO) >= 0 && c <= 9) {
      size = size * 10 + c
      t++
    }
    if (c !== CR - ZERO && !(hpub && c === SPACE - ZERO && t > tail && isSecondOfTwo(bytes, t + 1))) {
      while (bytes[t] > SPACE) t++
      if (bytes[t] !== SPACE || t === tail) return this.#publishSlow(bytes, at, args, end, hpub, handler)
      replyEnd = t
      sizeStart = ++t
      size = 0
      while ((c = bytes[t] - ZERO) >= 0 && c <= 9) {
        size = size * 10 + c
        t++
      }
    }
    if (hpub) {
      headersLength = size
      if (c !== SPACE - ZERO || !isSize(sizeStart, t)) {
        return this.#publishSlow(bytes, at, args, end, hpub, handler)
      }
      sizeStart = ++t
      size = 0
      while ((c = bytes[t] - ZERO) >= 0 && c <= 9) {
        size = size * 10 + c
        t++
      }
    }
    if (c !== CR - ZERO || bytes[t + 1] !== LF || !isSize(sizeStart, t)) {
      return this.#publishSlow(bytes, at, args, end, hpub, handler)
    }
    if (t + 2 > end) return this.#incomplete(bytes, at, end, handler)
    frame.subjectStart = args
    frame.subjectEnd = tail - 1
    frame.hash = hash
    frame.lastDot = lastDot
    frame.prefixHash = prefixHash
    frame.tail = tail
    frame.replyStart = tail
    frame.replyEnd = replyEnd
    frame.headersLength = headersLength
    return this.#body(bytes, at, args, t, t + 2, size, end, handler)
  }

  /** The same for any spelling: runs of blanks, tabs, a bare LF. */
  #publishSlow(bytes: Buffer, at: number, args: number, end: number, hpub: boolean, handler: FrameHandler): number {
    const lf = bytes.indexOf(LF, at)
    if (lf >= end) return this.#incomplete(bytes, at, end, handler)
    const lineEnd = lf > args && bytes[lf - 1] === CR ? lf - 1 : lf
    const tokens: number[] = []
    for (let i = args; i < lineEnd; ) {
      while (i < lineEnd && isBlank(bytes[i])) i++
      if (i === lineEnd) break
      tokens.push(i)
      while (i < lineEnd && !isBlank(bytes[i])) i++
      tokens.push(i)
    }
    const sizes = hpub ? 2 : 1
    const count = tokens.length / 2
    if (count !== 1 + sizes && count !== 2 + sizes) return refused(handler, protocolErrors.badArguments, lf + 1)
    const frame = this.#frame
    frame.subjectStart = tokens[0]
    frame.subjectEnd = tokens[1]
    hashSubject(bytes, frame)
    frame.tail = -1
    const hasReply = count === 2 + sizes
    frame.replyStart = hasReply ? tokens[2] : frame.subjectEnd
    frame.replyEnd = hasReply ? tokens[3] : frame.subjectEnd
    const last = tokens.length - 2
    const size = numberIn(bytes, tokens[last], tokens[last + 1])
    const headersLength = hpub ? numberIn(bytes, tokens[last - 2], tokens[last - 1]) : -1
    if (size < 0 || (hpub && headersLength < 0)) return refused(handler, protocolErrors.badArguments, lf + 1)
    frame.headersLength = headersLength
    return this.#body(bytes, at, args, lineEnd, lf + 1, size, end, handler)
  }

  #body(
    bytes: Buffer,
    at: number,
    args: number,
    lineEnd: number,
    bodyStart: number,
    size: number,
    end: number,
    handler: FrameHandler,
  ): number {
    const frame = this.#frame
    if (lineEnd - args > handler.maxControlLine) return refused(handler, protocolErrors.controlLineExceeded, bodyStart)
    if (size > handler.maxPayload) return refused(handler, protocolErrors.payloadExceeded, bodyStart)
    if (frame.headersLength >= 0 && !handler.headers) return refused(handler, protocolErrors.badArguments, bodyStart)
    if (frame.headersLength > size) return refused(handler, protocolErrors.badArguments, bodyStart)
    const bodyEnd = bodyStart + size
    if (bodyEnd + 2 > end) {
      handler.partial(bodyEnd + 2 - at)
      return at
    }
    if (bytes[bodyEnd] !== CR || bytes[bodyEnd + 1] !== LF) {
      return refused(handler, protocolErrors.unknownOperation, bodyEnd)
    }
    if (frame.headersLength === 0) {
      // HPUB without a byte of headers is delivered as a PUB.
      frame.headersLength = -1
      frame.tail = -1
    }
    frame.bodyStart = bodyStart
    frame.bodyEnd = bodyEnd
    frame.frameEnd = bodyEnd + 2
    handler.publish(bytes, frame)
    return bodyEnd + 2
  }

  #other(bytes: Buffer, at: number, end: number, handler: FrameHandler): number {
    const lf = bytes.indexOf(LF, at)
    if (lf >= end) return this.#incomplete(bytes, at, end, handler)
    const lineEnd = lf > at && bytes[lf - 1] === CR ? lf - 1 : lf
    const line = bytes.toString('latin1', at, lineEnd)
    const verb = verbOf(line)
    if (verb === undefined) {
      const bare = /^(CONNECT|INFO)$/i.test(line)
      return refused(handler, bare ? protocolErrors.badArguments : protocolErrors.unknownOperation, lf + 1)
    }
    if (verb === 'HPUB' || verb === 'PUB') {
      // Only a tab behind the verb leads here, or nothing at all.
      return this.#publishSlow(bytes, at, at + verb.length, end, verb === 'HPUB', handler)
    }
    const args = line.slice(verb.length)
    if (args.length - 1 > handler.maxControlLine) return refused(handler, protocolErrors.controlLineExceeded, lf + 1)
    return handler.line(verb, args) ? lf + 1 : -(lf + 1)
  }

  #incomplete(bytes: Buffer, at: number, end: number, handler: FrameHandler): number {
    // Garbage is refused at its first byte, not when a line end comes at last.
    if (!startsVerb(bytes[at])) return refused(handler, protocolErrors.unknownOperation, end)
    if (end - at > handler.maxControlLine + 8) return refused(handler, protocolErrors.controlLineExceeded, end)
    handler.partial(0)
    return at
  }
}

/** Sets hash, lastDot and prefixHash of `frame` from its subject's bytes. */
export function hashSubject(bytes: Uint8Array, frame: PublishFrame): void {
  let hash = 0
  let lastDot = -1
  let prefixHash = 0
  for (let i = frame.subjectStart; i < frame.subjectEnd; i++) {
    const c = bytes[i]
    hash = (Math.imul(hash, 31) + c) | 0
    if (c === DOT) {
      lastDot = i
      prefixHash = hash
    }
  }
  frame.hash = hash
  frame.lastDot = lastDot
  frame.prefixHash = prefixHash
}

function refused(handler: FrameHandler, error: ProtocolError, at: number): number {
  handler.refuse(error)
  return -at
}

function isBlank(byte: number): boolean {
  return byte === SPACE || byte === TAB
}

function isHpub(bytes: Buffer, at: number): boolean {
  return (bytes[at + 1] | 0x20) === P && (bytes[at + 2] | 0x20) === U && (bytes[at + 3] | 0x20) === B
}

/** After a first number of HPUB: whether the last number of the line follows, so that the first was no reply. */
function isSecondOfTwo(bytes: Buffer, at: number): boolean {
  let i = at
  while (bytes[i] >= ZERO && bytes[i] <= ZERO + 9) i++
  return i > at && bytes[i] === CR
}

/** Whether digits at [start, end) are as many as a size may have. */
function isSize(start: number, end: number): boolean {
  return end > start && end - start <= DIGITS_MAX
}

function numberIn(bytes: Buffer, start: number, end: number): number {
  if (end - start > DIGITS_MAX || end === start) return -1
  let n = 0
  for (let i = start; i < end; i++) {
    const digit = bytes[i] - ZERO
    if (digit < 0 || digit > 9) return -1
    n = n * 10 + digit
  }
  return n
}

function startsVerb(byte: number): boolean {
  const c = byte | 0x20
  return c === P || c === H || c === S || c === U || c === C || c === I || byte === PLUS || byte === MINUS
}

/** What `line` starts with. PING, PONG and replies may be followed by anything; the others by a blank, or nothing. */
function verbOf(line: string): Verb | 'PUB' | 'HPUB' | undefined {
  const head = line.slice(0, 8).toUpperCase()
  if (head.startsWith('PING')) return 'PING'
  if (head.startsWith('PONG')) return 'PONG'
  if (head.startsWith('+OK')) return '+OK'
  if (head.startsWith('-ERR')) return '-ERR'
  const verb = /^[A-Z]+/.exec(head)?.[0]
  const after = verb === undefined ? undefined : line[verb.length]
  if (after !== ' ' && after !== '\t') return undefined
  if (verb === 'CONNECT' || verb === 'SUB' || verb === 'UNSUB' || verb === 'INFO') return verb
  return verb === 'PUB' || verb === 'HPUB' ? verb : undefined
}
