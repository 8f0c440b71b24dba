/** The built command as a child process, for tests that kill it or look at its system calls. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

const BIN = fileURLToPath(new URL('../../bin/headwater.mjs', import.meta.url))

export class ChildBroker {
  /** Where clients connect. */
  readonly url: string
  readonly port: number
  readonly #child: ChildProcess
  readonly #exited: Promise<unknown>

  private constructor(child: ChildProcess, exited: Promise<unknown>, url: string) {
    this.#child = child
    this.#exited = exited
    this.url = url
    this.port = Number(new URL(url).port)
  }

  /** Starts it on `folder`; resolves when it serves. `through` is a program that runs it (strace). Throws what it printed. */
  static async start(options: { folder: string; port?: number; through?: string[] }): Promise<ChildBroker> {
    const command = [
      process.execPath,
      BIN,
      '-a',
      '127.0.0.1',
      '-p',
      String(options.port ?? 0),
      '-js',
      '-sd',
      options.folder,
    ]
    const [program, ...args] = [...(options.through ?? []), ...command]
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] })
    const exited = once(child, 'exit')
    let output = ''
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (output += text))
    while (!output.includes('Server is ready')) {
      const ended = exited.then(() => true)
      if (await Promise.race([ended, once(child.stdout, 'data').then(() => false)])) {
        throw new Error(`The broker ended before it served:\n${output}`)
      }
    }
    return new ChildBroker(child, exited, /nats:\/\/\S+/.exec(output)?.[0] ?? '')
  }

  /** SIGKILL, and gone when it resolves: no drain, no last write. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL')
    await this.#exited
  }

  /** SIGTERM: drained and closed when it resolves. */
  async stop(): Promise<void> {
    this.#child.kill('SIGTERM')
    await this.#exited
  }
}
