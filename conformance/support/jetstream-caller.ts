/** JetStream spoken by hand: API requests, acknowledged publishes and pulls whose answers are kept as observations. */

import type { Caller } from './caller.ts'
import { expectEqual, expectMatch } from './expectations.ts'
import type { Json } from './json.ts'
import { describe, headerOf, type Message } from './messages.ts'
import type { Trial } from './trial.ts'

/** `[code, err_code, description]`; an expression where the text holds something that varies. */
export type ApiErrorRow = readonly [code: number, errCode: number, description: string | RegExp]

export class JetStreamCaller {
  readonly caller: Caller
  private readonly trial: Trial

  constructor(caller: Caller, trial: Trial) {
    this.caller = caller
    this.trial = trial
  }

  /** Sends an API request and returns the answer as JSON, checked against its official schema but not observed. */
  async peek(api: string, body?: unknown, headers?: readonly string[]): Promise<Json> {
    const text = body === undefined ? '' : typeof body === 'string' ? body : JSON.stringify(body)
    const message = await this.caller.request(`$JS.API.${api}`, text, headers)
    if (message.status !== 0) throw new Error(`${api}: answered with status ${message.status} ${message.description}`)
    const reply = JSON.parse(message.text)
    if (typeof reply.type === 'string') this.trial.checkSchema(reply.type, reply)
    return reply
  }

  /** As peek, and the answer must be the same on every target. */
  async api(api: string, body?: unknown, headers?: readonly string[]): Promise<Json> {
    const reply = await this.peek(api, body, headers)
    this.trial.observe(api, reply)
    return reply
  }

  /** An API request that must succeed. */
  async ok(api: string, body?: unknown): Promise<Json> {
    const reply = await this.api(api, body)
    if (reply.error) throw new Error(`${api}: expected success, got ${JSON.stringify(reply.error)}`)
    return reply
  }

  /** As ok, for answers that depend on time: not observed. */
  async okPeek(api: string, body?: unknown): Promise<Json> {
    const reply = await this.peek(api, body)
    if (reply.error) throw new Error(`${api}: expected success, got ${JSON.stringify(reply.error)}`)
    return reply
  }

  /** An API request that must be refused with this error. */
  async fail(api: string, body: unknown, [code, errCode, description]: ApiErrorRow): Promise<Json> {
    const reply = await this.api(api, body)
    if (!reply.error)
      throw new Error(`${api}: expected error ${errCode}, got success ${JSON.stringify(reply).slice(0, 300)}`)
    expectMatch(reply.error, { code, err_code: errCode, description }, api)
    return reply
  }

  /** Creates a stream; the name stands in the config. */
  stream(config: { name: string } & Record<string, unknown>): Promise<Json> {
    return this.ok(`STREAM.CREATE.${config.name}`, config)
  }

  info(stream: string, body?: unknown): Promise<Json> {
    return this.ok(`STREAM.INFO.${stream}`, body)
  }

  /** Creates a consumer under `config.name` or `config.durable_name`, or an ephemeral without either. */
  consumer(stream: string, config: Record<string, unknown>): Promise<Json> {
    return this.ok(createSubject(stream, config), { stream_name: stream, config })
  }

  consumerFails(stream: string, config: Record<string, unknown>, error: ApiErrorRow): Promise<Json> {
    return this.fail(createSubject(stream, config), { stream_name: stream, config }, error)
  }

  consumerInfo(stream: string, name: string): Promise<Json> {
    return this.ok(`CONSUMER.INFO.${stream}.${name}`)
  }

  /** Waits until the consumer counts so many pending messages: nats-server counts a little after the PubAck. */
  async pending(stream: string, name: string, count: number): Promise<void> {
    for (;;) if ((await this.okPeek(`CONSUMER.INFO.${stream}.${name}`)).num_pending === count) return
  }

  /** Publishes and returns the PubAck; its bytes are observed. */
  async publish(subject: string, body: string | Uint8Array = '', headers?: readonly string[]): Promise<Json> {
    const message = await this.caller.request(subject, body, headers)
    if (message.status !== 0)
      throw new Error(`publish to ${subject}: answered with status ${message.status} ${message.description}`)
    const ack = JSON.parse(message.text)
    this.trial.observe(`publish ${subject}`, message.text)
    if (!ack.error) this.trial.checkSchema('io.nats.jetstream.api.v1.pub_ack_response', ack)
    return ack
  }

