/** SIGKILL at random moments, on a real disk, in the middle of writing, flushing and compacting: what was told to be readable is there. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { SystemClock, SystemTurn } from '../base/clock.ts'
import { silentLogger } from '../base/log.ts'
import { NodeFileSystem } from '../base/node-fs.ts'
import { SeededRandom } from '../base/testing/seeded-random.ts'
import { openFileStore } from './file-store.ts'
import { read } from './store.case.ts'
import type { StoreOptions } from './store.ts'

const KEEP = 500

const SIZES = { journalBytes: 256 * 1024, segmentBytes: 512 * 1024 }

/** Appends to two streams alike and keeps the last KEEP; after each frame writes the last readable sequence to stdout. */
const WRITER = `
  const { SystemClock, SystemTurn } = await import(HERE + '../base/clock.ts')
  const { silentLogger } = await import(HERE + '../base/log.ts')
  const { NodeFileSystem } = await import(HERE + '../base/node-fs.ts')
  const { openFileStore } = await import(HERE + 'file-store.ts')
  const clock = new SystemClock()
  const options = { folder: FOLDER, sync: 'always', fs: new NodeFileSystem({ durableBy: DURABLE_BY }), log: silentLogger, clock, realClock: clock }
  const store = await openFileStore({ ...options, ...SIZES, turn: new SystemTurn() })
  const logs = store.streams()
  while (logs.length < 2) logs.push(store.createStream({ storage: 'file', config: '' }))
  const turn = () => {
    for (let n = 0; n < 20; n++) {
      for (const log of logs) {
        const bytes = Buffer.from('message ' + (log.state.lastSeq + 1) + ' '.repeat(n * 20))
        const seq = log.append({ subject: 's.' + n, bytes, start: 0, headersLength: 0, end: bytes.length, flags: 0 })
        // A few stay, so that segments grow sparse.
        if (seq > KEEP && (seq - KEEP) % 50 !== 0) log.remove(seq - KEEP)
      }
    }
    const last = logs[0].state.lastSeq
    store.whenReadable({ readable: () => { process.stdout.write(last + '\\n'); turn() }, failed: (error) => { throw error } })
  }
  turn()`

test.each([
  ['write', 8],
  ['sync', 3],
] as const)(
  'nothing that was readable is lost, and both streams tell the same turn (durable by %s)',
  async (durableBy, kills) => {
    const seed = 1
    const random = new SeededRandom(seed)
    const folder = mkdtempSync(join(tmpdir(), 'headwater-kill-'))
    const values = { HERE: new URL('.', import.meta.url).href, FOLDER: folder, SIZES, KEEP, DURABLE_BY: durableBy }
    const constants = Object.entries(values).map(([name, value]) => `const ${name} = ${JSON.stringify(value)};`)
    const clock = new SystemClock()
    const options: StoreOptions = {
      ...{ folder, sync: 'always', fs: new NodeFileSystem(), log: silentLogger, clock, realClock: clock },
      turn: new SystemTurn(),
      ...SIZES,
    }
    for (let kill = 0; kill < kills; kill++) {
      const source = constants.join('') + WRITER
      const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', source], {
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      let told = ''
      const frames = 1 + random.below(400)
      child.stdout.setEncoding('utf8').on('data', (text: string) => {
        told += text
        if (told.split('\n').length > frames) child.kill('SIGKILL')
      })
      await once(child, 'close')
      const readable = Number(told.trimEnd().split('\n').at(-1))
      const store = await openFileStore(options)
      const [one, two] = store.streams()
      const where = `seed ${seed}, kill ${kill} after ${readable}`
      expect(store.recovery.damage, where).toEqual([])
      expect(one.state.lastSeq, where).toBeGreaterThanOrEqual(readable)
      expect(one.state.lastSeq % 20, where).toBe(0)
      expect({ ...counts(two.state) }, where).toEqual({ ...counts(one.state) })
      for (let seq = one.nextSeq(1); seq !== 0; seq = one.nextSeq(seq + 1)) {
        const text = (await read(one, seq))?.trimEnd()
        if (text !== `message ${seq}`) expect(text, where).toBe(`message ${seq}`)
      }
      await store.close()
    }
    rmSync(folder, { recursive: true, force: true })
  },
)

function counts(state: { messages: number; bytes: number; firstSeq: number; lastSeq: number }): object {
  return { messages: state.messages, bytes: state.bytes, firstSeq: state.firstSeq, lastSeq: state.lastSeq }
}
