/** A simulated disk that is full, or moved away, or a process out of descriptors: what waits, what is refused, what is lost (nothing). */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { FileSystem } from '../base/fs.ts'
import type { FileStore } from './running-store.ts'
import { FOLDER, readable, SimRig } from './sim-rig.case.ts'
import { put, read } from './store.case.ts'

let rig: SimRig
beforeEach(() => {
  rig = new SimRig()
})
afterEach(() => rig.stop())

const forever = Number.POSITIVE_INFINITY

/** Runs the world until `done`; throws when it never is. */
async function until(done: () => boolean, ms = 60_000): Promise<void> {
  const lastMs = rig.realClock.now() + ms
  while (!done()) {
    if (rig.realClock.now() > lastMs) throw new Error('it never happens')
    await new Promise((resolve) => setImmediate(resolve))
  }
}

/** The rig's file system, on which `open` of some paths fails while `isBroken`. */
function refusing(code: string, paths: RegExp): { fs: FileSystem; isBroken: boolean } {
  const real = rig.disk.mount()
  const state = { fs: real, isBroken: false }
  const open: FileSystem['open'] = (path, mode) =>
    state.isBroken && paths.test(path)
      ? Promise.reject(Object.assign(new Error(`${code}: ${path}`), { code }))
      : real.open(path, mode)
  state.fs = new Proxy(real, {
    get: (target, name) => (name === 'open' ? open : Reflect.get(target, name).bind(target)),
  })
  return state
}

async function written(count: number, options = {}): Promise<FileStore> {
  const store = await rig.open(options)
  const log = store.createStream({ storage: 'file', config: 'S' })
  for (let i = 1; i <= count; i++) put(log, 'a', `message ${i} `.padEnd(200, '.'))
  await readable(store)
  await store.settled()
  return store
}

/** The bytes that are in use. */
const used = (): number => rig.disk.files().reduce((sum, { data }) => sum + data.length, 0)

describe('a full disk, while the journal still grows', () => {
  test('a frame waits for room, is not failed, and is whole when it came', async () => {
    const store = await written(1)
    const [log] = store.streams()
    // Others have taken all the rest: not even the zeros ahead of the frames fit.
    for (const spareBytes of [0, 700]) {
      rig.disk.faults.capacityBytes = used() + spareBytes
      const large = `${spareBytes} `.padEnd(3_000_000, 'x')
      const seq = put(log, 'a', large)
      let isDone = false
      void readable(store).then(() => (isDone = true))
      await until(() => store.troubles().length > 0)
      expect(store.troubles().join()).toMatch(/a write to the journal waits, and goes on by itself: ENOSPC/)
      expect([store.full, store.poisoned, isDone]).toEqual([true, undefined, false])
      expect(log.readableSeq).toBe(seq - 1)
      rig.disk.faults.capacityBytes = forever
      await until(() => isDone)
      expect(store.troubles()).toEqual([])
      await until(() => !store.full)
    }
    const again = await rig.crashed('power')
    expect((await read(again.streams()[0], 2))?.length).toBe(3_000_000)
    expect((await read(again.streams()[0], 3))?.slice(0, 4)).toBe('700 ')
    expect(again.recovery.damage).toEqual([])
    await again.close()
  })

  test('acks and removals go on in blocks that are written already', async () => {
    const store = await written(1)
    const [log] = store.streams()
    await store.settled()
    rig.disk.faults.capacityBytes = used()
    for (let i = 0; i < 100; i++) {
      const consumer = log.consumers()[0] ?? log.createConsumer('c')
      consumer.record(
        { what: 'delivered', streamSeq: 1, consumerSeq: i + 1, deliveries: 1, atMs: i, tracked: true },
        'now',
      )
      await readable(store)
    }
    log.remove(1)
    await readable(store)
    expect([store.poisoned, store.troubles()]).toEqual([undefined, []])
    rig.disk.faults.capacityBytes = forever
    await store.close()
  })

  test('a server that closes while a frame waits ends, frees the folder, and its publisher is told', async () => {
    const store = await written(1)
    rig.disk.faults.capacityBytes = used()
    put(store.streams()[0], 'a', 'x'.repeat(3_000_000))
    const waiting = readable(store)
    waiting.catch(() => {})
    await until(() => store.troubles().length > 0)
    await store.close()
    await expect(waiting).rejects.toMatchObject({ code: 'HW_SYNC_FAILED' })
    rig.disk.faults.capacityBytes = forever
    const again = await rig.open()
    expect(again.streams()[0].state.messages).toBe(1)
    await again.close()
  })

  test('a short write that no full disk explains is a failure', async () => {
    const store = await written(1)
    rig.disk.failNext('short')
    put(store.streams()[0], 'a', 'x'.repeat(3_000_000))
    await expect(readable(store)).rejects.toMatchObject({ code: 'HW_SYNC_FAILED' })
    expect(store.poisoned?.message).toMatch(/wrote \d+ of \d+ bytes/)
    await store.close()
  })
})

