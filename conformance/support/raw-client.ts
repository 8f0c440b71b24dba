/** A client that speaks lines: send a line, expect a line. It knows nothing of the protocol beyond where a frame ends. */

import { connect, type Socket } from 'node:net'
import type { Address } from './address.ts'
import { type Frame, FrameReader } from './frames.ts'
import type { Json } from './json.ts'

const waitMs = 5000

/** What a connection sends as CONNECT when a case says nothing else. Protocol 0: no second INFO comes. */
const quietConnect = {
  verbose: false,
  pedantic: false,
  headers: true,
  no_responders: true,
  protocol: 0,
  lang: 'raw',
  version: '1',
}

export class RawClient {
  /** The first INFO. */
  info: Record<string, Json> = {}
  /** False: PINGs are answered and not shown. True: they are frames like others. */
  showPings = false
  private readonly socket: Socket
  private readonly reader = new FrameReader()
  private readonly frames: Frame[] = []
  private readonly waiting: ((frame: Frame | undefined) => void)[] = []
  private ended = false

  private constructor(socket: Socket) {
    this.socket = socket
    socket.setNoDelay(true)
    socket.on('data', (bytes: Buffer) => {
      for (const frame of this.reader.push(bytes)) this.deliver(frame)
    })
    socket.on('error', () => {})
    socket.on('close', () => {
      this.ended = true
      for (const wake of this.waiting.splice(0)) wake(undefined)
    })
  }

  /** Connects and reads INFO; sends no CONNECT. Throws when the server refuses the connection. */
  static async open(address: Address): Promise<RawClient> {
    const socket = connect(address.port, address.host)
    const client = new RawClient(socket)
    const first = await client.next()
    if (!first.line.startsWith('INFO ')) throw new Error(`expected INFO first, got ${show(first)}`)
    client.info = JSON.parse(first.line.slice(5))
    return client
  }

  /** As open, then CONNECT with `options` over the quiet ones, and a PING whose PONG proves that it was accepted. */
  static async connected(address: Address, options: Record<string, unknown> = {}): Promise<RawClient> {
    const client = await RawClient.open(address)
    client.connect(options)
    client.send('PING')
    const plain = options.verbose !== true
    if (!plain) await client.expect('+OK')
    await client.expect('PONG')
    return client
  }

  connect(options: Record<string, unknown> = {}): void {
    this.send(`CONNECT ${JSON.stringify({ ...quietConnect, ...options })}`)
  }

  /** Writes a line, and after it a payload where one is given. */
  send(line: string, payload?: string | Uint8Array): void {
    if (payload === undefined) this.socket.write(`${line}\r\n`)
    else this.socket.write(Buffer.concat([Buffer.from(`${line}\r\n`), Buffer.from(payload), Buffer.from('\r\n')]))
  }

  /** Publishes with a header block made of lines; sizes are counted here. */
  publishWithHeaders(subject: string, headers: string[], body = '', reply = ''): void {
    const block = `NATS/1.0\r\n${headers.map((line) => `${line}\r\n`).join('')}\r\n`
    const head = Buffer.byteLength(block)
    const total = head + Buffer.byteLength(body)
    this.send(`HPUB ${subject} ${reply ? `${reply} ` : ''}${head} ${total}`, block + body)
  }

  /** Writes bytes as they are. */
  write(bytes: string | Uint8Array): void {
    this.socket.write(bytes)
  }

  /** The next frame. Throws when the connection ends or nothing comes in time. */
  async next(ms: number = waitMs): Promise<Frame> {
    const frame = await this.nextOrEnd(ms)
    if (!frame) throw new Error('the server closed the connection')
    return frame
  }

  /** Expects the next frame to be this line, and its payload to be this text. */
  async expect(line: string, payload?: string): Promise<void> {
    const frame = await this.next().catch((error: Error) => {
      throw new Error(`expected ${JSON.stringify(line)}, but ${error.message}`)
    })
    if (frame.line !== line || (payload !== undefined && frame.payload?.toString('utf8') !== payload)) {
      throw new Error(
        `expected ${JSON.stringify(line)}${payload === undefined ? '' : ` ${JSON.stringify(payload)}`}, got ${show(frame)}`,
      )
    }
  }

  /** Expects the next frame's line to match, and returns the frame. */
  async expectMatch(pattern: RegExp): Promise<Frame> {
    const frame = await this.next()
    if (!pattern.test(frame.line)) throw new Error(`expected ${pattern}, got ${show(frame)}`)
    return frame
  }

  /** Expects the end of the connection as the next event. */
  async expectClosed(ms: number = waitMs): Promise<void> {
    const frame = await this.nextOrEnd(ms)
    if (frame) throw new Error(`expected the connection to close, got ${show(frame)}`)
  }

  /** Expects that nothing was waiting to be said: a PING is answered by PONG at once. */
  async expectQuiet(): Promise<void> {
    this.send('PING')
    await this.expect('PONG')
  }

  /** Every line until PONG to a PING sent now: what the server had to say, in order. */
  async linesUntilPong(): Promise<string[]> {
    this.send('PING')
    const lines: string[] = []
    for (;;) {
      const frame = await this.nextOrEnd(waitMs)
      if (!frame) return [...lines, '<closed>']
      if (frame.line === 'PONG') return lines
      lines.push(show(frame))
    }
  }

  /** Expects exactly these frames (see `show`) before PONG; '<closed>' when the connection ends. */
  async expectUntilPong(...expected: string[]): Promise<void> {
    const lines = await this.linesUntilPong()
    if (JSON.stringify(lines) !== JSON.stringify(expected))
      throw new Error(`expected ${expected.join(' ') || 'nothing'}, got ${lines.join(' ') || 'nothing'}`)
  }

  /** Stops reading: the server's bytes pile up. */
  pause(): void {
    this.socket.pause()
  }

  resume(): void {
    this.socket.resume()
  }

  /** Half-closes: no more is sent, answers are still read. */
  end(): void {
    this.socket.end()
  }

  close(): void {
    this.socket.destroy()
  }

  private deliver(frame: Frame): void {
    if (frame.line === 'PING' && !this.showPings) {
      this.send('PONG')
      return
    }
    const wake = this.waiting.shift()
    if (wake) wake(frame)
    else this.frames.push(frame)
  }

  private nextOrEnd(ms: number): Promise<Frame | undefined> {
    const ready = this.frames.shift()
    if (ready || this.ended) return Promise.resolve(ready)
    return new Promise((resolve, reject) => {
      const wake = (frame: Frame | undefined) => {
        clearTimeout(timer)
        resolve(frame)
      }
      const timer = setTimeout(() => {
        this.waiting.splice(this.waiting.indexOf(wake), 1)
        reject(new Error(`nothing came within ${ms} ms`))
      }, ms)
      this.waiting.push(wake)
    })
  }
}

/** A frame as one line of text for messages. */
function show(frame: Frame): string {
  return frame.payload === undefined
    ? frame.line
    : `${frame.line} ${JSON.stringify(frame.payload.toString('utf8').slice(0, 200))}`
}
