/**
 * The reply subject of a delivery, composed where it goes: no string. HOT: once per delivery.
 *
 *   $JS.ACK.<stream>.<consumer>.<deliveries>.<stream seq>.<consumer seq>.<time>.<pending>        (5.3)
 */
import { digitCount, writeDigits } from '../../protocol/encode.ts'
import type { MessageView } from '../../store/message-view.ts'
import type { ReplyWriter } from '../bus.ts'

const DOT = 0x2e
const NANOS_DIGITS = 9
const DOTS = 4
const decoder = new TextDecoder()

export class AckReply implements ReplyWriter {
  /** `$JS.ACK.<stream>.<consumer>.` */
  readonly #prefix: Uint8Array
  #deliveries = 0
  #streamSeq = 0
  #consumerSeq = 0
  #seconds = 0
  #nanos = 0
  #pending = 0
  #deliveriesDigits = 0
  #streamDigits = 0
  #consumerDigits = 0
  #secondsDigits = 0
  #pendingDigits = 0
  length = 0

  constructor(prefix: Uint8Array) {
    this.#prefix = prefix
  }

  /** What is written next: a delivery of the message in `view`, with `pending` messages behind it. */
  set(view: MessageView, consumerSeq: number, deliveries: number, pending: number): void {
    this.#deliveries = deliveries
    this.#streamSeq = view.seq
    this.#consumerSeq = consumerSeq
    this.#seconds = view.seconds
    this.#nanos = view.nanos
    this.#pending = pending
    this.#deliveriesDigits = digitCount(deliveries)
    this.#streamDigits = digitCount(view.seq)
    this.#consumerDigits = digitCount(consumerSeq)
    this.#secondsDigits = digitCount(view.seconds)
    this.#pendingDigits = digitCount(pending)
    this.length =
      this.#prefix.length +
      this.#deliveriesDigits +
      this.#streamDigits +
      this.#consumerDigits +
      this.#secondsDigits +
      this.#pendingDigits +
      NANOS_DIGITS +
      DOTS
  }

  write(bytes: Uint8Array, at: number): number {
    const prefix = this.#prefix
    const { length } = prefix
    for (let i = 0; i < length; i++) bytes[at + i] = prefix[i]
    let end = at + length + this.#deliveriesDigits
    writeDigits(bytes, end - this.#deliveriesDigits, end, this.#deliveries)
    bytes[end++] = DOT
    end += this.#streamDigits
    writeDigits(bytes, end - this.#streamDigits, end, this.#streamSeq)
    bytes[end++] = DOT
    end += this.#consumerDigits
    writeDigits(bytes, end - this.#consumerDigits, end, this.#consumerSeq)
    bytes[end++] = DOT
    end += this.#secondsDigits
    writeDigits(bytes, end - this.#secondsDigits, end, this.#seconds)
    end += NANOS_DIGITS
    writeDigits(bytes, end - NANOS_DIGITS, end, this.#nanos)
    bytes[end++] = DOT
    end += this.#pendingDigits
    writeDigits(bytes, end - this.#pendingDigits, end, this.#pending)
    return end
  }

  text(): string {
    const bytes = new Uint8Array(this.length)
    this.write(bytes, 0)
    return decoder.decode(bytes)
  }
}
