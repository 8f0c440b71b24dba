/** The judge: a real nats-server, one process a server, on loopback. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { endsWithUs, goesWithUs } from './leftovers.ts'
import { type ServerOptions, toNatsConf } from './server-options.ts'
import type { RunningServer, Target } from './target.ts'

export function judgeTarget(binary: string): Target {
  const version = execFileSync(binary, ['--version'], { encoding: 'utf8' }).trim()
  return {
    name: 'judge',
    description: `${version} (${binary})`,
    start: (options) => JudgeServer.start(binary, options),
  }
}

class JudgeServer implements RunningServer {
  readonly host = '127.0.0.1'
  port = 0
  private readonly binary: string
  private readonly dir: string
  private readonly config: string
  private readonly gone: () => void
  private child: ChildProcess | undefined
  private log = ''

  private constructor(binary: string, dir: string, config: string, gone: () => void) {
    this.binary = binary
    this.dir = dir
    this.config = config
    this.gone = gone
  }

  static async start(binary: string, options: ServerOptions): Promise<JudgeServer> {
    const dir = await mkdtemp(join(tmpdir(), 'headwater-judge-'))
    const gone = goesWithUs(dir)
    const config = join(dir, 'nats.conf')
    await writeFile(config, toNatsConf(options, join(dir, 'data')))
    const server = new JudgeServer(binary, dir, config, gone)
    await server.launch([])
    return server
  }

  async restart(): Promise<void> {
    await this.end('SIGTERM')
    await this.launch(['-p', String(this.port)])
  }

  lameDuck(): void {
    this.child?.kill('SIGUSR2')
  }

  async stop(): Promise<void> {
    await this.end('SIGKILL')
    await rm(this.dir, { recursive: true, force: true })
    this.gone()
  }

  private launch(more: string[]): Promise<void> {
    const child = spawn(this.binary, ['-c', this.config, ...more], { stdio: ['ignore', 'ignore', 'pipe'] })
    this.child = child
    endsWithUs(child)
    this.log = ''
    let ready = false
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`nats-server was not ready within 15 s:\n${this.log}`)), 15_000)
      child.once('exit', (code) => {
        clearTimeout(timer)
        reject(new Error(`nats-server ended with ${code}:\n${this.log}`))
      })
      child.stderr?.setEncoding('utf8').on('data', (text: string) => {
        if (ready) return
        this.log += text
        if (!this.log.includes('Server is ready')) return
        ready = true
        this.port = Number(/Listening for client connections on [^\s]*:(\d+)/.exec(this.log)?.[1])
        clearTimeout(timer)
        resolve()
      })
    })
  }

  private end(signal: NodeJS.Signals): Promise<void> {
    const child = this.child
    if (!child || child.exitCode !== null || child.signalCode !== null) return Promise.resolve()
    return new Promise((resolve) => {
      child.once('exit', () => resolve())
      child.kill(signal)
    })
  }
}
