/** Journal files that are written again: what they still hold of a former life never counts, wherever it stands. */
import { afterEach, beforeEach, expect, test } from 'vitest'
import { FRAME_HEAD_BYTES, findFrameHead, readFrameHead } from './frame.ts'
import { checkedLength, recordLength } from './record.ts'
import type { FileStore } from './running-store.ts'
import { FOLDER, readable, SimRig } from './sim-rig.case.ts'
import { put, read } from './store.case.ts'

let rig: SimRig
beforeEach(() => {
  rig = new SimRig()
})
afterEach(() => rig.stop())

const OPTIONS = { journalBytes: 4096 }
const MESSAGES = 8

/** One turn of always equally long records: eight messages and a configuration that names the turn. */
async function turn(store: FileStore, i: number): Promise<void> {
  const log = store.streams()[0] ?? store.createStream({ storage: 'file', config: '' })
  for (let k = 0; k < MESSAGES; k++) put(log, 'a', `${i}.${k} `.padEnd(60, '.'))
  log.setConfig(`turn ${String(i).padStart(4, '0')}`)
  await readable(store)
}

/** As many turns, each with its flush, in a store of its own. */
async function turns(count: number): Promise<FileStore> {
  rig.stop()
  rig = new SimRig()
  const store = await rig.open(OPTIONS)
  for (let i = 1; i <= count; i++) {
    await turn(store, i)
    await store.settled()
  }
  return store
}

const journal = (): string[] => rig.paths().filter((path) => path.includes('/journal/'))

/** The place and the length of the last frame that was written. */
function lastFrame(): { path: string; at: number; length: number } {
  let last = { path: '', at: 0, length: 0, lsn: -1 }
  for (const path of journal()) {
    const bytes = rig.disk.content(path)
    const view = new DataView(bytes.buffer)
    for (let at = findFrameHead(bytes, view, 0); at >= 0; at = findFrameHead(bytes, view, at + 1)) {
      const head = readFrameHead(bytes, view, at)
      if (head && head.lsn > last.lsn) last = { path, at, length: head.length, lsn: head.lsn }
    }
  }
  return last
}

test('two files are enough, whatever goes through them, and none grows', async () => {
  const store = await turns(60)
  expect(journal().length).toBeLessThanOrEqual(2)
  for (const path of journal()) expect(rig.disk.content(path).length).toBeLessThan(3 * 4096)
  await store.close()
})

test('a full disk does not matter to files that are written again', async () => {
  const store = await turns(30)
  const before = journal().map((path) => rig.disk.content(path).length)
  rig.disk.faults.capacityBytes = 1
  const [log] = store.streams()
  for (let i = 0; i < 3; i++) {
    log.setConfig(`turn ${i}`)
    await readable(store)
  }
  expect(store.poisoned).toBeUndefined()
  expect(journal().map((path) => rig.disk.content(path).length)).toEqual(before)
  rig.disk.faults.capacityBytes = Number.POSITIVE_INFINITY
  await store.close()
})

test('frames of a former life that stand exactly where the next frame would are none', async () => {
  let exact = 0
  for (let count = 25; count < 50; count++) {
    await turns(count)
    const { path, at, length } = lastFrame()
    const bytes = rig.disk.content(path)
    if (readFrameHead(bytes, new DataView(bytes.buffer), at + length)) exact++
    for (const kind of ['kill', 'power'] as const) {
      const store = await rig.crashed(kind, OPTIONS)
      const where = `${kind} after ${count}`
      expect(store.streams()[0].config, where).toBe(`turn ${String(count).padStart(4, '0')}`)
      expect(store.streams()[0].state.messages, where).toBe(count * MESSAGES)
      expect(store.recovery.damage, where).toEqual([])
      expect(store.recovery.tornBytes, where).toBe(0)
    }
  }
  expect(exact).toBeGreaterThan(10)
})

test('a record of a former life inside of a torn frame makes the whole frame one that was not written', async () => {
  let whole = 0
  for (let count = 25; count < 45; count++) {
    const store = await turns(count)
    const before = new Map(journal().map((path) => [path, rig.disk.content(path)]))
    await turn(store, count + 1)
    const { path, at } = lastFrame()
    const former = before.get(path)
    rig.disk.crash('kill')
    const torn = rig.disk.content(path)
    const view = new DataView(torn.buffer)
    // As if one sector were exactly one record, and had not been written.
    const from = at + FRAME_HEAD_BYTES + recordLength(view, at + FRAME_HEAD_BYTES)
    const to = from + recordLength(view, from)
    if (!former || checkedLength(former, new DataView(former.buffer), from, former.length) !== to - from) continue
    torn.set(former.subarray(from, to), from)
    rig.write(path, torn)
    const again = await rig.open(OPTIONS)
    const [log] = again.streams()
    expect(log.config, `after ${count}`).toBe(`turn ${String(count).padStart(4, '0')}`)
    expect(log.state.lastSeq, `after ${count}`).toBe(count * MESSAGES)
    expect(await read(log, count * MESSAGES)).toMatch(new RegExp(`^${count}.7 `))
    whole++
  }
  expect(whole).toBeGreaterThan(5)
})

test('a file without its beginning is damaged, whatever spare there is; without a file the journal is missing', async () => {
  await (await turns(30)).close()
  const [current, spare] = journal()
  expect(spare).toBe(`${FOLDER}/journal/spare`)
  const bytes = rig.disk.content(current)
  const harmed = bytes.slice()
  harmed[9] ^= 1
  rig.write(current, harmed)
  await expect(rig.open(OPTIONS)).rejects.toMatchObject({ code: 'HW_DATA_CORRUPT' })
  await rig.disk.mount().unlink(current)
  await expect(rig.open(OPTIONS)).rejects.toMatchObject({ code: 'HW_DATA_CORRUPT' })
})
