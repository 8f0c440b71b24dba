/**
 * Puts one message into the outboxes of everybody who gets it: the only file that every message crosses.
 * HOT: `deliverTo` runs once per message, `#send` once per delivery; neither allocates (deliver.bench.ts).
 *
 * The frame that goes out is composed in place, in front of the bytes that came in, and then copied as one piece per receiver:
 *
 *   in    PUB orders.new reply.1 5\r\nhello\r\n
 *   out  MSG orders.new 12 reply.1 5\r\nhello\r\n        the subject moves left, the sid goes between: the bytes before are used up
 *
 * For the next receiver only the sid changes, and when it is the same sid, nothing. Payloads above SHARED_MIN are copied once and
 * shared by reference. Everything unusual (odd spelling, a receiver without headers, a long sid) takes `#sendComposed`.
 */
import type { Random } from '../base/random.ts'
import { copyBytes, digitCount, fromWire, writeNumber } from '../protocol/encode.ts'
import type { PublishFrame } from '../protocol/parser.ts'
import { subjectMatches } from '../protocol/subject.ts'
import { mem } from './arena.ts'
import type { BusClient, Inbound } from './bus-types.ts'
import type { Connection } from './connection.ts'
import type { Route } from './routes.ts'
import { SubjectStrings } from './subject-strings.ts'
import type { Subscription } from './subscription.ts'

/** Payloads above this go by reference instead of through the outbox's chunk. */
export const SHARED_MIN: number = 16 * 1024
/** Longer sids are not composed in place: there must be room for them in front of the frame. */
const SID_IN_PLACE_MAX = 1024
const NONE = Buffer.alloc(0)

const [M, S, G, H] = [0x4d, 0x53, 0x47, 0x48]
const SPACE = 0x20
const CR = 0x0d
const LF = 0x0a

class InboundMessage implements Inbound {
  subject = ''
  reply = ''
  bytes: Uint8Array = mem
  start = 0
  headersLength = 0
  end = 0
  client: BusClient | undefined = undefined
}

/** The composer and copier of one broker. */
export class Delivery {
  readonly #random: Random
  readonly #subjects = new SubjectStrings()
  /** One message per depth: a handler may publish what another handler gets. */
  readonly #inbound: InboundMessage[] = [new InboundMessage()]
  #depth = 0
  /** The sid that the frame in place has, and where that frame starts. */
  #composedSid: Buffer | undefined
  #composedAt = 0
  /** The payload with its CR LF, when it is shared. */
  #body: Buffer = NONE

  constructor(random: Random) {
    this.#random = random
  }

  /**
   * Delivers `frame` to everybody on `route`; true when somebody got it. `publisher` is undefined for messages of the server itself.
   * Bytes outside the arena must never change: payloads are shared from there.
   */
  deliverTo(route: Route, publisher: Connection | undefined, bytes: Buffer, frame: PublishFrame): boolean {
    const handlers = route.handlers
    // Before the subject moves.
    const subject =
      handlers.length === 0 ? '' : this.#subjects.textOf(bytes, frame.subjectStart, frame.subjectEnd, frame.hash)
    const inPlace = frame.tail >= 0 && bytes === mem && frame.bodyEnd - frame.bodyStart <= SHARED_MIN
    this.#composedSid = undefined
    if (this.#body !== NONE) this.#body = NONE
    let taken = handlers.length > 0
    const subscriptions = route.subscriptions
    for (let i = 0; i < subscriptions.length; i++) {
      const subscription = subscriptions[i]
      if (!subscription.isPlain && !admits(subscription, publisher, bytes, frame)) continue
      this.#send(subscription, publisher, bytes, frame, inPlace)
      taken = true
    }
    const queues = route.queues
    for (let i = 0; i < queues.length; i++) {
      const member = this.#pick(queues[i], publisher, bytes, frame)
      if (member === undefined) continue
      this.#send(member, publisher, bytes, frame, inPlace)
      taken = true
    }
    if (handlers.length > 0) this.#handle(route, subject, publisher, bytes, frame)
    return taken
  }

  /** One random member of a queue group that can take the message; undefined when none can. */
  #pick(
    members: Subscription[],
    publisher: Connection | undefined,
    bytes: Buffer,
    frame: PublishFrame,
  ): Subscription | undefined {
    const count = members.length
    const first = count === 1 ? 0 : this.#random.below(count)
    for (let i = 0; i < count; i++) {
      const member = members[(first + i) % count]
      if (member.isPlain || admits(member, publisher, bytes, frame)) return member
    }
    return undefined
  }