  /** A publish that must be stored under `seq`. */
  async publishOk(subject: string, body: string | Uint8Array = '', headers?: readonly string[]): Promise<Json> {
    const ack = await this.publish(subject, body, headers)
    if (ack.error) throw new Error(`publish to ${subject}: expected an ack, got ${JSON.stringify(ack)}`)
    return ack
  }

  async publishFails(
    subject: string,
    body: string,
    headers: readonly string[] | undefined,
    error: ApiErrorRow,
  ): Promise<void> {
    const ack = await this.publish(subject, body, headers)
    if (!ack.error) throw new Error(`publish to ${subject}: expected error ${error[1]}, got ${JSON.stringify(ack)}`)
    expectMatch(ack.error, { code: error[0], err_code: error[1], description: error[2] }, `publish ${subject}`)
  }

  /** Publishes each body in turn, each acknowledged. */
  async publishAll(subject: string, bodies: readonly string[]): Promise<void> {
    for (const body of bodies) await this.publishOk(subject, body)
  }

  /** Pulls; returns the first `count` answers (messages and statuses, heartbeats included). */
  async pull(stream: string, consumer: string, body: unknown, count: number): Promise<Message[]> {
    const inbox = this.caller.subscribe(this.caller.newInbox())
    const text = body === undefined ? '' : typeof body === 'string' ? body : JSON.stringify(body)
    this.caller.publish(`$JS.API.CONSUMER.MSG.NEXT.${stream}.${consumer}`, text, { reply: inbox.subject })
    const messages = await inbox.take(count)
    await this.caller.flush()
    const extra = inbox.drain()
    this.caller.unsubscribe(inbox)
    if (extra.length > 0)
      throw new Error(`pull: ${extra.length} more than the ${count} expected: ${extra.map(describe).join('; ')}`)
    return messages
  }

  /** As pull, and the answers must read like these lines (see `line`), and be the same on every target. */
  async expectPull(stream: string, consumer: string, body: unknown, lines: readonly string[]): Promise<Message[]> {
    const messages = await this.pull(stream, consumer, body, lines.length)
    expectEqual(messages.map(line), lines, `pull ${JSON.stringify(body ?? '')}`)
    for (const message of messages) this.trial.observe('pulled', describe(message).replace(/^_INBOX\.\S+/, '_INBOX'))
    return messages
  }

  /** Answers a delivered message: '+ACK', '-NAK' ... */
  answer(message: Message, text = '+ACK'): void {
    this.caller.publish(message.reply, text)
  }

  /** As answer, and waits for the server to confirm. */
  async answerSure(message: Message, text = '+ACK'): Promise<void> {
    const reply = await this.caller.request(message.reply, text)
    expectEqual([reply.status, reply.text], [0, ''], `confirmation of ${text}`)
  }
}

/** A message in short: `subject body` or `status description`, as cases write it. */
export function line(message: Message): string {
  if (message.status !== 0) {
    const pending = headerOf(message, 'Nats-Pending-Messages')
    const bytes = headerOf(message, 'Nats-Pending-Bytes')
    return `${message.status} ${message.description}${pending === undefined ? '' : ` ${pending}/${bytes}`}`
  }
  return `${message.subject} ${message.text}`.trimEnd()
}

/** `delivered.stream.consumer.pending` numbers out of an ack subject. */
export function ackNumbers(message: Message): { delivered: number; stream: number; consumer: number; pending: number } {
  const tokens = message.reply.split('.')
  if (tokens.length !== 9 || !message.reply.startsWith('$JS.ACK.'))
    throw new Error(`not an ack subject: ${message.reply}`)
  return {
    delivered: Number(tokens[4]),
    stream: Number(tokens[5]),
    consumer: Number(tokens[6]),
    pending: Number(tokens[8]),
  }
}

function createSubject(stream: string, config: Record<string, unknown>): string {
  const name = config.name ?? config.durable_name
  return name === undefined ? `CONSUMER.CREATE.${stream}` : `CONSUMER.CREATE.${stream}.${name}`
}
