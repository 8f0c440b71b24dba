/** The servers under measurement, each a process of its own with its data in a temporary folder. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { cloneRoot, findJudge } from '../conformance/support/find-judge.ts'
import { freePort } from '../conformance/support/free-port.ts'

/** Ours; the judge as it comes; the judge told to sync before it acknowledges, as ours does. */
export type ServerKind = 'headwater' | 'judge' | 'judge-always'

const HEADWATER = join(cloneRoot, 'packages', 'headwater')
const judge = findJudge().server
/** No start takes that long, not even on the largest data. */
const START_MS = 120_000

export function available(kind: ServerKind): boolean {
  return kind === 'headwater' ? existsSync(join(HEADWATER, 'dist', 'cli', 'main.js')) : judge !== undefined
}

export function versionOf(kind: ServerKind): string {
  if (kind === 'headwater') {
    const { version } = JSON.parse(readFileSync(join(HEADWATER, 'package.json'), 'utf8')) as { version: string }
    return `Headwater ${version} on Node ${process.versions.node}`
  }
  const text = execFileSync(judge as string, ['--version'], { encoding: 'utf8' }).trim()
  return kind === 'judge' ? text.replace(':', '') : `${text.replace(':', '')}, sync_interval: always`
}

export class ServerProcess {
  readonly port: number
  readonly folder: string
  child: ChildProcess
  /** From the start of the process to its first byte to a client. */
  startedMs = 0
  readonly #command: string
  readonly #args: readonly string[]
  #output = ''

  private constructor(kind: ServerKind, port: number, nodeFlags: readonly string[]) {
    this.port = port
    this.folder = mkdtempSync(join(tmpdir(), 'headwater-bench-'))
    const data = join(this.folder, 'data')
    const flags = ['-a', '127.0.0.1', '-p', String(port), '-js', '-sd', data]
    this.#command = kind === 'headwater' ? process.execPath : (judge as string)
    if (kind === 'judge-always') {
      const config = join(this.folder, 'always.conf')
      writeFileSync(config, `listen: 127.0.0.1:${port}\njetstream { store_dir: "${data}", sync_interval: always }\n`)
      this.#args = ['-c', config]
    } else if (kind === 'judge') this.#args = flags
    else this.#args = [...nodeFlags, join(HEADWATER, 'bin', 'headwater.mjs'), ...flags]
    this.child = this.#spawn()
  }

  /** Starts it and waits until it greets; `nodeFlags` are for profiling ours. */
  static async start(kind: ServerKind, nodeFlags: readonly string[] = []): Promise<ServerProcess> {
    const server = new ServerProcess(kind, await freePort(), nodeFlags)
    await server.#greeting()
    return server
  }

  /** Ends the process, by SIGTERM or as a crash would, does `between`, and starts it again on the same data and port. */
  async restart(
    between: () => Promise<unknown> = async () => {},
    signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM',
  ): Promise<void> {
    await this.#end(signal)
    await between()
    this.child = this.#spawn()
    await this.#greeting()
  }

  #spawn(): ChildProcess {
    const child = spawn(this.#command, this.#args)
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.#output = (this.#output + text).slice(-4000)
      })
    }
    return child
  }

  async #greeting(): Promise<void> {
    const startMs = performance.now()
    while (!(await greets(this.port))) {
      if (this.child.exitCode !== null || performance.now() - startMs > START_MS) {
        throw new Error(`the server did not start:\n${this.#output}`)
      }
    }
    this.startedMs = performance.now() - startMs
  }

  /** User and system time of the process so far, in seconds; NaN where /proc is missing. */
  cpuSeconds(): number {
    try {
      const stat = readFileSync(`/proc/${this.child.pid}/stat`, 'latin1')
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
      return (Number(fields[11]) + Number(fields[12])) / 100
    } catch {
      return Number.NaN
    }
  }

  /** Resident memory in MB; NaN where /proc is missing. */
  residentMb(): number {
    try {
      const status = readFileSync(`/proc/${this.child.pid}/status`, 'latin1')
      return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) / 1024
    } catch {
      return Number.NaN
    }
  }

  async stop(): Promise<void> {
    await this.#end('SIGTERM')
    rmSync(this.folder, { recursive: true, force: true })
  }

  async #end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return
    const exited = once(this.child, 'exit')
    this.child.kill(signal)
    const timer = setTimeout(() => this.child.kill('SIGKILL'), 10_000)
    await exited
    clearTimeout(timer)
  }
}

function greets(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('data', () => {
      socket.destroy()
      resolve(true)
    })
    // Refused for now: again in a millisecond, so that the start is measured and not the waiting.
    socket.once('error', () => setTimeout(() => resolve(false), 1))
  })
}
