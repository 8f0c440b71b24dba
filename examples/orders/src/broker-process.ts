/** Headwater as a process of its own: started, killed without warning, started again on the same data and port. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createRequire } from 'node:module'
import { connect as connectSocket, createServer } from 'node:net'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

export class BrokerProcess {
  #child: ChildProcess | undefined
  #output = ''

  private constructor(
    readonly folder: string,
    readonly port: number,
    readonly program: string | undefined,
  ) {}

  get url(): string {
    return `nats://127.0.0.1:${this.port}`
  }

  static async start(folder: string, program?: string): Promise<BrokerProcess> {
    const broker = new BrokerProcess(folder, await freePort(), program)
    await broker.start()
    return broker
  }

  /** Starts the process; resolves when it greets a client. Throws with its output when it ends instead. */
  async start(): Promise<void> {
    this.#output = ''
    const [command, ...args] = this.#command()
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] })
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.#output = (this.#output + text).slice(-4000)
      })
    }
    this.#child = child
    const deadline = performance.now() + 15_000
    while (!(await greets(this.port))) {
      if (child.exitCode !== null || performance.now() > deadline)
        throw new Error(`The broker did not start:\n${this.#output}`)
      await sleep(20)
    }
  }

  /** SIGKILL: no drain, no last write. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL')
  }

  async stop(): Promise<void> {
    await this.#end('SIGTERM')
  }

  #command(): [string, ...string[]] {
    const flags = ['-a', '127.0.0.1', '-p', String(this.port), '-js', '-sd', this.folder]
    if (this.program) return [this.program, ...flags]
    const manifest = createRequire(import.meta.url).resolve('headwater/package.json')
    return [process.execPath, join(dirname(manifest), 'bin', 'headwater.mjs'), ...flags]
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child
    if (!child || child.exitCode !== null || child.signalCode !== null) return
    const exited = once(child, 'exit')
    child.kill(signal)
    await exited
  }
}

/** Whether something on the port says INFO. */
function greets(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connectSocket(port, '127.0.0.1')
    const done = (result: boolean) => {
      socket.destroy()
      resolve(result)
    }
    socket.once('data', (bytes) => done(bytes.toString('latin1').startsWith('INFO')))
    socket.once('error', () => done(false))
    socket.setTimeout(1000, () => done(false))
  })
}

async function freePort(): Promise<number> {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  await once(server, 'close')
  return port
}
