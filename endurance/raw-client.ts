/** A client of a few lines, for what official clients do not do: ten thousand in a process, never reading, never waiting. */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

export class RawClient {
  readonly socket: Socket
  /** Counts MSG and PONG lines that came; payloads must not hold such lines. */
  messages = 0
  pongs = 0
  #tail = ''
  #onPong: (() => void) | undefined
  /** Called when the socket takes more, or has closed. */
  #goOn: (() => void) | undefined

  private constructor(socket: Socket) {
    this.socket = socket
  }

  /** Resolves when the server has answered a PING. */
  static async open(port: number): Promise<RawClient> {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true })
    const client = new RawClient(socket)
    // What went wrong is seen by the close that follows.
    socket.on('error', () => {})
    socket.on('drain', () => client.#goOn?.())
    socket.on('close', () => {
      client.#goOn?.()
      client.#onPong?.()
    })
    await once(socket, 'connect')
    socket.setEncoding('latin1').on('data', (text: string) => client.#read(text))
    client.send('CONNECT {"verbose":false,"pedantic":false,"lang":"endure","version":"1","headers":true}\r\n')
    await client.ping()
    return client
  }

  send(text: string | Uint8Array): boolean {
    return this.socket.write(text)
  }

  /** Sends, and waits while the socket takes no more: as slow as the server reads. */
  async sendPatiently(bytes: Uint8Array): Promise<void> {
    if (this.socket.destroyed) throw new Error('the server closed the connection')
    if (!this.socket.write(bytes)) await new Promise<void>((resolve) => (this.#goOn = resolve))
  }

  /** Resolves with the milliseconds from PING to PONG. */
  async ping(): Promise<number> {
    const startMs = performance.now()
    await new Promise<void>((resolve) => {
      this.#onPong = resolve
      this.send('PING\r\n')
    })
    if (this.socket.destroyed) throw new Error('the server closed the connection')
    return performance.now() - startMs
  }

  /** Goes away at once. */
  close(): void {
    this.socket.destroy()
  }

  #read(text: string): void {
    const lines = (this.#tail + text).split('\r\n')
    this.#tail = lines.pop() ?? ''
    for (const line of lines) {
      if (line.startsWith('MSG ')) this.messages += 1
      else if (line === 'PING') this.send('PONG\r\n')
      else if (line === 'PONG') {
        this.pongs += 1
        this.#onPong?.()
      }
    }
  }
}