describe('a start on a full disk', () => {
  test('is refused, with what to do, and leaves nothing behind', async () => {
    await (await written(3)).close()
    const before = rig.paths()
    rig.disk.faults.capacityBytes = used()
    for (let i = 0; i < 3; i++) {
      const failure = await rig.open().catch((error: unknown) => error)
      expect(failure).toMatchObject({ code: 'HW_DISK_FULL' })
      expect((failure as { hint: string }).hint).toMatch(/Free some space/)
    }
    expect(rig.paths()).toEqual(before)
    rig.disk.faults.capacityBytes = forever
    const again = await rig.open()
    expect(again.streams()[0].state.messages).toBe(3)
    await again.close()
  })

  test('serves when there is a journal file to write again, and refuses publishes alone', async () => {
    const OPTIONS = { journalBytes: 4096 }
    const store = await written(1, OPTIONS)
    for (let i = 0; i < 40; i++) {
      put(store.streams()[0], 'a', 'x'.repeat(500))
      await store.settled()
    }
    await store.close()
    expect(rig.paths()).toContain(`${FOLDER}/journal/spare`)
    rig.disk.faults.capacityBytes = used()
    const again = await rig.open(OPTIONS)
    expect(again.full).toBe(true)
    expect(await read(again.streams()[0], 1)).toMatch(/^message 1 /)
    expect(again.streams()[0].remove(1)).toBe(true)
    await readable(again)
    rig.disk.faults.capacityBytes = forever
    await until(() => !again.full)
    await again.close()
  })
})

describe('no file descriptor left', () => {
  test.each([
    ['the next journal file', /journal\/spare$/],
    ['a segment', /\.seg$/],
    ['a checkpoint', /checkpoint/],
  ])('for %s: it is tried again, health says so, nothing is poisoned', async (_what, paths) => {
    const refused = refusing('EMFILE', paths)
    const OPTIONS = { journalBytes: 4096, fs: refused.fs }
    const store = await rig.open(OPTIONS)
    const log = store.createStream({ storage: 'file', config: 'S' })
    refused.isBroken = true
    let lastSeq = 0
    for (let i = 0; i < 60 && store.troubles().length === 0; i++) {
      lastSeq = put(log, 'a', 'x'.repeat(500))
      await Promise.race([readable(store), until(() => store.troubles().length > 0).catch(() => {})])
    }
    await until(() => store.troubles().length > 0)
    expect(store.troubles().join()).toMatch(/EMFILE/)
    expect([store.poisoned, store.full]).toEqual([undefined, false])
    refused.isBroken = false
    await until(() => store.troubles().length === 0)
    await readable(store)
    await store.settled()
    const again = await rig.crashed('power', { journalBytes: 4096 })
    expect(again.streams()[0].state.messages).toBe(lastSeq)
    await again.close()
  })

  test('for a cold message: the read fails and says nothing of damage; later it succeeds', async () => {
    const store = await written(1, { journalBytes: 4096 })
    for (let i = 0; i < 40; i++) {
      put(store.streams()[0], 'a', 'x'.repeat(500))
      await store.settled()
    }
    await store.close()
    const refused = refusing('EMFILE', /\.seg$/)
    const again = await rig.open({ journalBytes: 4096, fs: refused.fs })
    const [log] = again.streams()
    refused.isBroken = true
    await expect(log.load(1)).rejects.toMatchObject({ code: 'EMFILE' })
    expect(again.troubles()).toEqual([])
    refused.isBroken = false
    expect(await read(log, 1)).toMatch(/^message 1 /)
    await again.close()
  })
})

