/**
 * Turns what was read into whole frames for the parser: carries a partial frame to the next read.
 *
 *   read 1:  ... PUB a 5\r\nhe            carry = "PUB a 5\r\nhe"
 *   read 2:  llo\r\nPUB ...               the carry is copied in front of it: PUB a 5\r\nhello\r\nPUB ...
 *
 * A frame that is longer than CARRY_MAX gets a buffer of its own, is filled over the next reads and is parsed there.
 */

import type { FrameHandler, Parser } from '../protocol/parser.ts'
import { CARRY_MAX, HEADROOM, mem, READ_SIZE, readBuffer, reading } from './arena.ts'

/** A carry buffer up to this size is kept for the next time. */
const CARRY_KEPT = 4096
const NONE = Buffer.alloc(0)

export class Inlet {
  readonly #parser: Parser
  readonly #handler: FrameHandler
  #carry = NONE
  #carried = 0
  /** The whole length of the carried frame, when it is known; else 0. */
  #needed = 0
  #isClosed = false

  constructor(parser: Parser, handler: FrameHandler) {
    this.#parser = parser
    this.#handler = handler
  }

  /** Whether bytes wait for the rest of their frame. */
  get isPartial(): boolean {
    return this.#carried > 0
  }

  /** Takes `length` bytes that lie in the read buffer. */
  received(length: number): void {
    if (this.#isClosed) return
    reading.isBusy = true
    try {
      this.#handle(length)
    } finally {
      reading.isBusy = false
    }
  }

  #handle(length: number): void {
    let start = HEADROOM
    const end = HEADROOM + length
    if (this.#carried > 0) {
      if (this.#needed > this.#carried + length) {
        this.#keep(start, end)
        return
      }
      if (this.#needed > CARRY_MAX) start = this.#finishLarge(start)
      else {
        start -= this.#carried
        mem.set(this.#carry.subarray(0, this.#carried), start)
        this.#forget()
      }
    }
    if (this.#isClosed) return
    const next = this.#parser.parse(mem, start, end, this.#handler)
    if (next < end && !this.#isClosed) this.#keep(next, end)
  }

  /** Tells how long the frame at the end of the last parse is, 0 when that is not known. Called by the handler. */
  partial(length: number): void {
    this.#needed = length
  }

  /** Takes bytes from anywhere, at most READ_SIZE of them. */
  receive(bytes: Uint8Array): void {
    readBuffer.set(bytes)
    this.received(bytes.length)
  }

  /** Parses again what was left when the handler stopped the parser. */
  again(): void {
    if (this.#carried > 0) this.received(0)
  }

  /** Lets go of everything; what comes later is ignored. */
  close(): void {
    this.#isClosed = true
    this.#forget()
    this.#carry = NONE
  }

  #keep(start: number, end: number): void {
    const total = this.#carried + end - start
    if (this.#carry.length < total) {
      // One byte more, for the sentinel, when the frame is parsed in here.
      const large = this.#needed > CARRY_MAX
      const grown = Buffer.allocUnsafeSlow(large ? this.#needed + 1 : Math.max(512, this.#needed, total + (total >> 1)))
      grown.set(this.#carry.subarray(0, this.#carried))
      this.#carry = grown
    }
    this.#carry.set(mem.subarray(start, end), this.#carried)
    this.#carried = total
  }

  #finishLarge(start: number): number {
    const missing = this.#needed - this.#carried
    this.#keep(start, start + missing)
    const frame = this.#carry
    const length = this.#carried
    this.#forget()
    this.#parser.parse(frame, 0, length, this.#handler)
    return start + missing
  }

  #forget(): void {
    this.#carried = 0
    this.#needed = 0
    if (this.#carry.length > CARRY_KEPT) this.#carry = NONE
  }
}

/** Splits `bytes` into pieces that fit the read buffer. */
export function piecesOf(bytes: Uint8Array): Uint8Array[] {
  const pieces: Uint8Array[] = []
  for (let at = 0; at < bytes.length; at += READ_SIZE) pieces.push(bytes.subarray(at, at + READ_SIZE))
  return pieces
}
