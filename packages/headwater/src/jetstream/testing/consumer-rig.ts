/** A stream, consumers and a client of them over the engine alone: what a test of consumers says in one line each. */
import { headerValue } from '../../protocol/headers.ts'
import type { ConsumerConfigRequest } from '../consumer/consumer-config.ts'
import type { ConsumerInfo } from '../consumer/consumer-info.ts'
import type { DeadLetterEvent, DeadLetterHeldEvent } from '../environment.ts'
import type { StreamConfigRequest } from '../stream/stream-config.ts'
import { TestEngine } from './engine.ts'
import type { Received } from './memory-bus.ts'

const decoder = new TextDecoder()

/** One delivery, or one status. */
export interface Delivered {
  readonly subject: string
  readonly text: string
  readonly headers: Uint8Array
  /** `408 Request Timeout`, or '' for a message. */
  readonly status: string
  readonly reply: string
  readonly deliveries: number
  readonly seq: number
  readonly consumerSeq: number
  readonly pending: number
  header(key: string): string | undefined
}

export class ConsumerRig {
  engine: TestEngine
  readonly letters: DeadLetterEvent[] = []
  readonly held: DeadLetterHeldEvent[] = []
  #inbox = 0

  constructor(engine: TestEngine = new TestEngine()) {
    this.engine = engine
    this.listenToEvents()
  }

  /** Collects the engine's events; again after a restart made another environment. */
  listenToEvents(): void {
    Object.assign(this.engine.env, {
      events: {
        deadLetter: (letter: DeadLetterEvent) => this.letters.push(letter),
        deadLetterHeld: (held: DeadLetterHeldEvent) => this.held.push(held),
      },
    })
  }

  /** Creates a stream. */
  async stream(config: StreamConfigRequest & { name: string }): Promise<void> {
    const { json } = await this.engine.api(`STREAM.CREATE.${config.name}`, config)
    if (json.error) throw new Error(JSON.stringify(json.error))
  }

  async updateStream(config: StreamConfigRequest & { name: string }): Promise<void> {
    const { json } = await this.engine.api(`STREAM.UPDATE.${config.name}`, config)
    if (json.error) throw new Error(JSON.stringify(json.error))
  }

  /** Creates or updates a consumer; gives its info, or the error. */
  async consumer(
    stream: string,
    name: string,
    config: ConsumerConfigRequest & { action?: string } = {},
    // biome-ignore lint/suspicious/noExplicitAny: tests look into whatever JSON comes back
  ): Promise<any> {
    const { action, ...rest } = config
    const full = { durable_name: name, ack_policy: 'explicit', ...rest }
    const { json } = await this.engine.api(`CONSUMER.CREATE.${stream}.${name}`, {
      stream_name: stream,
      config: full,
      ...(action ? { action } : {}),
    })
    await this.engine.pass(0)
    return json.error ?? json
  }

  async publish(subject: string, text = '', headers: [string, string][] = []): Promise<number> {
    const { json } = await this.engine.request(subject, text, headers)
    await this.engine.pass(0)
    return json.seq
  }

  /** Asks for messages and gives what came at once. `body` as on the wire: a number, or an object. */
  async pull(stream: string, consumer: string, body: unknown = 1): Promise<Delivered[]> {
    const { got, end } = this.ask(stream, consumer, body)
    await this.engine.pass(0)
    end()
    return got
  }

  /** Asks for messages; `got` fills as they come, until `end`. */
  ask(stream: string, consumer: string, body: unknown = 1): { got: Delivered[]; end: () => void } {
    const inbox = `_INBOX.pull.${++this.#inbox}`
    const { got, end } = this.listen(inbox)
    const text = typeof body === 'string' ? body : JSON.stringify(body)
    const heard = this.engine.bus.send(
      `$JS.API.CONSUMER.MSG.NEXT.${stream}.${consumer}`,
      inbox,
      new Uint8Array(0),
      new TextEncoder().encode(text),
    )
    if (heard === 0) throw new Error('no responders')
    return { got, end }
  }

  listen(subject: string, queue = ''): { got: Delivered[]; end: () => void } {
    const got: Delivered[] = []
    const subscription = this.engine.bus.listen(subject, (message) => got.push(read(message)), queue)
    return { got, end: () => subscription.unsubscribe() }
  }

  /** Answers a delivery, and lets the turn end. */
  async answer(delivery: Delivered, body = ''): Promise<void> {
    this.engine.send(delivery.reply, body)
    await this.engine.pass(0)
  }

  /** Answers and waits for the answer to that. */
  async answerSure(delivery: Delivered, body = ''): Promise<void> {
    await this.engine.request(delivery.reply, body)
  }

  async info(stream: string, consumer: string): Promise<ConsumerInfo> {
    return (await this.engine.api(`CONSUMER.INFO.${stream}.${consumer}`)).json
  }

  /** The texts of a stream's messages, with their sequences. */
  async stored(stream: string): Promise<string[]> {
    const { json } = await this.engine.api(`STREAM.INFO.${stream}`)
    const texts: string[] = []
    for (let seq = json.state.first_seq; seq <= json.state.last_seq; seq++) {
      const { json: found } = await this.engine.api(`STREAM.MSG.GET.${stream}`, { seq })
      if (!found.error) texts.push(`${seq} ${found.message.subject} ${atob(found.message.data ?? '')}`)
    }
    return texts
  }

  /** The header block of a stored message. */
  async headers(stream: string, seq: number): Promise<Record<string, string>> {
    const { json } = await this.engine.api(`STREAM.MSG.GET.${stream}`, { seq })
    if (json.error) throw new Error(`${stream} ${seq}: ${JSON.stringify(json.error)}`)
    const lines = atob(json.message.hdrs ?? '')
      .split('\r\n')
      .slice(1)
    return Object.fromEntries(lines.filter((line) => line).map((line) => line.split(/: ?(.*)/, 2) as [string, string]))
  }

  /** Advisories from now on, decoded. */
  // biome-ignore lint/suspicious/noExplicitAny: tests look into whatever JSON comes back
  advisories(subject = '$JS.EVENT.ADVISORY.CONSUMER.>'): any[] {
    // biome-ignore lint/suspicious/noExplicitAny: as above
    const seen: any[] = []
    this.engine.bus.listen(subject, (message) => seen.push(JSON.parse(decoder.decode(message.payload))))
    return seen
  }
}

function read(message: Received): Delivered {
  const numbers = message.reply.startsWith('$JS.ACK.') ? message.reply.split('.').slice(-5).map(Number) : []
  const [deliveries = 0, seq = 0, consumerSeq = 0, , pending = 0] = numbers
  const block = decoder.decode(message.headers)
  return {
    subject: message.subject,
    text: decoder.decode(message.payload),
    headers: message.headers,
    status: /^NATS\/1\.0 (.*?)\r\n/.exec(block)?.[1] ?? '',
    reply: message.reply,
    deliveries,
    seq,
    consumerSeq,
    pending,
    header: (key) => headerValue(message.headers, 0, message.headers.length, key),
  }
}