describe('a read that fails', () => {
  test.each(['read', 'rot'] as const)(
    'by %s: that message is an error, its place is named, the others are read',
    async (how) => {
      const store = await written(1, { journalBytes: 4096 })
      for (let i = 0; i < 40; i++) {
        put(store.streams()[0], 'a', `${i} `.padEnd(500, '.'))
        await store.settled()
      }
      await store.close()
      const again = await rig.open({ journalBytes: 4096 })
      await again.settled()
      const [log] = again.streams()
      if (how === 'read') rig.disk.failNext('read')
      else rig.disk.rot(rig.paths().find((path) => path.endsWith('0000000000000001.seg')) as string, 8 * 60)
      await expect(log.load(1)).rejects.toMatchObject({ code: 'HW_DATA_CORRUPT' })
      expect(again.troubles().join()).toMatch(/a message cannot be read: .*\/0000000000000001.seg, byte 0: /)
      expect(again.poisoned).toBeUndefined()
      expect(await read(log, 2)).toMatch(/^0 /)
      put(log, 'a', 'goes on')
      await readable(again)
      await again.close()
    },
  )
})

describe('a data folder that goes away', () => {
  async function removeTree(fs: FileSystem, path: string): Promise<void> {
    for (const name of await fs.list(path)) {
      const inside = `${path}/${name}`
      await fs.unlink(inside).catch(() => removeTree(fs, inside))
    }
    await fs.removeFolder(path)
  }

  test.each(['removed', 'moved', 'replaced'] as const)(
    '%s: it is noticed, and nothing more is acknowledged',
    async (how) => {
      const store = await written(3)
      const fs = rig.disk.mount()
      if (how === 'removed') await removeTree(fs, FOLDER)
      else await fs.rename(FOLDER, '/elsewhere')
      if (how === 'replaced') {
        // As somebody who puts a backup there: the names are the same, the files are not.
        await fs.makeFolder(`${FOLDER}/journal`)
        const number = rig
          .paths()
          .find((path) => path.startsWith('/elsewhere/journal/0'))
          ?.slice(-10)
        await (await fs.open(`${FOLDER}/journal/${number}`, 'create')).close()
      }
      rig.realClock.advance(1001)
      put(store.streams()[0], 'a', 'into nowhere')
      await expect(readable(store)).rejects.toMatchObject({ code: 'HW_SYNC_FAILED' })
      expect(store.poisoned?.message).toMatch(/the data folder was removed, moved or replaced/)
      await store.close()
      // What was there is untouched.
      if (how !== 'removed') {
        const again = await rig.open({ folder: '/elsewhere' })
        expect(await read(again.streams()[0], 3)).toMatch(/^message 3 /)
        await again.close()
      }
    },
  )

  test('is noticed when somebody asks, without a write', async () => {
    const store = await written(3)
    await store.checkFolder()
    expect(store.poisoned).toBeUndefined()
    await rig.disk.mount().rename(FOLDER, '/elsewhere')
    await store.checkFolder()
    expect(store.poisoned?.message).toMatch(/removed, moved or replaced/)
    await store.close()
  })

  test('is noticed before a turn-over writes to whatever stands in its place', async () => {
    const store = await written(3, { journalBytes: 4096 })
    const [log] = store.streams()
    await rig.disk.mount().rename(FOLDER, '/elsewhere')
    for (let i = 0; i < 20 && !store.poisoned; i++) {
      put(log, 'a', 'x'.repeat(500))
      await readable(store).catch(() => {})
    }
    expect(store.poisoned?.message).toMatch(/removed, moved or replaced/)
    expect(rig.paths().filter((path) => path.startsWith(FOLDER))).toEqual([])
    await store.close()
  })
})
