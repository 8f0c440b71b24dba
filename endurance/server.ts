/** The server under test: the built command as a child process on a data folder, started, killed and started again. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const BUILT = join(dirname(dirname(fileURLToPath(import.meta.url))), 'packages', 'headwater', 'bin', 'headwater.mjs')

/** How the server runs: its data folder, what `--sync` says, further flags and environment, and the command itself. */
export interface ServerOptions {
  readonly folder: string
  readonly sync?: string
  readonly flags?: readonly string[]
  readonly env?: NodeJS.ProcessEnv
  /** `bin/headwater.mjs` of another build; the clone's own when left out. */
  readonly command?: string
}

export class Server {
  readonly #options: ServerOptions
  #child: ChildProcess | undefined
  #exited: Promise<unknown> = Promise.resolve()
  #output = ''
  /** 0 before the first start; the same in every life. */
  port = 0
  monitorPort = 0
  /** From the start of the last process to its readiness. */
  startedMs = 0

  constructor(options: ServerOptions) {
    this.#options = options
  }

  get url(): string {
    return `nats://127.0.0.1:${this.port}`
  }

  get pid(): number {
    return this.#child?.pid ?? 0
  }

  /** The last that it printed. */
  get output(): string {
    return this.#output
  }

  /** False once the process has ended, whoever ended it. */
  get isRunning(): boolean {
    return this.#child !== undefined && this.#child.exitCode === null && this.#child.signalCode === null
  }

  /** Resolves when it serves. Throws with what it printed when it ends instead. */
  async start(): Promise<void> {
    const { folder, sync = 'always', flags = [], env = {}, command = BUILT } = this.#options
    const startMs = performance.now()
    this.#output = ''
    const ports = ['-p', String(this.port), '-m', String(this.monitorPort)]
    const args = [command, '-a', '127.0.0.1', ...ports, '-js', '-sd', folder, '--sync', sync, ...flags]
    const child = spawn(process.execPath, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...env },
    })
    this.#child = child
    this.#exited = once(child, 'exit')
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        this.#output = (this.#output + text).slice(-8000)
      })
    }
    const ended = this.#exited.then(() => true)
    while (!this.#output.includes('Server is ready')) {
      if (await Promise.race([ended, once(child.stdout, 'data').then(() => false)])) {
        throw new Error(`The server ended before it served:\n${this.#output}`)
      }
    }
    this.startedMs = performance.now() - startMs
    this.port = Number(/nats:\/\/127\.0\.0\.1:(\d+)/.exec(this.#output)?.[1] ?? this.port)
    this.monitorPort = Number(/http:\/\/127\.0\.0\.1:(\d+)/.exec(this.#output)?.[1] ?? this.monitorPort)
  }

  /** SIGKILL, and gone when it resolves: no drain, no last write. */
  async kill(): Promise<void> {
    if (this.isRunning) this.#child?.kill('SIGKILL')
    await this.#exited
  }

  /** SIGTERM: drained and closed when it resolves. */
  async stop(): Promise<void> {
    if (this.isRunning) this.#child?.kill('SIGTERM')
    await this.#exited
  }

  /** Resident memory now, and what the kernel saw at most, in MB; NaN where /proc is missing. */
  memory(): { residentMb: number; peakMb: number } {
    return memoryOf(this.pid)
  }
}

/** Resident memory of the process now, and what the kernel saw at most, in MB; NaN where /proc is missing. */
export function memoryOf(pid: number): { residentMb: number; peakMb: number } {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'latin1')
    const read = (name: string): number => Number(new RegExp(`${name}:\\s+(\\d+) kB`).exec(status)?.[1]) / 1024
    return { residentMb: read('VmRSS'), peakMb: read('VmHWM') }
  } catch {
    return { residentMb: Number.NaN, peakMb: Number.NaN }
  }
}
