/**
 * PubAcks on their way out: columns of who waits for which sequence, released when the log says how far it is readable.
 * One pass per frame, no promise, no closure and no JSON per message; the sequence's digits are written in place.
 */
import type { Bus } from '../bus.ts'

/** Longest sequence as text: 2^53 has 16 digits. */
const DIGITS_MAX = 16
const ZERO = 0x30
const CLOSING_BRACE = 0x7d
const INT32_MAX = 0x7fff_ffff
/** The waiting columns are cut off at the front when so many entries were released, and made anew when they were longer. */
const CUT_AT = 4096

export class AckQueue {
  readonly #bus: Bus
  /** `{"stream":"NAME","seq":` and room for the digits and the closing brace. */
  readonly #scratch: Uint8Array
  readonly #prefixLength: number
  /** Filled up to #end. What stands behind is old: columns that are cut short and grown again are garbage with every frame. */
  #replies: string[] = []
  #seqs: number[] = []
  /** What to send instead of an ack of the sequence, by place; almost always empty. */
  #others: Map<number, Uint8Array> | undefined
  #first = 0
  #end = 0

  constructor(bus: Bus, stream: string) {
    this.#bus = bus
    const prefix = new TextEncoder().encode(`{"stream":${JSON.stringify(stream)},"seq":`)
    this.#prefixLength = prefix.length
    this.#scratch = new Uint8Array(prefix.length + DIGITS_MAX + 1)
    this.#scratch.set(prefix)
  }

  /** How many publishers wait. */
  get waiting(): number {
    return this.#end - this.#first
  }

  /** Sends the ack of `seq` now. HOT: runs once per acknowledged message. */
  send(reply: string, seq: number): void {
    const scratch = this.#scratch
    const end = writeDigits(scratch, this.#prefixLength, seq)
    scratch[end] = CLOSING_BRACE
    this.#bus.reply(reply, scratch, 0, end + 1)
  }

  /** Lets `reply` wait until `seq` is readable. Sequences come in ascending order. */
  wait(reply: string, seq: number): void {
    const at = this.#end++
    this.#replies[at] = reply
    this.#seqs[at] = seq
  }

  /** As wait, and sends `told` then: the ack of a duplicate, or an error that tells of state. In one order with the acks. */
  waitToTell(reply: string, seq: number, told: Uint8Array): void {
    this.#others ??= new Map()
    this.#others.set(this.#end, told)
    this.wait(reply, seq)
  }

  /** Sends every answer up to `readableSeq`, in order. */
  release(readableSeq: number): void {
    const seqs = this.#seqs
    const end = this.#end
    let at = this.#first
    while (at < end && seqs[at] <= readableSeq) {
      const told = this.#others?.get(at)
      if (told === undefined) this.send(this.#replies[at], seqs[at])
      else this.#bus.reply(this.#replies[at], told, 0, told.length)
      at++
    }
    this.#first = at
    if (at === this.#end) this.#clear()
    else if (at > CUT_AT) this.#cut(at)
  }

  /** Lets go of the first `count` entries. */
  #cut(count: number): void {
    this.#replies = this.#replies.slice(count, this.#end)
    this.#seqs = this.#seqs.slice(count, this.#end)
    this.#first = 0
    this.#end -= count
    const others = [...(this.#others ?? [])].filter(([at]) => at >= count)
    this.#others = others.length > 0 ? new Map(others.map(([at, told]) => [at - count, told])) : undefined
  }

  /** Answers everyone who waits with `error` instead: whether their messages are on disk is not known. */
  fail(error: Uint8Array): void {
    for (let at = this.#first; at < this.#end; at++) {
      this.#bus.reply(this.#replies[at], error, 0, error.length)
    }
    this.#clear()
  }

  #clear(): void {
    if (this.#end > CUT_AT) {
      this.#replies = []
      this.#seqs = []
    }
    this.#others = undefined
    this.#first = 0
    this.#end = 0
  }
}

/** Writes a sequence in decimal; returns the position after it. */
export function writeDigits(into: Uint8Array, at: number, value: number): number {
  let length = 1
  for (let bound = 10; value >= bound; bound *= 10) length++
  let rest = value
  let place = at + length - 1
  // Beyond int32 the division must stay in doubles; below, integers are more than twice as fast.
  for (; rest > INT32_MAX; place--) {
    const quotient = Math.floor(rest / 10)
    into[place] = ZERO + (rest - quotient * 10)
    rest = quotient
  }
  for (; place >= at; place--) {
    const quotient = (rest / 10) | 0
    into[place] = ZERO + (rest - quotient * 10)
    rest = quotient
  }
  return at + length
}