  #send(
    subscription: Subscription,
    publisher: Connection | undefined,
    bytes: Buffer,
    frame: PublishFrame,
    inPlace: boolean,
  ): void {
    const connection = subscription.connection
    const sid = subscription.sidBytes
    if (inPlace && (frame.headersLength < 0 || connection.headers) && sid.length <= SID_IN_PLACE_MAX) {
      if (this.#composedSid !== sid) this.#composeInPlace(bytes, frame, sid)
      const at = this.#composedAt
      const end = frame.frameEnd
      bytes.copyWithin(connection.outbox.reserve(end - at), at, end)
    } else {
      this.#sendComposed(subscription, bytes, frame)
    }
    connection.outMsgs++
    connection.outBytes += frame.bodyEnd - frame.bodyStart
    subscription.delivered++
    if (publisher !== undefined && connection.outbox.isOver) publisher.stallOn(connection)
    if (subscription.isPlain) return
    if (connection.rights?.mayAnswer === true && frame.replyEnd > frame.replyStart) {
      connection.rights.asked(bytes.toString('latin1', frame.replyStart, frame.replyEnd))
    }
    if (connection.subscriptions.delivered(subscription)) {
      // Its end may have made somebody publish, from within: start afresh for the next receiver.
      this.#composedSid = undefined
      this.#body = NONE
    }
  }

  #composeInPlace(bytes: Buffer, frame: PublishFrame, sid: Buffer): void {
    const from = frame.subjectStart
    const length = frame.subjectEnd - from
    const sidLength = sid.length
    const to = frame.tail - sidLength - length
    if (to < from && length <= 32) {
      for (let i = 0; i < length; i++) bytes[to + i] = bytes[from + i]
    } else if (to !== from) {
      bytes.copyWithin(to, from, from + length)
    }
    frame.subjectStart = to
    frame.subjectEnd = to + length
    for (let i = 0, at = to + length; i < sidLength; i++) bytes[at + i] = sid[i]
    bytes[to - 1] = SPACE
    bytes[to - 2] = G
    bytes[to - 3] = S
    bytes[to - 4] = M
    if (frame.headersLength >= 0) bytes[to - 5] = H
    this.#composedAt = frame.headersLength >= 0 ? to - 5 : to - 4
    this.#composedSid = sid
  }

  #sendComposed(subscription: Subscription, bytes: Buffer, frame: PublishFrame): void {
    const outbox = subscription.connection.outbox
    const hasHeaders = frame.headersLength > 0
    const keepsHeaders = hasHeaders && subscription.connection.headers
    const start = hasHeaders && !keepsHeaders ? frame.bodyStart + frame.headersLength : frame.bodyStart
    const size = frame.bodyEnd - start
    const headers = keepsHeaders ? frame.headersLength : -1
    const subjectLength = frame.subjectEnd - frame.subjectStart
    const headLength = headOf(
      subjectLength,
      subscription.sidBytes.length,
      frame.replyEnd - frame.replyStart,
      headers,
      size,
    )
    if (size <= SHARED_MIN) {
      const at = outbox.reserve(headLength + size + 2)
      let to = writeHead(mem, at, bytes, frame, subscription.sidBytes, headers, size)
      to = copyBytes(mem, to, bytes, start, frame.bodyEnd)
      mem[to] = CR
      mem[to + 1] = LF
      return
    }
    const head = Buffer.allocUnsafe(headLength)
    writeHead(head, 0, bytes, frame, subscription.sidBytes, headers, size)
    outbox.shared(head, this.#sharedBody(bytes, frame).subarray(start - frame.bodyStart))
  }

  #sharedBody(bytes: Buffer, frame: PublishFrame): Buffer {
    if (this.#body === NONE) {
      const body = bytes.subarray(frame.bodyStart, frame.bodyEnd + 2)
      if (bytes === mem) {
        this.#body = Buffer.allocUnsafeSlow(body.length)
        this.#body.set(body)
      } else {
        this.#body = body
      }
    }
    return this.#body
  }

  #handle(route: Route, subject: string, publisher: Connection | undefined, bytes: Buffer, frame: PublishFrame): void {
    const message = this.#inbound[this.#depth] ?? (this.#inbound[this.#depth] = new InboundMessage())
    message.subject = subject
    message.reply = replyOf(bytes, frame)
    message.bytes = bytes
    message.start = frame.bodyStart
    message.headersLength = Math.max(0, frame.headersLength)
    message.end = frame.bodyEnd
    message.client = publisher?.busClient
    this.#depth++
    const handlers = route.handlers
    try {
      for (let i = 0; i < handlers.length; i++) {
        if (!handlers[i].isClosed && handlers[i].handler(message) === false) publisher?.hold()
      }
    } finally {
      this.#depth--
      if (message.bytes !== mem) message.bytes = mem
    }
  }
}

/** The reply of `frame` as text; '' when there is none. */
export function replyOf(bytes: Buffer, frame: PublishFrame): string {
  if (frame.replyStart === frame.replyEnd) return ''
  return fromWire(bytes.toString('latin1', frame.replyStart, frame.replyEnd))
}

/** Whether a subscription that is not plain may get this message. */
function admits(
  subscription: Subscription,
  publisher: Connection | undefined,
  bytes: Buffer,
  frame: PublishFrame,
): boolean {
  if (subscription.isClosed || (subscription.connection === publisher && !publisher.echo)) return false
  if (subscription.denied.length === 0) return true
  const subject = bytes.toString('latin1', frame.subjectStart, frame.subjectEnd)
  return !subscription.denied.some((pattern) => subjectMatches(pattern, subject))
}

/** Bytes of `MSG subject sid [reply] size\r\n`, or HMSG when `headers` is not negative. `sidLength` counts its two blanks. */
function headOf(subjectLength: number, sidLength: number, replyLength: number, headers: number, size: number): number {
  const length = 4 + subjectLength + sidLength + digitCount(size) + 2 + (replyLength > 0 ? replyLength + 1 : 0)
  return headers < 0 ? length : length + 1 + digitCount(headers) + 1
}

function writeHead(
  to: Buffer,
  at: number,
  bytes: Buffer,
  frame: PublishFrame,
  sid: Buffer,
  headers: number,
  size: number,
): number {
  let p = at
  if (headers >= 0) to[p++] = H
  to[p++] = M
  to[p++] = S
  to[p++] = G
  to[p++] = SPACE
  p = copyBytes(to, p, bytes, frame.subjectStart, frame.subjectEnd)
  p = copyBytes(to, p, sid, 0, sid.length)
  if (frame.replyEnd > frame.replyStart) {
    p = copyBytes(to, p, bytes, frame.replyStart, frame.replyEnd)
    to[p++] = SPACE
  }
  if (headers >= 0) {
    p = writeNumber(to, p, headers)
    to[p++] = SPACE
  }
  p = writeNumber(to, p, size)
  to[p++] = CR
  to[p++] = LF
  return p
}
