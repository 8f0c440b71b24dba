/**
 * HOT: finds the consumer that an answer on `$JS.ACK.` is for, and the numbers in it, from bytes.
 *
 *   $JS.ACK.<stream>.<consumer>.<deliveries>.<stream seq>.<consumer seq>.<time>.<pending>                9 tokens
 *   $JS.ACK.<domain>.<account>.<stream>.<consumer>.<deliveries>.<...>.<...>.<time>.<pending>[.<more>]    11 and more
 *
 * Answers come in runs for one consumer, so its prefix is compared first; only a change of consumer makes strings.
 */
import type { AckHandler } from '../bus.ts'
import { isPlainAck } from './ack-body.ts'

/** What the router asks of a consumer. */
export interface AckSink {
  readonly closed: boolean
  /** `$JS.ACK.<stream>.<consumer>.` */
  readonly ackPrefix: Uint8Array
  /** A plain acknowledgement; `reply` is where the answer to it goes, or ''. */
  acknowledged(streamSeq: number, consumerSeq: number, deliveries: number, reply: string): void
  /** Any other answer: `bytes[start, end)`. Valid during the call. */
  answered(answer: Answer, bytes: Uint8Array, start: number, end: number): void
}

/** The numbers of an answer's subject. */
export interface Answer {
  readonly streamSeq: number
  readonly consumerSeq: number
  readonly deliveries: number
  readonly reply: string
}

const DOT = 0x2e
const TOKENS = 9
const TOKENS_LONG = 11
const latin1 = new TextDecoder('latin1')

export class AckRouter implements AckHandler {
  readonly #find: (stream: string, consumer: string) => AckSink | undefined
  #last: AckSink | undefined
  /** Where the numbers begin, and what they are; set by #numbers. */
  #deliveries = 0
  #streamSeq = 0
  #consumerSeq = 0

  /** `find` looks a consumer up by its names. */
  constructor(find: (stream: string, consumer: string) => AckSink | undefined) {
    this.#find = find
  }

  ack(bytes: Uint8Array, subjectStart: number, subjectEnd: number, reply: string, start: number, end: number): void {
    const last = this.#last
    let sink: AckSink | undefined
    if (last && !last.closed && hasPrefix(bytes, subjectStart, subjectEnd, last.ackPrefix)) {
      if (!this.#numbers(bytes, subjectStart + last.ackPrefix.length, subjectEnd, false)) return
      sink = last
    } else {
      sink = this.#slow(bytes, subjectStart, subjectEnd)
      if (!sink) return
    }
    if (isPlainAck(bytes, start, end)) {
      sink.acknowledged(this.#streamSeq, this.#consumerSeq, this.#deliveries, reply)
      return
    }
    const answer = {
      streamSeq: this.#streamSeq,
      consumerSeq: this.#consumerSeq,
      deliveries: this.#deliveries,
      reply,
    }
    sink.answered(answer, bytes, start, end)
  }

  /** By names; undefined for a consumer that is not there, and for a subject with another number of tokens. */
  #slow(bytes: Uint8Array, subjectStart: number, subjectEnd: number): AckSink | undefined {
    const tokens = latin1.decode(bytes.subarray(subjectStart, subjectEnd)).split('.')
    const long = tokens.length >= TOKENS_LONG
    if (!long && tokens.length !== TOKENS) return undefined
    const at = long ? 4 : 2
    const names = utf8(tokens[at], tokens[at + 1])
    const sink = this.#find(names[0], names[1])
    if (!sink) return undefined
    if (!long) this.#last = sink
    let numbersStart = subjectStart
    for (let i = 0; i < at + 2; i++) numbersStart += tokens[i].length + 1
    return this.#numbers(bytes, numbersStart, subjectEnd, long) ? sink : undefined
  }

  /** Reads `<deliveries>.<stream seq>.<consumer seq>.<time>.<pending>`; false when it is not that. */
  #numbers(bytes: Uint8Array, start: number, end: number, more: boolean): boolean {
    let field = 0
    let value = 0
    let digits = 0
    for (let at = start; at <= end; at++) {
      const byte = at === end ? DOT : bytes[at]
      if (byte !== DOT) {
        // Time and pending are not looked at: only that they are there.
        if (field < 3) {
          const digit = byte - 0x30
          if (digit < 0 || digit > 9) return false
          value = value * 10 + digit
        }
        digits++
        continue
      }
      if (digits === 0) return false
      if (field === 0) this.#deliveries = value
      else if (field === 1) this.#streamSeq = value
      else if (field === 2) this.#consumerSeq = value
      field++
      value = digits = 0
    }
    return more ? field >= 5 : field === 5
  }
}

function hasPrefix(bytes: Uint8Array, start: number, end: number, prefix: Uint8Array): boolean {
  const { length } = prefix
  if (end - start < length) return false
  // Backwards: names differ at their ends, `$JS.ACK.` never does.
  for (let i = length - 1; i >= 0; i--) if (bytes[start + i] !== prefix[i]) return false
  return true
}

/** Names as they were created: subjects are UTF-8 on the wire. */
function utf8(...latin: string[]): string[] {
  return latin.map((text) => {
    let plain = true
    for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 0x7f) plain = false
    return plain ? text : new TextDecoder().decode(Uint8Array.from(text, (char) => char.charCodeAt(0)))
  })
}
