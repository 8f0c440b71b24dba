/**
 * The engine's way into the broker: it hears subjects, publishes, and delivers, without a socket.
 * Satisfies the engine's port (which the layers forbid naming here); a test in conformance proves that the two still fit.
 */
import { toWire } from '../protocol/encode.ts'
import type { PublishFrame } from '../protocol/parser.ts'
import type { Account } from './account.ts'
import type { AckHandler, Ending, InboundHandler } from './bus-types.ts'
import type { Delivery } from './deliver.ts'
import { FrameWriter, type OwnMessage } from './frame-writer.ts'
import { Inboxes } from './inboxes.ts'
import { HandlerSubscription } from './subscription.ts'
import { DeliveryTarget, sendPlain } from './target.ts'

export class InternalClient {
  readonly #account: Account
  readonly #delivery: Delivery
  readonly #release: () => void
  readonly #writer = new FrameWriter()
  readonly #inboxes: Inboxes
  readonly #deliver = (bytes: Buffer, frame: PublishFrame): void => {
    const { subjectStart, subjectEnd, hash, lastDot, prefixHash } = frame
    const route = this.#account.routes.resolve(bytes, subjectStart, subjectEnd, hash, lastDot, prefixHash)
    this.#delivery.deliverTo(route, undefined, bytes, frame)
  }

  /** `release` lets every held publisher go on. */
  constructor(options: { account: Account; delivery: Delivery; release: () => void }) {
    this.#account = options.account
    this.#inboxes = new Inboxes(options.account.routes)
    this.#delivery = options.delivery
    this.#release = options.release
  }

  /** Hears every message on `subject` (wildcards allowed), in the publisher's turn. */
  subscribe(subject: string, handler: InboundHandler): Ending {
    const subscription = new HandlerSubscription(toWire(subject), handler)
    this.#account.subscribe(subscription)
    return { unsubscribe: () => this.#account.unsubscribe(subscription) }
  }

  /** A stream's subscription. Every handler counts as a receiver, so this is the same. */
  capture(subject: string, handler: InboundHandler): Ending {
    return this.subscribe(subject, handler)
  }

  /** Takes all messages on `$JS.ACK.>`: straight from the parser's positions. */
  captureAcks(handler: AckHandler): Ending {
    this.#account.ackHandler = handler
    return {
      unsubscribe: () => {
        if (this.#account.ackHandler === handler) this.#account.ackHandler = undefined
      },
    }
  }

  publish(subject: string, reply: string, headers: Uint8Array | undefined, payload: Uint8Array): void {
    this.#send({
      subject: toWire(subject),
      reply: toWire(reply),
      headers,
      bytes: payload,
      start: 0,
      headersLength: 0,
      end: payload.length,
    })
  }

  /**
   * Publishes `bytes[start, end)` without headers or reply. HOT: once per acknowledged publish. To an inbox of one client it
   * goes straight into that client's outbox.
   */
  reply(subject: string, bytes: Uint8Array, start: number, end: number): void {
    const only = this.#inboxes.only(subject)
    if (only?.isPlain) {
      sendPlain(only, subject, '', bytes, start, 0, end)
      return
    }
    this.#send({ subject: toWire(subject), reply: '', headers: undefined, bytes, start, headersLength: 0, end })
  }

  hasInterest(subject: string): boolean {
    return this.#account.hasMatch(toWire(subject))
  }

  /** With a queue only its members count as interest; what goes out reaches plain subscribers all the same. */
  target(subject: string, queue?: string, reach: 'all' | 'clients' = 'all'): DeliveryTarget {
    return new DeliveryTarget({
      subject,
      queue,
      reach,
      account: this.#account,
      delivery: this.#delivery,
      writer: this.#writer,
    })
  }

  /** Calls `changed` whenever a subscription that matches the literal `subject` came or went. */
  watchInterest(subject: string, changed: () => void): Ending {
    return this.#account.watch(toWire(subject), changed)
  }

  releasePublishers(): void {
    this.#release()
  }

  #send(message: OwnMessage): void {
    if (message.subject !== '') this.#writer.write(message, this.#deliver)
  }
}
