/** A program with Headwater in it, as a process of its own, from source: for tests that block it, starve it, or kill it. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync } from 'node:fs'

/** Reads commands, a line each: `block MS` keeps its one thread busy, having said so; `troubles` prints what is wrong. */
const PROGRAM = `
  const { writeSync } = await import('node:fs')
  const { createInterface } = await import('node:readline')
  const { Headwater } = await import(HERE + 'index.ts')
  const { systemSeams } = await import(HERE + 'seams.ts')
  const say = (line) => writeSync(1, line + '\\n')
  try {
    const hw = await Headwater.startOn({ ...systemSeams(), ...SEAMS }, OPTIONS)
    say('ready ' + hw.url)
    createInterface({ input: process.stdin }).on('line', (line) => {
      const [what, ms] = line.split(' ')
      if (what === 'block') {
        say('blocked')
        for (const end = performance.now() + Number(ms); performance.now() < end; ) {}
      }
      if (what === 'troubles') say('troubles ' + JSON.stringify(hw.server.troubles()))
    })
  } catch (error) {
    say('refused ' + error.code + ' ' + error.message)
  }`

export class Host {
  readonly url: string
  readonly #child: ChildProcess
  readonly #lines: string[]
  #waiting: (() => void) | undefined

  private constructor(child: ChildProcess) {
    this.#child = child
    this.#lines = []
    this.url = ''
    let rest = ''
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      const lines = (rest + text).split('\n')
      rest = lines.pop() ?? ''
      this.#lines.push(...lines)
      this.#waiting?.()
    })
  }

  /** Starts it; resolves when it serves. Throws what it was refused with. */
  static async start(options: object, seams: object = {}): Promise<Host> {
    const values = { HERE: new URL('.', import.meta.url).href, OPTIONS: { port: 0, ...options }, SEAMS: seams }
    const constants = Object.entries(values).map(([name, value]) => `const ${name} = ${JSON.stringify(value)};`)
    const source = constants.join('') + PROGRAM
    const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', source], {
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    const host = new Host(child)
    const first = await host.line()
    if (!first.startsWith('ready ')) throw new Error(first)
    return Object.assign(host, { url: first.slice(6) })
  }

  /** The next line that it says. */
  async line(): Promise<string> {
    for (;;) {
      const line = this.#lines.shift()
      if (line !== undefined) return line
      await new Promise<void>((resolve) => {
        this.#waiting = resolve
      })
    }
  }

  /** Its thread is busy for `ms` from when this resolves. */
  async block(ms: number): Promise<void> {
    this.#child.stdin?.write(`block ${ms}\n`)
    await this.line()
  }

  async troubles(): Promise<string[]> {
    this.#child.stdin?.write('troubles\n')
    return JSON.parse((await this.line()).slice('troubles '.length)) as string[]
  }

  get pid(): number {
    return this.#child.pid as number
  }

  /** No descriptor more than it has now (Linux). Gives back what takes the limit away again. */
  limitDescriptors(): () => void {
    const limit = (...more: string[]): string =>
      execFileSync('prlimit', ['--pid', String(this.pid), ...more], { encoding: 'utf8' }).trim()
    const before = limit('--nofile', '--output=SOFT', '--noheadings')
    const open = new Set(readdirSync(`/proc/${this.pid}/fd`).map(Number))
    let next = 0
    while (open.has(next)) next++
    limit(`--nofile=${next}:`)
    return () => limit(`--nofile=${before}:`)
  }

  async kill(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const ended = once(this.#child, 'exit')
    this.#child.kill('SIGKILL')
    await ended
  }
}
