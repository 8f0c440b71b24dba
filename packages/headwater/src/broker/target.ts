/**
 * Somewhere that the engine delivers to again and again: the way to its subscribers is looked up once per change of subscriptions.
 * HOT: `deliver` runs once per delivered message; to one plain client it is one frame with one copy, and nothing is allocated.
 */

import { copyBytes, digitCount, toWire, writeLatin1, writeNumber } from '../protocol/encode.ts'
import { hashSubject, PublishFrame } from '../protocol/parser.ts'
import type { Account } from './account.ts'
import { mem } from './arena.ts'
import type { ReplyWriter, StoredMessage } from './bus-types.ts'
import { type Delivery, SHARED_MIN } from './deliver.ts'
import type { FrameWriter } from './frame-writer.ts'
import { Route } from './routes.ts'
import type { Subscription } from './subscription.ts'

const CR = 0x0d
const LF = 0x0a
const SPACE = 0x20
const [M, S, G, H] = [0x4d, 0x53, 0x47, 0x48]

export class DeliveryTarget {
  /** As text. */
  readonly subject: string
  readonly #queue: string | undefined
  readonly #toHandlers: boolean
  readonly #account: Account
  readonly #delivery: Delivery
  readonly #writer: FrameWriter
  readonly #bytes: Buffer
  readonly #frame = new PublishFrame()
  readonly #wire: string
  #epoch = -1
  #clients: Route
  #handlers: Route
  #interest = false
  /** When it is all there is. */
  #only: Subscription | undefined

