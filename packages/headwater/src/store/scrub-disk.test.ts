/** The scrub over a real folder: a byte that changes on the disk is found. */
import { mkdtemp, open, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Clock } from '../base/clock.ts'
import { SystemClock, SystemTurn } from '../base/clock.ts'
import { silentLogger } from '../base/log.ts'
import { NodeFileSystem } from '../base/node-fs.ts'
import { openFileStore } from './file-store.ts'
import type { FileStore } from './running-store.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'headwater-scrub-'))
})
afterEach(() => rm(folder, { recursive: true }))

/** The real clock, on which an hour passes in an instant: pauses of the scrub end at once. */
class HurriedClock implements Clock {
  readonly #clock = new SystemClock()
  now(): number {
    return this.#clock.now()
  }
  after(ms: number, fire: () => void): { cancel(): void } {
    return this.#clock.after(ms > 3_600_000 ? ms : 0, fire)
  }
}

function opened(): Promise<FileStore> {
  const realClock = new HurriedClock()
  const turn = new SystemTurn()
  return openFileStore({
    folder,
    sync: 'always',
    fs: new NodeFileSystem(),
    clock: new SystemClock(),
    realClock,
    turn,
    log: silentLogger,
    journalBytes: 16_384,
    scrubBytesPerSecond: 1024 * 1024,
  })
}

test('a byte that is flipped in a real segment is found and named', async () => {
  const first = await opened()
  const log = first.createStream({ storage: 'file', config: 'S' })
  for (let i = 1; i <= 100; i++) {
    const bytes = Buffer.from(`message ${i} `.padEnd(400, '.'))
    log.append({ subject: 'a', bytes, start: 0, headersLength: 0, end: bytes.length, flags: 0 })
    if (i % 20 === 0) await first.settled()
  }
  await first.settled()
  await first.close()
  const own = join(folder, 'streams', '1')
  const name = (await readdir(own)).find((file) => file.endsWith('.seg')) as string
  const at = (await readFile(join(own, name))).indexOf('message 7 .')
  const file = await open(join(own, name), 'r+')
  await file.write('M', at)
  await file.close()
  const again = await opened()
  const place = await new Promise<string>((resolve) => {
    again.onDamage = resolve
  })
  expect(place).toMatch(/streams\/1\/\d+\.seg, byte \d+: message 7 does not match its checksum$/)
  expect(again.troubles().join()).toContain(place)
  await again.close()
})
