/** Direct gets: one message of a stream, sent as it is stored with its place in headers; the read path of key-value stores. */
import { formatTime } from '../../base/time.ts'
import { appendHeaders, buildHeaders, headerValue } from '../../protocol/headers.ts'
import { isValidSubject } from '../../protocol/subject.ts'
import { MessageView } from '../../store/message-view.ts'
import type { Store } from '../../store/store.ts'
import { COLD, FOUND } from '../../store/stream-log.ts'
import type { Inbound, Subscription } from '../bus.ts'
import type { Environment } from '../environment.ts'
import type { Stream } from '../stream/stream.ts'
import { API_LEVEL } from './api-level.ts'
import { ApiError } from './errors.ts'
import { decodeJson } from './json-shape.ts'
import { batches, directGetShape, type GetRequest, isEmptyGet, isMalformedGet, readMessage, seqOf } from './messages.ts'

const PREFIX = '$JS.API.DIRECT.GET.'
const NOTHING = new Uint8Array(0)
const decoder = new TextDecoder()

/** Answers `DIRECT.GET.<stream>` and `DIRECT.GET.<stream>.<subject>` while it is open. */
export class DirectGet {
  readonly #env: Environment
  readonly #store: Store
  readonly #stream: Stream
  readonly #subscriptions: Subscription[]
  readonly #view = new MessageView()

  constructor(env: Environment, store: Store, stream: Stream) {
    this.#env = env
    this.#store = store
    this.#stream = stream
    const subject = PREFIX + stream.name
    this.#subscriptions = [
      env.bus.capture(subject, (message) => this.#byRequest(message)),
      env.bus.capture(`${subject}.>`, (message) => this.#bySubject(message, message.subject.slice(subject.length + 1))),
    ]
  }

  close(): void {
    for (const subscription of this.#subscriptions) subscription.unsubscribe()
  }

  #byRequest(message: Inbound): undefined {
    if (!meetsLevel(message)) return this.#status(message.reply, '412 Required Api Level')
    if (payloadLength(message) === 0) return this.#status(message.reply, '408 Empty Request')
    const request = this.#decode(message)
    if (!request) return this.#status(message.reply, '408 Malformed Request')
    if (isEmptyGet(request)) return this.#status(message.reply, '408 Empty Request')
    if (isMalformedGet(request)) return this.#status(message.reply, '408 Bad Request')
    // Several messages at once are not there yet; the request says so instead of answering with one.
    if (batches(request)) return this.#status(message.reply, '408 Batch Get Not Supported By Headwater Yet')
    this.#answer(message.reply, request)
  }

  #bySubject(message: Inbound, subject: string): undefined {
    if (!meetsLevel(message)) return this.#status(message.reply, '412 Required Api Level')
    const request = payloadLength(message) === 0 ? {} : this.#decode(message)
    if (!request) return this.#status(message.reply, '408 Malformed Request')
    if (!isEmptyGet(request) || !isValidSubject(subject)) return this.#status(message.reply, '408 Bad Request')
    this.#answer(message.reply, { last_by_subj: subject, no_hdr: request.no_hdr })
  }

  #decode(message: Inbound): GetRequest | undefined {
    const text = decoder.decode(message.bytes.subarray(message.start + message.headersLength, message.end))
    try {
      return decodeJson(text, directGetShape) as GetRequest
    } catch (error) {
      if (error instanceof ApiError) return undefined
      throw error
    }
  }

  #answer(reply: string, request: GetRequest): void {
    if (reply === '') return
    const { log } = this.#stream
    const seq = seqOf(log, request)
    const found = typeof seq === 'number' ? log.read(seq, this.#view) : COLD
    if (found !== COLD) {
      this.#send(reply, request, found === FOUND ? this.#view : undefined)
      return
    }
    const view = new MessageView()
    Promise.resolve(seq)
      .then((at) => readMessage(log, at, view))
      .then(
        (found) => this.#send(reply, request, found ? view : undefined),
        (error: unknown) => {
          this.#env.log.error({ error, stream: this.#stream.name }, 'a message could not be read')
          this.#status(reply, '503 Message Unreadable')
        },
      )
  }

  #send(reply: string, request: GetRequest, view: MessageView | undefined): void {
    if (!view) {
      this.#status(reply, '404 Message Not Found')
      return
    }
    const payload = view.payload()
    const headers = request.no_hdr
      ? undefined
      : appendHeaders(view.headers(), [
          ['Nats-Stream', this.#stream.name],
          ['Nats-Subject', view.subject],
          ['Nats-Sequence', String(view.seq)],
          ['Nats-Time-Stamp', formatTime(view.time())],
        ])
    this.#whenReadable(() => this.#env.bus.publish(reply, '', headers, payload))
  }

  #status(reply: string, status: string): undefined {
    if (reply === '') return
    this.#whenReadable(() => this.#env.bus.publish(reply, '', buildHeaders([], status), NOTHING))
  }

  /** Reads go on when the store failed: what is told may then be lost, and says no more than the stream does. */
  #whenReadable(send: () => void): void {
    this.#store.whenReadable({ readable: send, failed: send })
  }
}

function payloadLength(message: Inbound): number {
  return message.end - message.start - message.headersLength
}

function meetsLevel(message: Inbound): boolean {
  if (message.headersLength === 0) return true
  const level = headerValue(message.bytes, message.start, message.headersLength, 'Nats-Required-Api-Level')
  return level === undefined || (/^\d+$/.test(level) && Number(level) <= API_LEVEL)
}