  constructor(options: {
    subject: string
    queue: string | undefined
    reach: 'all' | 'clients'
    account: Account
    delivery: Delivery
    writer: FrameWriter
  }) {
    this.subject = options.subject
    this.#queue = options.queue === undefined ? undefined : toWire(options.queue)
    this.#toHandlers = options.reach === 'all' && options.queue === undefined
    this.#account = options.account
    this.#delivery = options.delivery
    this.#writer = options.writer
    this.#wire = toWire(options.subject)
    this.#bytes = Buffer.from(this.#wire, 'latin1')
    this.#frame.subjectEnd = this.#bytes.length
    hashSubject(this.#bytes, this.#frame)
    this.#clients = new Route(0, this.#bytes)
    this.#handlers = this.#clients
  }

  /** Whether anyone would get a message now. */
  hasInterest(): boolean {
    this.#refresh()
    return this.#interest
  }

  /** Sends headers and payload `bytes[start, end)`; receivers see `subject` and `reply`. */
  send(subject: string, reply: string, bytes: Uint8Array, start: number, headersLength: number, end: number): void {
    this.#refresh()
    const only = this.#only
    if (only?.isPlain && (headersLength === 0 || only.connection.headers)) {
      sendPlain(only, toWire(subject), toWire(reply), bytes, start, headersLength, end)
      return
    }
    const message = {
      subject: toWire(subject),
      reply: toWire(reply),
      headers: undefined,
      bytes,
      start,
      headersLength,
      end,
    }
    if (!this.#clients.isEmpty) {
      this.#writer.write(message, (frameBytes, frame) => {
        this.#delivery.deliverTo(this.#clients, undefined, frameBytes, frame)
      })
    }
    if (!this.#handlers.isEmpty) {
      // Inside the server the message is one on the target's subject: a stream that captures it stores it there.
      this.#writer.write({ ...message, subject: this.#wire }, (frameBytes, frame) => {
        this.#delivery.deliverTo(this.#handlers, undefined, frameBytes, frame)
      })
    }
  }

  /** Sends a stored message; `reply` is composed in the outbox of its one receiver, or as text for several. */
  deliver(message: StoredMessage, reply: ReplyWriter): void {
    this.#refresh()
    const only = this.#only
    const { bytes, headersStart, headersLength, end } = message
    const isPlain = only?.isPlain && (headersLength === 0 || only.connection.headers)
    if (isPlain && end - headersStart <= SHARED_MIN) deliverPlain(only, message, reply)
    else this.send(message.subject, reply.text(), bytes, headersStart, headersLength, end)
  }

  #refresh(): void {
    const { routes } = this.#account
    if (this.#epoch === routes.epoch) return
    const { subjectStart, subjectEnd, hash, lastDot, prefixHash } = this.#frame
    const route = routes.resolve(this.#bytes, subjectStart, subjectEnd, hash, lastDot, prefixHash)
    this.#epoch = routes.epoch
    this.#clients = new Route(0, this.#bytes)
    this.#handlers = new Route(0, this.#bytes)
    this.#clients.subscriptions = route.subscriptions
    this.#clients.queues = route.queues
    if (this.#toHandlers) this.#handlers.handlers = route.handlers
    this.#interest =
      this.#queue === undefined
        ? !this.#clients.isEmpty || !this.#handlers.isEmpty
        : route.queues.some((members) => members[0].queue === this.#queue)
    const { subscriptions, queues } = this.#clients
    const isOne = subscriptions.length === 1 && queues.length === 0 && this.#handlers.isEmpty
    this.#only = isOne ? subscriptions[0] : undefined
  }
}

/** `HMSG ` or `MSG `. */
function writeVerb(to: Uint8Array, at: number, hasHeaders: boolean): number {
  if (hasHeaders) to[at++] = H
  to[at] = M
  to[at + 1] = S
  to[at + 2] = G
  to[at + 3] = SPACE
  return at + 4
}

/** Composes a stored message of at most SHARED_MIN bytes straight into the outbox of `subscription`. */
function deliverPlain(subscription: Subscription, message: StoredMessage, reply: ReplyWriter): void {
  const { connection, sidBytes } = subscription
  const { bytes, subjectStart, subjectEnd, headersStart, headersLength, end } = message
  const size = end - headersStart
  const headLength =
    (headersLength > 0 ? 6 + digitCount(headersLength) : 4) +
    reply.length +
    1 +
    (subjectEnd - subjectStart) +
    sidBytes.length +
    digitCount(size) +
    2
  let at = writeVerb(mem, connection.outbox.reserve(headLength + size + 2), headersLength > 0)
  at = copyBytes(mem, at, bytes, subjectStart, subjectEnd)
  at = copyBytes(mem, at, sidBytes, 0, sidBytes.length)
  at = reply.write(mem, at)
  mem[at++] = SPACE
  if (headersLength > 0) {
    at = writeNumber(mem, at, headersLength)
    mem[at++] = SPACE
  }
  at = writeNumber(mem, at, size)
  mem[at++] = CR
  mem[at++] = LF
  at = copyBytes(mem, at, bytes, headersStart, end)
  mem[at] = CR
  mem[at + 1] = LF
  connection.outMsgs++
  connection.outBytes += size
  subscription.delivered++
}

/** Composes straight into the outbox of `subscription`. Subject and reply are wire text. */
export function sendPlain(
  subscription: Subscription,
  subject: string,
  reply: string,
  bytes: Uint8Array,
  start: number,
  headersLength: number,
  end: number,
): void {
  const { connection, sidBytes } = subscription
  const size = end - start
  const headLength =
    (headersLength > 0 ? 6 + digitCount(headersLength) : 4) +
    (reply === '' ? 0 : reply.length + 1) +
    subject.length +
    sidBytes.length +
    digitCount(size) +
    2
  const isShared = size > SHARED_MIN
  const to = isShared ? Buffer.allocUnsafe(headLength) : mem
  let at = isShared ? 0 : connection.outbox.reserve(headLength + size + 2)
  at = writeVerb(to, at, headersLength > 0)
  at = writeLatin1(to, at, subject)
  at = copyBytes(to, at, sidBytes, 0, sidBytes.length)
  if (reply !== '') {
    at = writeLatin1(to, at, reply)
    to[at++] = SPACE
  }
  if (headersLength > 0) {
    at = writeNumber(to, at, headersLength)
    to[at++] = SPACE
  }
  at = writeNumber(to, at, size)
  to[at++] = CR
  to[at++] = LF
  if (isShared) {
    const body = Buffer.allocUnsafeSlow(size + 2)
    body.set(bytes.subarray(start, end))
    body[size] = CR
    body[size + 1] = LF
    connection.outbox.shared(to, body)
  } else {
    at = copyBytes(to, at, bytes, start, end)
    to[at] = CR
    to[at + 1] = LF
  }
  connection.outMsgs++
  connection.outBytes += size
  subscription.delivered++
}
