import { afterEach, beforeEach, expect, test } from 'vitest'
import { MessageView } from './message-view.ts'
import type { FileStore } from './running-store.ts'
import { FOLDER, SimRig } from './sim-rig.case.ts'
import { put } from './store.case.ts'
import { COLD, FOUND, type StreamLog } from './stream-log.ts'

const COUNT = 3000

let rig: SimRig
let store: FileStore
let log: StreamLog

/** A stream whose messages are all on disk, none of them in memory. */
beforeEach(async () => {
  rig = new SimRig()
  const first = await rig.open()
  const written = first.createStream({ storage: 'file', config: '' })
  for (let i = 1; i <= COUNT; i++) put(written, `a.${i % 7}`, `${i} `.padEnd(500, '.'))
  await first.close()
  // The first start flushes what it replayed; the second one has nothing in memory.
  await (await rig.open()).settled()
  store = await rig.crashed()
  await store.settled()
  log = store.streams()[0]
})
afterEach(async () => {
  await store.close()
  rig.stop()
})

test('reads everything in order, many messages to a load', async () => {
  const view = new MessageView()
  let loads = 0
  for (let seq = 1; seq <= COUNT; seq++) {
    while (log.read(seq, view) === COLD) {
      loads++
      await log.load(seq)
    }
    expect(view.seq).toBe(seq)
    expect(view.subject).toBe(`a.${seq % 7}`)
    expect(Buffer.from(view.payload()).toString()).toMatch(new RegExp(`^${seq} `))
  }
  expect(loads).toBeGreaterThan(1)
  expect(loads).toBeLessThan(10)
})

test('who passes over messages reads on as well', async () => {
  const view = new MessageView()
  let loads = 0
  for (let seq = 1; seq <= COUNT; seq += 20) {
    while (log.read(seq, view) === COLD) {
      loads++
      await log.load(seq)
    }
    expect(view.seq).toBe(seq)
  }
  expect(loads).toBeGreaterThan(1)
  expect(loads).toBeLessThan(10)
})

test('many readers at once share a window', async () => {
  await Promise.all(Array.from({ length: 50 }, (_, i) => log.load(100 + i)))
  const view = new MessageView()
  for (let i = 0; i < 50; i++) expect(log.read(100 + i, view)).toBe(FOUND)
})

test('a view stays as it was when its window is long forgotten', async () => {
  const view = new MessageView()
  await log.load(5)
  expect(log.read(5, view)).toBe(FOUND)
  const payload = view.payload()
  for (let round = 0; round < 100; round++) await log.load(1 + ((round * 37) % COUNT))
  expect(Buffer.from(payload).toString()).toMatch(/^5 /)
})

test('a read that fails is an error of that moment, and the place is told', async () => {
  rig.disk.failNext('read')
  await expect(log.load(7)).rejects.toMatchObject({
    code: 'HW_DATA_CORRUPT',
    message: expect.stringContaining(`${FOLDER}/streams/1/`),
  })
  await log.load(7)
  expect(log.read(7, new MessageView())).toBe(FOUND)
})

test('what was removed around it does not matter', async () => {
  for (let seq = 1; seq < COUNT; seq += 2) log.remove(seq)
  const view = new MessageView()
  for (let seq = log.nextSeq(1); seq !== 0; seq = log.nextSeq(seq + 1)) {
    if (log.read(seq, view) === COLD) await log.load(seq)
    expect(log.read(seq, view)).toBe(FOUND)
  }
  expect(log.state).toMatchObject({ messages: COUNT / 2, firstSeq: 2 })
})
