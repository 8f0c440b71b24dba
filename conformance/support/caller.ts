/** A connection for requests: publishes, subscribes, and waits for answers by subject. Built on sockets alone, so that a case sees exactly what was sent. */
import { connect, type Socket } from 'node:net'
import type { Address } from './address.ts'
import { FrameReader } from './frames.ts'
import { type Message, toMessage } from './messages.ts'

export interface PublishOptions {
  readonly reply?: string
  /** Header lines: `Key: Value`. */
  readonly headers?: readonly string[]
}

/** A subscription's messages, in order. */
export class Inbox {
  readonly subject: string
  readonly sid: number
  private readonly messages: Message[] = []
  private readonly waiting: ((message: Message) => void)[] = []

  constructor(subject: string, sid: number) {
    this.subject = subject
    this.sid = sid
  }

  push(message: Message): void {
    const wake = this.waiting.shift()
    if (wake) wake(message)
    else this.messages.push(message)
  }

  /** The next message. Throws when none comes in time. */
  next(ms = 5000): Promise<Message> {
    const ready = this.messages.shift()
    if (ready) return Promise.resolve(ready)
    return new Promise((resolve, reject) => {
      const wake = (message: Message) => {
        clearTimeout(timer)
        resolve(message)
      }
      const timer = setTimeout(() => {
        this.waiting.splice(this.waiting.indexOf(wake), 1)
        reject(new Error(`no message on ${this.subject} within ${ms} ms`))
      }, ms)
      this.waiting.push(wake)
    })
  }

  async take(count: number, ms = 5000): Promise<Message[]> {
    const taken: Message[] = []
    while (taken.length < count) taken.push(await this.next(ms))
    return taken
  }

  /** What has arrived and was not taken yet. */
  drain(): Message[] {
    return this.messages.splice(0)
  }
}

export class Caller {
  private readonly socket: Socket
  private readonly reader = new FrameReader()
  private readonly inboxes = new Map<number, Inbox>()
  private readonly pongs: (() => void)[] = []
  private readonly prefix: string
  private nextSid = 1
  private nextInbox = 1
  readonly errors: string[] = []

  private constructor(socket: Socket, prefix: string) {
    this.socket = socket
    this.prefix = prefix
    socket.setNoDelay(true)
    socket.on('error', () => {})
    socket.on('data', (bytes: Buffer) => {
      for (const { line, payload } of this.reader.push(bytes)) {
        if (payload !== undefined) this.inboxes.get(Number(line.split(' ')[2]))?.push(toMessage(line, payload))
        else if (line === 'PONG') this.pongs.shift()?.()
        else if (line === 'PING') socket.write('PONG\r\n')
        else if (line.startsWith('-ERR')) this.errors.push(line)
      }
    })
  }

  /** Connects with headers and no_responders on. `prefix` makes inbox names of this connection its own. */
  static async open(address: Address, prefix: string, options: Record<string, unknown> = {}): Promise<Caller> {
    const socket = connect(address.port, address.host)
    const caller = new Caller(socket, prefix)
    const hello = {
      verbose: false,
      pedantic: false,
      headers: true,
      no_responders: true,
      protocol: 1,
      lang: 'caller',
      ...options,
    }
    socket.write(`CONNECT ${JSON.stringify(hello)}\r\n`)
    await caller.flush()
    return caller
  }

  /** Resolves when the server has handled everything sent so far. */
  flush(): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(
        () => reject(new Error(`no PONG within 5000 ms; the server said: ${this.errors.join(' ') || 'nothing'}`)),
        5000,
      )
      this.pongs.push(() => {
        clearTimeout(timer)
        resolve()
      })
      this.socket.write('PING\r\n')
    })
  }

  newInbox(): string {
    return `_INBOX.${this.prefix}.${this.nextInbox++}`
  }

  subscribe(subject: string, queue = ''): Inbox {
    const inbox = new Inbox(subject, this.nextSid++)
    this.inboxes.set(inbox.sid, inbox)
    this.socket.write(`SUB ${subject} ${queue ? `${queue} ` : ''}${inbox.sid}\r\n`)
    return inbox
  }

  unsubscribe(inbox: Inbox): void {
    this.inboxes.delete(inbox.sid)
    this.socket.write(`UNSUB ${inbox.sid}\r\n`)
  }

  publish(subject: string, body: string | Uint8Array = '', options: PublishOptions = {}): void {
    const bytes = Buffer.from(body)
    const reply = options.reply ? `${options.reply} ` : ''
    if (!options.headers) {
      this.socket.write(
        Buffer.concat([Buffer.from(`PUB ${subject} ${reply}${bytes.length}\r\n`), bytes, Buffer.from('\r\n')]),
      )
      return
    }
    const block = Buffer.from(`NATS/1.0\r\n${options.headers.map((line) => `${line}\r\n`).join('')}\r\n`)
    const head = Buffer.from(`HPUB ${subject} ${reply}${block.length} ${block.length + bytes.length}\r\n`)
    this.socket.write(Buffer.concat([head, block, bytes, Buffer.from('\r\n')]))
  }

  /** Publishes with an inbox as reply and returns the first answer (status 503 when nobody listens). */
  async request(
    subject: string,
    body: string | Uint8Array = '',
    headers?: readonly string[],
    ms = 5000,
  ): Promise<Message> {
    const inbox = this.subscribe(this.newInbox())
    this.publish(subject, body, { reply: inbox.subject, headers })
    try {
      return await inbox.next(ms)
    } catch {
      throw new Error(
        `no answer to ${subject} within ${ms} ms${this.errors.length ? `; the server said: ${this.errors.join(' ')}` : ''}`,
      )
    } finally {
      this.unsubscribe(inbox)
    }
  }

  close(): void {
    this.socket.destroy()
  }
}
