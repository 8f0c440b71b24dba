/** The command as people run it: a process with flags, signals and an exit code. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { jetstream, jetstreamManager } from '@nats-io/jetstream'
import { connect } from '@nats-io/transport-node'
import { expect, onTestFinished, test } from 'vitest'

const bin = fileURLToPath(new URL('../../bin/headwater.mjs', import.meta.url))

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'headwater-cli-'))
  onTestFinished(() => rmSync(path, { recursive: true, force: true }))
  return path
}

class Run {
  output = ''
  readonly child: ChildProcess
  readonly exit: Promise<number | null>
  /** Called when there is more output, and at the end. */
  #more: () => void = () => {}
  #isOver = false

  constructor(args: string[], cwd: string) {
    this.child = spawn(process.execPath, [bin, ...args], { cwd, stdio: ['ignore', 'pipe', 'pipe'] })
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.output += text
        this.#more()
      })
    }
    this.exit = once(this.child, 'close').then(([code]) => {
      this.#isOver = true
      this.#more()
      return code as number | null
    })
    onTestFinished(() => void this.child.kill('SIGKILL'))
  }

  /** Resolves when it printed `text`, on either stream; rejects when it ends before. */
  async said(text: string): Promise<void> {
    while (!this.output.includes(text)) {
      if (this.#isOver) throw new Error(`It ended without saying "${text}":\n${this.output}`)
      await new Promise<void>((resolve) => {
        this.#more = resolve
      })
    }
  }

  /** Asks it to end, and gives everything that it said. */
  async stopped(): Promise<string> {
    this.child.kill('SIGTERM')
    await this.exit
    return this.output
  }

  get url(): string {
    return /nats:\/\/\S+/.exec(this.output)?.[0] ?? ''
  }
}

test('it says where it listens, where the data is and what it promises; serves; drains and exits 0', async () => {
  const cwd = folder()
  const run = new Run(['-p', '0', '-m', '0', '-n', 'river', '-P', 'run.pid'], cwd)
  await run.said('Server is ready')
  expect(run.output).toContain(`data     ${join(cwd, 'headwater-data')}`)
  expect(run.output).toContain('acknowledged means written and synced')
  expect(readFileSync(join(cwd, 'run.pid'), 'utf8').trim()).toBe(String(run.child.pid))
  const health = /http:\S+healthz/.exec(run.output)?.[0] ?? ''
  expect(await (await fetch(health)).json()).toEqual({ status: 'ok' })
  const nc = await connect({ servers: run.url, reconnect: false })
  expect(nc.info?.server_name).toBe('river')
  await (await jetstreamManager(nc)).streams.add({ name: 'S', subjects: ['s'] })
  await jetstream(nc).publish('s', 'kept')
  run.child.kill('SIGTERM')
  expect(await run.exit).toBe(0)
  expect(run.output).toContain('drained')
  expect(existsSync(join(cwd, 'run.pid'))).toBe(false)
  await nc.closed()
  const again = new Run(['-p', '0'], cwd)
  await again.said('Server is ready')
  expect(again.output).toContain('streams  1 with 1 messages')
  again.child.kill('SIGINT')
  expect(await again.exit).toBe(0)
})

test('check: fine after a stop, refused while it serves, damage is exit 1, an unknown word is exit 2', async () => {
  const cwd = folder()
  const run = new Run(['-p', '0'], cwd)
  await run.said('Server is ready')
  expect(await new Run(['check', 'headwater-data'], cwd).exit).toBe(1)
  const nc = await connect({ servers: run.url })
  await (await jetstreamManager(nc)).streams.add({ name: 'S', subjects: ['s'] })
  await jetstream(nc).publish('s', 'kept')
  await nc.close()
  await run.stopped()
  const fine = new Run(['check', 'headwater-data', '--json'], cwd)
  expect(await fine.exit).toBe(0)
  expect(JSON.parse(fine.output)).toMatchObject({ fine: true, streams: 1, messages: 1 })
  writeFileSync(join(cwd, 'headwater-data', 'FORMAT'), 'headwater')
  const damaged = new Run(['check', 'headwater-data'], cwd)
  expect(await damaged.exit).toBe(1)
  expect(damaged.output).toContain('FORMAT is not what a store writes there')
  const saved = new Run(['check', 'headwater-data', '--repair', 'saved'], cwd)
  expect(await saved.exit).toBe(1)
  expect(await new Run(['check', 'saved'], cwd).exit).toBe(0)
  expect(await new Run(['chek', 'saved'], cwd).exit).toBe(2)
})

test('a second process on the folder is refused and told who holds it', async () => {
  const cwd = folder()
  const first = new Run(['-p', '0'], cwd)
  await first.said('Server is ready')
  const second = new Run(['-p', '0'], cwd)
  expect(await second.exit).toBe(1)
  expect(second.output).toContain(String(first.child.pid))
})

test('whoever read its output goes away, and it serves on, drains and exits 0', async () => {
  const run = new Run(['-p', '0', '-D'], folder())
  await run.said('Server is ready')
  run.child.stdout?.destroy()
  run.child.stderr?.destroy()
  const nc = await connect({ servers: run.url, reconnect: false })
  await nc.flush()
  run.child.kill('SIGTERM')
  expect(await once(run.child, 'exit')).toEqual([0, null])
  await nc.closed()
})

test('a port in use', async () => {
  const taken = createServer()
  onTestFinished(() => void taken.close())
  taken.listen(0, '127.0.0.1')
  await once(taken, 'listening')
  const { port } = taken.address() as { port: number }
  const run = new Run(['-p', String(port)], folder())
  expect(await run.exit).toBe(1)
  expect(run.output).toMatch(/port \d+ on 127\.0\.0\.1 is in use\n {2}\S/)
})

test('a data folder that is a file, or cannot be made', async () => {
  const cwd = folder()
  writeFileSync(join(cwd, 'file'), '')
  const run = new Run(['-p', '0', '-sd', 'file'], cwd)
  expect(await run.exit).toBe(1)
  expect(run.output).toMatch(/headwater: .*file.*\n {2}\S/)
})

test.each([
  [['--prot', '1'], 2, '--prot is not a flag'],
  [['-c', 'nats.conf'], 2, 'Configuration files come later'],
  [['--version'], 0, 'speaks NATS 2.10'],
  [['--help'], 0, 'Usage: headwater'],
])('%j exits with %d', async (args, code, text) => {
  const run = new Run(args, folder())
  expect(await run.exit).toBe(code)
  expect(run.output).toContain(text)
})

test('beyond loopback without authentication it warns, loudly', async () => {
  const open = new Run(['-p', '0', '-a', '0.0.0.0', '-sd', 'memory'], folder())
  await open.said('Server is ready')
  expect(await open.stopped()).toContain('OPEN SERVER')
  const guarded = new Run(['-p', '0', '-a', '0.0.0.0', '-sd', 'memory', '--auth', 'secret'], folder())
  await guarded.said('Server is ready')
  expect(await guarded.stopped()).not.toContain('OPEN SERVER')
})

test('-V shows the protocol and no secrets', async () => {
  const run = new Run(['-p', '0', '-sd', 'memory', '-V', '--user', 'ann', '--pass', 'hunter2'], folder())
  await run.said('Server is ready')
  const nc = await connect({ servers: run.url, user: 'ann', pass: 'hunter2' })
  nc.publish('traced', 'hello')
  await nc.flush()
  await nc.close()
  run.child.kill('SIGTERM')
  expect(await run.exit).toBe(0)
  expect(run.output).toContain('PUB traced 5')
  expect(run.output).not.toContain('hunter2')
})
