/** A bus without a broker: one trie, messages handed over in the call. For tests of the engine alone. */

import { subjectMatches } from '../../protocol/subject.ts'
import { SubjectTrie } from '../../protocol/subject-trie.ts'
import type { AckHandler, Bus, Inbound, InboundHandler, Subscription, Target } from '../bus.ts'

const NOTHING = new Uint8Array(0)
const ACK_PREFIX = '$JS.ACK.'

/** What a test's subscriber gets: copies, which may be kept. */
export interface Received {
  readonly subject: string
  readonly reply: string
  readonly headers: Uint8Array
  readonly payload: Uint8Array
}

interface Listener {
  readonly subject: string
  readonly queue: string
  /** Engine handlers get the message as it is; test subscribers get a copy. */
  readonly handler: InboundHandler | undefined
  readonly receive: ((message: Received) => void) | undefined
}

export class MemoryBus implements Bus {
  readonly #listeners = new SubjectTrie<Listener>()
  readonly #watches = new Set<{ subject: string; changed: () => void }>()
  #acks: AckHandler | undefined
  /** How often a handler asked for a pause, and how often the engine ended one. */
  pauses = 0
  releases = 0

  subscribe(subject: string, handler: InboundHandler): Subscription {
    return this.#add({ subject, queue: '', handler, receive: undefined })
  }

  capture(subject: string, handler: InboundHandler): Subscription {
    return this.subscribe(subject, handler)
  }

  captureAcks(handler: AckHandler): Subscription {
    this.#acks = handler
    return {
      unsubscribe: () => {
        this.#acks = undefined
      },
    }
  }

  publish(subject: string, reply: string, headers: Uint8Array | undefined, payload: Uint8Array): void {
    this.send(subject, reply, headers ?? NOTHING, payload)
  }

  reply(subject: string, bytes: Uint8Array, start: number, end: number): void {
    this.send(subject, '', NOTHING, bytes.subarray(start, end))
  }

  hasInterest(subject: string): boolean {
    return this.#listeners.hasMatch(subject)
  }

  target(subject: string, queue = '', reach: 'all' | 'clients' = 'all'): Target {
    const matching = (ofQueue: string): Listener[] => {
      const found: Listener[] = []
      this.#listeners.match(subject, (listener) => {
        if (listener.queue === ofQueue && (reach === 'all' || listener.receive)) found.push(listener)
      })
      return found
    }
    const target: Target = {
      subject,
      hasInterest: () => matching(queue).length > 0,
      deliver: (message, reply) =>
        target.send(
          message.subject,
          reply.text(),
          message.bytes,
          message.headersStart,
          message.headersLength,
          message.end,
        ),
      send: (shown, reply, bytes, start, headersLength, end) => {
        const message = { subject: shown, reply, bytes, start, headersLength, end, client: undefined }
        const listeners = queue === '' ? matching('') : [...matching(''), ...matching(queue).slice(0, 1)]
        for (const listener of listeners) this.#hand(listener, message)
      },
    }
    return target
  }

  watchInterest(subject: string, changed: () => void): Subscription {
    const watch = { subject, changed }
    this.#watches.add(watch)
    return { unsubscribe: () => this.#watches.delete(watch) }
  }

  releasePublishers(): void {
    this.releases++
  }

  /** A test subscribes. */
  listen(subject: string, receive: (message: Received) => void, queue = ''): Subscription {
    return this.#add({ subject, queue, handler: undefined, receive })
  }

  /** A test publishes; returns how many listeners got it. */
  send(subject: string, reply: string, headers: Uint8Array, payload: Uint8Array): number {
    // Something in front and behind, so that a handler which ignores its bounds is caught.
    const bytes = new Uint8Array(3 + headers.length + payload.length + 2).fill(0x21)
    bytes.set(headers, 3)
    bytes.set(payload, 3 + headers.length)
    const end = bytes.length - 2
    if (subject.startsWith(ACK_PREFIX) && this.#acks) {
      const subjectBytes = new TextEncoder().encode(subject)
      const all = new Uint8Array(subjectBytes.length + bytes.length)
      all.set(subjectBytes)
      all.set(bytes, subjectBytes.length)
      const start = subjectBytes.length + 3 + headers.length
      this.#acks.ack(all, 0, subjectBytes.length, reply, start, subjectBytes.length + end)
      return 1
    }
    const found: Listener[] = []
    this.#listeners.match(subject, (listener) => found.push(listener))
    const message = { subject, reply, bytes, start: 3, headersLength: headers.length, end, client: undefined }
    for (const listener of found) this.#hand(listener, message)
    // What a handler wants to keep it must have copied.
    bytes.fill(0xaa)
    return found.length
  }

  #hand(listener: Listener, message: Inbound): void {
    if (listener.handler) {
      if (listener.handler(message) === false) this.pauses++
      return
    }
    const { subject, reply, bytes, start, headersLength, end } = message
    listener.receive?.({
      subject,
      reply,
      headers: bytes.slice(start, start + headersLength),
      payload: bytes.slice(start + headersLength, end),
    })
  }

  #add(listener: Listener): Subscription {
    this.#listeners.insert(listener.subject, listener)
    this.#interestChanged(listener.subject)
    return {
      unsubscribe: () => {
        if (this.#listeners.remove(listener.subject, listener)) this.#interestChanged(listener.subject)
      },
    }
  }

  #interestChanged(pattern: string): void {
    for (const watch of [...this.#watches]) if (subjectMatches(pattern, watch.subject)) watch.changed()
  }
}
