/**
 * Dead letters on a NATS server that has none: a work-queue stream keeps the server's advisories, and for each of them the
 * relay publishes the letter that Headwater would have written. At least once; README.md says what is weaker than on Headwater.
 */
import {
  AckPolicy,
  type ConsumerMessages,
  DeliverPolicy,
  type JetStreamClient,
  type JetStreamManager,
  type JsMsg,
  jetstream,
  jetstreamManager,
  RetentionPolicy,
  StorageType,
} from '@nats-io/jetstream'
import type { NatsConnection } from '@nats-io/nats-core'
import { type DeadLetterEnd, deadLetterOf } from './dead-letter-config.ts'
import { type Advisory, endOf, letterHeaders } from './relayed-letter.ts'

const RELAY_CONSUMER = 'relay'
/** A letter that could not be written is tried again after this. */
const RETRY_MS = 1000

/** Which consumer's messages, and where their letters go. */
export interface DeadLetterRelayOptions {
  readonly stream: string
  readonly consumer: string
  /** A stream must capture it. Left out: what the consumer's metadata says (`withDeadLetter`). */
  readonly subject?: string
  /** Copies of the stream that keeps the advisories; those of the watched stream when left out. */
  readonly replicas?: number
  /** Hears, in a sentence, of a letter that has to be tried again, and of a message that was gone before its letter. */
  readonly onProblem?: (text: string) => void
}

/** A running relay. */
export interface DeadLetterRelay {
  /** Letters that were stored. */
  readonly relayed: number
  /** Messages that were gone before their letter could be written. */
  readonly lost: number
  /** Stops, after the letter that is under way. The connection stays open; the advisories wait for the next relay. */
  close(): Promise<void>
}

/**
 * Starts relaying; several relays of one consumer share the work. Throws when the consumer does not exist, when it has no
 * dead-letter subject, and on a Headwater server, which writes its letters itself.
 */
export async function startDeadLetterRelay(
  nc: NatsConnection,
  options: DeadLetterRelayOptions,
): Promise<DeadLetterRelay> {
  const { server_metadata: metadata } = (nc.info ?? {}) as { server_metadata?: Record<string, string> }
  if (metadata?.['headwater.version']) throw new Error('This server is Headwater: it writes dead letters itself')
  const jsm = await jetstreamManager(nc)
  const { stream, consumer } = options
  const info = await jsm.consumers.info(stream, consumer)
  const configured = deadLetterOf(info.config.metadata)
  const subject = options.subject ?? configured?.subject
  if (subject === undefined) {
    throw new Error(
      `Consumer ${consumer} of ${stream} names no dead-letter subject: use withDeadLetter, or give subject`,
    )
  }
  const watched = (await jsm.streams.info(stream)).config
  const kept = await keepAdvisories(jsm, options, options.replicas ?? watched.num_replicas)
  const js = jetstream(nc)
  const messages = await (await js.consumers.get(kept, RELAY_CONSUMER)).consume({ max_messages: 100 })
  const relay = new Relay({
    jsm,
    js,
    messages,
    subject,
    on: configured?.on ?? ['max-deliver', 'terminated'],
    created: info.created,
    settles: watched.retention === RetentionPolicy.Workqueue,
    onProblem: options.onProblem ?? (() => {}),
  })
  relay.run()
  return relay
}

/** The stream and consumer that keep advisories until their letter is stored. Fine when they are there. */
async function keepAdvisories(
  jsm: JetStreamManager,
  options: DeadLetterRelayOptions,
  replicas: number,
): Promise<string> {
  const { stream, consumer } = options
  const name = `DEAD_LETTER_RELAY_${stream}_${consumer}`
  await jsm.streams.add({
    name,
    subjects: ['MAX_DELIVERIES', 'MSG_TERMINATED'].map(
      (kind) => `$JS.EVENT.ADVISORY.CONSUMER.${kind}.${stream}.${consumer}`,
    ),
    retention: RetentionPolicy.Workqueue,
    storage: StorageType.File,
    num_replicas: replicas,
    description: `Given-up messages of ${consumer} whose dead letters are not written yet`,
  })
  await jsm.consumers.add(name, {
    durable_name: RELAY_CONSUMER,
    ack_policy: AckPolicy.Explicit,
    deliver_policy: DeliverPolicy.All,
    max_deliver: -1,
  })
  return name
}

interface RelayParts {
  readonly jsm: JetStreamManager
  readonly js: JetStreamClient
  readonly messages: ConsumerMessages
  readonly subject: string
  readonly on: readonly DeadLetterEnd[]
  /** Of the watched consumer, RFC 3339. */
  readonly created: string
  /** Work queue: the original goes once its letter is stored. */
  readonly settles: boolean
  readonly onProblem: (text: string) => void
}

class Relay implements DeadLetterRelay {
  relayed = 0
  lost = 0
  readonly #parts: RelayParts
  #done: Promise<void> = Promise.resolve()

  constructor(parts: RelayParts) {
    this.#parts = parts
  }

  run(): void {
    this.#done = this.#loop()
  }

  async close(): Promise<void> {
    await this.#parts.messages.close()
    await this.#done
  }

  async #loop(): Promise<void> {
    for await (const message of this.#parts.messages) {
      try {
        await this.#relay(message)
        // Confirmed: an ack that is lost would only cost a letter written twice, but the work queue would keep its advisory.
        await message.ackAck()
      } catch (error) {
        this.#parts.onProblem(`a dead letter is tried again: ${(error as Error).message}`)
        message.nak(RETRY_MS)
      }
    }
  }

  /** Writes the letter of one advisory. Rejects when it is not certain that it is stored. */
  async #relay(message: JsMsg): Promise<void> {
    const { jsm, js, on, subject, created, settles } = this.#parts
    const advisory = message.json<Advisory>()
    if (!on.includes(endOf(advisory))) return
    const { stream, stream_seq: seq } = advisory
    const original = await jsm.streams.getMessage(stream, { seq })
    if (!original) {
      // Already relayed and removed, when this advisory came twice; otherwise the stream's limits were quicker.
      if (!settles) {
        this.lost++
        this.#parts.onProblem(`message ${seq} of ${stream} was gone before its dead letter`)
      }
      return
    }
    const time = original.timestamp
    const { id, headers } = letterHeaders(
      advisory,
      { subject: original.subject, time, headers: original.header },
      created,
    )
    // The letter's own id makes a second attempt a duplicate, inside the window of the stream that stores it.
    await js.publish(subject, original.data, { headers, msgID: id })
    this.relayed++
    if (settles) await jsm.streams.deleteMessage(stream, seq, false)
  }
}
