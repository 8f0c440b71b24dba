import { afterEach, beforeEach, expect, test } from 'vitest'
import { SeededRandom } from '../base/testing/seeded-random.ts'
import { differences, ModelLog } from './model.case.ts'
import { FOLDER, SimRig } from './sim-rig.case.ts'
import { PATTERNS, pointsOf, put, read } from './store.case.ts'
import type { StreamLog } from './stream-log.ts'

const SIZES = { journalBytes: 8 * 1024, segmentBytes: 16 * 1024 }

let rig: SimRig
beforeEach(() => {
  rig = new SimRig()
})
afterEach(() => rig.stop())

const segments = (): string[] => rig.paths().filter((path) => path.endsWith('.seg'))
const segmentBytes = (): number => segments().reduce((sum, path) => sum + rig.disk.content(path).length, 0)

/** One value a key, as a key-value bucket with history 1 keeps it. */
function set(log: StreamLog, model: ModelLog, key: string, value: string): void {
  const former = log.subject(key)
  put(log, key, value)
  model.append(key, '', value, 0, rig.clock.now())
  if (!former) return
  log.remove(former.lastSeq)
  model.remove(former.lastSeq)
}

test.each([1, 2, 3])('a key-value bucket stays small on disk, and keeps every value, seed %i', async (seed) => {
  const random = new SeededRandom(seed)
  let store = await rig.open(SIZES)
  const model = new ModelLog('file')
  let log = store.createStream({ storage: 'file', config: '' })
  let written = 0
  for (let i = 0; i < 1500; i++) {
    const value = String(i).padEnd(20 + random.below(200), '.')
    written += value.length
    set(log, model, `key.${random.below(random.below(4) === 0 ? 60 : 5)}`, value)
    if (i % 7 === 0) await store.settled()
    if (i % 400 === 399) {
      await store.close()
      store = await rig.open(SIZES)
      log = store.streams()[0]
    }
  }
  await store.settled()
  expect(written).toBeGreaterThan(150_000)
  expect(segmentBytes()).toBeLessThan(60_000)
  expect(await differences(log, model, PATTERNS, pointsOf(random, model)), `seed ${seed}`).toEqual([])
  store = await rig.crashed('power', SIZES)
  log = store.streams()[0]
  expect(store.recovery.damage).toEqual([])
  expect(await differences(log, model, PATTERNS, pointsOf(random, model)), `seed ${seed}`).toEqual([])
  await store.close()
})

test('many small runs become one', async () => {
  const store = await rig.open({ journalBytes: 1024, segmentBytes: 1 << 20 })
  const log = store.createStream({ storage: 'file', config: '' })
  for (let i = 1; i <= 200; i++) {
    put(log, 'a', `${i} `.padEnd(900, '.'))
    await store.settled()
  }
  expect(segments().length).toBeLessThan(3)
  const again = await rig.crashed('kill', { journalBytes: 1024, segmentBytes: 1 << 20 })
  await again.settled()
  expect(again.streams()[0].state.messages).toBe(200)
  for (const seq of [1, 64, 65, 66, 130, 200])
    expect(await read(again.streams()[0], seq)).toMatch(new RegExp(`^${seq} `))
  await again.close()
})

test('what is damaged is not rewritten, and its neighbours stay readable', async () => {
  const store = await rig.open(SIZES)
  const log = store.createStream({ storage: 'file', config: '' })
  for (let i = 1; i <= 60; i++) put(log, 'a', `value-${i}! `.padEnd(400, '.'))
  await store.close()
  const flushed = await rig.open(SIZES)
  await flushed.settled()
  const path = `${FOLDER}/streams/1/0000000000000001.seg`
  const bytes = rig.disk.content(path)
  bytes[Buffer.from(bytes).indexOf('value-7!')] ^= 1
  rig.write(path, bytes)
  const again = await rig.crashed('kill', SIZES)
  const served = again.streams()[0]
  for (let seq = 10; seq <= 58; seq++) served.remove(seq)
  for (let i = 0; i < 30; i++) {
    put(served, 'b', 'x'.repeat(500))
    await again.settled()
  }
  expect(rig.paths()).toContain(path)
  expect(await read(served, 6)).toMatch(/^value-6!/)
  expect(await read(served, 8)).toMatch(/^value-8!/)
  await expect(served.load(7)).rejects.toMatchObject({ code: 'HW_DATA_CORRUPT' })
  expect(rig.logged).toContain('error a message cannot be read')
  await again.close()
})
