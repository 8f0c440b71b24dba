/** A client for tests that speaks the wire byte by byte: sessions read as `send` and `expect`. */
import net from 'node:net'

/** How long an expectation waits before it fails with what it got. */
const PATIENCE_MS = 4_000

export class RawClient {
  readonly socket: net.Socket
  /** The first INFO. */
  info: Record<string, unknown> = {}
  #got: Buffer[] = []
  #length = 0
  #isClosed = false
  #wake: () => void = () => {}

  private constructor(socket: net.Socket) {
    this.socket = socket
    socket.setNoDelay(true)
    socket.on('data', (bytes) => {
      this.#got.push(bytes)
      this.#length += bytes.length
      this.#wake()
    })
    socket.on('error', () => {})
    socket.on('close', () => {
      this.#isClosed = true
      this.#wake()
    })
  }

  /** Connects and takes the greeting. `options` are sent as CONNECT (verbose and pedantic off); none when undefined. */
  static async connect(port: number, options?: Record<string, unknown>): Promise<RawClient> {
    const client = new RawClient(net.connect(port, '127.0.0.1'))
    client.info = JSON.parse((await client.line()).slice(5)) as Record<string, unknown>
    if (options !== undefined) {
      client.send(`CONNECT ${JSON.stringify({ verbose: false, pedantic: false, ...options })}`)
    }
    return client
  }

  /** Each part is a line: CR LF is added. Text is latin1, so that any byte can be said. */
  send(...lines: string[]): void {
    this.write(Buffer.from(lines.map((line) => `${line}\r\n`).join(''), 'latin1'))
  }

  write(bytes: Uint8Array): void {
    this.socket.write(bytes)
  }

  /** Waits for exactly these lines. */
  async expect(...lines: string[]): Promise<void> {
    const expected = lines.map((line) => `${line}\r\n`).join('')
    await this.#until(() => this.#length >= expected.length, `expected ${JSON.stringify(expected)}`)
    const got = this.#take(expected.length).toString('latin1')
    if (got !== expected) {
      throw new Error(`expected ${JSON.stringify(expected)}, got ${JSON.stringify(got + this.#rest())}`)
    }
  }

  /** Nothing more came before the answer to a PING. */
  async expectNothing(): Promise<void> {
    this.send('PING')
    await this.expect('PONG')
  }

  /** The server ended the connection, after exactly these lines. */
  async expectClosed(...lines: string[]): Promise<void> {
    await this.#until(() => this.#isClosed, 'expected the end of the connection')
    const got = this.#take(this.#length).toString('latin1')
    const expected = lines.map((line) => `${line}\r\n`).join('')
    if (got !== expected)
      throw new Error(`expected ${JSON.stringify(expected)}, then the end, got ${JSON.stringify(got)}`)
  }

  /** The next line, without CR LF. */
  async line(): Promise<string> {
    let at = -1
    await this.#until(() => (at = this.#all().indexOf('\r\n')) !== -1, 'expected a line')
    return this.#take(at + 2)
      .subarray(0, at)
      .toString('latin1')
  }

  /** The next `length` bytes. */
  async bytes(length: number): Promise<Buffer> {
    await this.#until(() => this.#length >= length, `expected ${length} bytes`)
    return this.#take(length)
  }

  /** Ends the connection from this side, and waits until it is gone. */
  async close(): Promise<void> {
    if (this.#isClosed) return
    this.socket.destroy()
    await this.#until(() => this.#isClosed, 'expected to be closed')
  }

  #all(): Buffer {
    if (this.#got.length !== 1) this.#got = [Buffer.concat(this.#got)]
    return this.#got[0]
  }

  #take(length: number): Buffer {
    const all = this.#all()
    this.#got = [all.subarray(length)]
    this.#length -= length
    return all.subarray(0, length)
  }

  #rest(): string {
    return this.#all().subarray(0, 500).toString('latin1')
  }

  async #until(isTrue: () => boolean, what: string): Promise<void> {
    const deadline = performance.now() + PATIENCE_MS
    while (!isTrue()) {
      const leftMs = deadline - performance.now()
      const isGone = this.#isClosed && !what.includes('closed') && !what.includes('end of')
      if (leftMs <= 0 || isGone) {
        const end = this.#isClosed ? ', then the end' : ''
        throw new Error(`${what}, got ${JSON.stringify(this.#rest())} (${this.#length} bytes)${end}`)
      }
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, leftMs)
        this.#wake = () => {
          clearTimeout(timer)
          resolve()
        }
      })
    }
  }
}
