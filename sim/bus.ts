/**
 * The world's bus: the engine's port on one side, simulated clients on the other. What the engine sends waits in a queue for
 * each client, and arrives when the world says; a crash loses what is on its way, from some point on.
 */
import type { SeededRandom } from '../packages/headwater/src/base/testing/seeded-random.ts'
import type {
  AckHandler,
  Bus,
  Inbound,
  InboundHandler,
  Subscription,
  Target,
} from '../packages/headwater/src/jetstream/bus.ts'
import { subjectMatches } from '../packages/headwater/src/protocol/subject.ts'

/** A message on its way to clients. */
export interface Sent {
  /** What the subscription is matched with: an inbox or a deliver subject. */
  readonly to: string
  readonly subject: string
  readonly reply: string
  /** Header block and payload, as strings of bytes. */
  readonly headers: string
  readonly payload: string
}

type Receive = (message: Sent) => void

interface ClientSubscription {
  readonly client: string
  readonly pattern: string
  readonly queue: string
  readonly receive: Receive
}

interface EngineSubscription {
  readonly pattern: string
  readonly handler: InboundHandler
}

const textOf = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1')

export class SimBus {
  readonly #random: SeededRandom
  readonly #clients = new Set<ClientSubscription>()
  #engine = new Set<EngineSubscription>()
  #acks: AckHandler | undefined
  #watches = new Set<{ subject: string; changed: () => void }>()
  /** By client, oldest first. */
  readonly #underway = new Map<string, { receive: Receive; message: Sent }[]>()
  /** Sees everything that the engine sends, in the moment in which it does. */
  onSent: Receive = () => {}
  /** A handler asked that publishers stop; nothing is published until it releases them. */
  stopped = false

  constructor(random: SeededRandom) {
    this.#random = random
  }

  /** The port for the engine of a new process. */
  attach(): Bus {
    this.#engine = new Set()
    this.#acks = undefined
    this.#watches = new Set()
    this.stopped = false
    const engine = this.#engine
    const added = <T>(set: Set<T>, one: T): Subscription => {
      set.add(one)
      return { unsubscribe: () => set.delete(one) }
    }
    return {
      subscribe: (pattern, handler) => added(engine, { pattern, handler }),
      capture: (pattern, handler) => added(engine, { pattern, handler }),
      captureAcks: (handler) => {
        this.#acks = handler
        return { unsubscribe: () => {} }
      },
      publish: (subject, reply, headers, payload) =>
        this.#send({ to: subject, subject, reply, headers: headers ? textOf(headers) : '', payload: textOf(payload) }),
      reply: (subject, bytes, start, end) =>
        this.#send({ to: subject, subject, reply: '', headers: '', payload: textOf(bytes.subarray(start, end)) }),
      hasInterest: (subject) => this.#interest(subject),
      target: (subject, queue) => this.#target(subject, queue),
      watchInterest: (subject, changed) => added(this.#watches, { subject, changed }),
      releasePublishers: () => {
        this.stopped = false
      },
    }
  }

  /** A client subscribes; `receive` is called when the world delivers. */
  subscribe(client: string, pattern: string, receive: Receive, queue = ''): Subscription {
    const subscription = { client, pattern, queue, receive }
    this.#clients.add(subscription)
    this.#interestChanged(pattern)
    return {
      unsubscribe: () => {
        this.#clients.delete(subscription)
        this.#interestChanged(pattern)
      },
    }
  }

  /** A client publishes. False when nobody hears it (503 for who asked). The bytes are garbage after the engine has seen them. */
  publish(subject: string, reply: string, headers: string, payload: string): boolean {
    const start = this.#random.below(5)
    const bytes = new Uint8Array(start + headers.length + payload.length + 3)
    bytes.set(Buffer.from(headers + payload, 'latin1'), start)
    const end = start + headers.length + payload.length
    if (subject.startsWith('$JS.ACK.')) {
      const name = Buffer.from(subject)
      this.#acks?.ack(Buffer.concat([name, bytes]), 0, name.length, reply, name.length + start, name.length + end)
      return this.#acks !== undefined
    }
    const message: Inbound = { subject, reply, bytes, start, headersLength: headers.length, end, client: undefined }
    let heard = false
    for (const { pattern, handler } of [...this.#engine]) {
      if (!subjectMatches(pattern, subject)) continue
      heard = true
      if (handler(message) === false) this.stopped = true
    }
    bytes.fill(0xaa)
    return heard
  }

  /** Lets some of what is on its way arrive; all of it with `everything`. Returns how much did. */
  deliver(everything = false): number {
    let delivered = 0
    for (const queue of this.#underway.values()) {
      for (let n = everything ? queue.length : this.#random.below(queue.length + 1); n > 0; n--) {
        const next = queue.shift()
        if (!next) break
        next.receive(next.message)
        delivered++
      }
    }
    return delivered
  }

  /** The engine's process died: of what it sent, a first part arrives, client by client. */
  crash(): void {
    this.#engine = new Set()
    this.#acks = undefined
    this.#watches = new Set()
    this.stopped = false
    const arriving = [...this.#underway.values()].flatMap((queue) =>
      queue.slice(0, this.#random.below(queue.length + 1)),
    )
    this.#underway.clear()
    for (const { receive, message } of arriving) receive(message)
  }

  #interest(subject: string, queue?: string): boolean {
    for (const one of this.#clients) {
      if (subjectMatches(one.pattern, subject) && (queue === undefined || one.queue === queue)) return true
    }
    return false
  }

  #interestChanged(pattern: string): void {
    for (const watch of [...this.#watches]) if (subjectMatches(pattern, watch.subject)) watch.changed()
  }

  #target(to: string, queue?: string): Target {
    const target: Target = {
      subject: to,
      hasInterest: () => this.#interest(to, queue ?? ''),
      deliver: ({ subject, bytes, headersStart, headersLength, end }, reply) =>
        target.send(subject, reply.text(), bytes, headersStart, headersLength, end),
      send: (subject, reply, bytes, start, headersLength, end) =>
        this.#send({
          to,
          subject,
          reply,
          headers: textOf(bytes.subarray(start, start + headersLength)),
          payload: textOf(bytes.subarray(start + headersLength, end)),
        }),
    }
    return target
  }

  #send(message: Sent): void {
    this.onSent(message)
    const groups = new Map<string, ClientSubscription[]>()
    for (const one of this.#clients) {
      if (!subjectMatches(one.pattern, message.to)) continue
      if (one.queue === '') this.#queue(one, message)
      else groups.set(one.queue, [...(groups.get(one.queue) ?? []), one])
    }
    for (const members of groups.values()) this.#queue(this.#random.pick(members), message)
  }

  #queue({ client, receive }: ClientSubscription, message: Sent): void {
    const queue = this.#underway.get(client)
    if (queue) queue.push({ receive, message })
    else this.#underway.set(client, [{ receive, message }])
  }
}
