/** One raw connection: bytes out, bytes in, no client library. HOT: `onBytes` runs per read, over one buffer that is reused. */
import { connect, type Socket } from 'node:net'

const READ_BYTES = 256 * 1024

export class Wire {
  readonly socket: Socket
  /** Gets `buffer[0, length)`, valid only during the call. */
  onBytes: (buffer: Buffer, length: number) => void = () => {}

  private constructor(port: number) {
    this.socket = connect({
      port,
      host: '127.0.0.1',
      onread: {
        buffer: Buffer.allocUnsafeSlow(READ_BYTES),
        callback: (length, buffer) => {
          this.onBytes(buffer as Buffer, length)
          return true
        },
      },
    })
    this.socket.setNoDelay(true)
  }

  /** Connects and introduces itself; resolves when the server has answered the first PING. */
  static async open(port: number): Promise<Wire> {
    const wire = new Wire(port)
    await new Promise<void>((resolve, reject) => {
      wire.socket.once('connect', resolve)
      wire.socket.once('error', reject)
    })
    wire.socket.on('error', (error) => {
      console.error(`The connection to port ${port} broke: ${error.message}`)
      process.exit(1)
    })
    wire.socket.write('CONNECT {"verbose":false,"pedantic":false,"headers":true,"no_responders":true,"protocol":0}\r\n')
    await wire.pong()
    return wire
  }

  /** Sends PING; resolves when PONG arrives, that is, when the server has taken in everything before it. Replaces `onBytes`. */
  pong(): Promise<void> {
    return new Promise((resolve) => {
      let tail = ''
      this.onBytes = (buffer, length) => {
        const text = tail + buffer.toString('latin1', 0, length)
        tail = text.slice(-8)
        if (!text.includes('PONG\r\n')) return
        this.onBytes = () => {}
        resolve()
      }
      this.socket.write('PING\r\n')
    })
  }

  async subscribe(subject: string, sid: number): Promise<void> {
    this.socket.write(`SUB ${subject} ${sid}\r\n`)
    await this.pong()
  }

  close(): void {
    this.socket.destroy()
  }
}

/** The JetStream API on one connection, one request at a time. */
export class Api {
  readonly #wire: Wire

  private constructor(wire: Wire) {
    this.#wire = wire
  }

  static async open(port: number): Promise<Api> {
    const wire = await Wire.open(port)
    await wire.subscribe('_INBOX.ask', 1)
    return new Api(wire)
  }

  /** The answer's JSON; throws the server's error. */
  async ask<T = Record<string, unknown>>(subject: string, body: unknown): Promise<T> {
    const wire = this.#wire
    const json = JSON.stringify(body)
    const text = await new Promise<string>((resolve) => {
      const chunks: Buffer[] = []
      let missing = Number.NaN
      wire.onBytes = (buffer, length) => {
        chunks.push(Buffer.from(buffer.subarray(0, length)))
        if (Number.isNaN(missing)) {
          const received = Buffer.concat(chunks).toString('latin1')
          const head = /^(?:PING\r\n)*MSG _INBOX\.ask 1 (\d+)\r\n/.exec(received)
          if (head) missing = head[0].length + Number(head[1]) + 2
          else if (received.startsWith('HMSG') && received.includes(' 503'))
            return resolve('{"error":{"description":"no responders: is JetStream on?"}}')
          else return
          missing -= received.length
        } else missing -= length
        if (missing > 0) return
        const whole = Buffer.concat(chunks).toString('utf8')
        resolve(whole.slice(whole.indexOf('{'), whole.lastIndexOf('}') + 1))
      }
      wire.socket.write(`PUB $JS.API.${subject} _INBOX.ask ${Buffer.byteLength(json)}\r\n${json}\r\n`)
    })
    const reply = JSON.parse(text) as T & { error?: { description: string } }
    if (reply.error) throw new Error(`${subject}: ${reply.error.description}`)
    return reply
  }

  close(): void {
    this.#wire.close()
  }
}

/** Asks once, on a connection of its own; throws the server's error. */
export async function ask<T = Record<string, unknown>>(port: number, subject: string, body: unknown): Promise<T> {
  const api = await Api.open(port)
  try {
    return await api.ask<T>(subject, body)
  } finally {
    api.close()
  }
}
