/** What the kernel alone can say: a file system that is really full, and a folder that is really gone. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, renameSync, rmSync, statfsSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { SystemClock, SystemTurn } from '../base/clock.ts'
import { silentLogger } from '../base/log.ts'
import { NodeFileSystem } from '../base/node-fs.ts'
import { openFileStore } from './file-store.ts'
import type { FileStore } from './running-store.ts'
import { put, read } from './store.case.ts'
import type { StoreOptions } from './store.ts'

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'headwater-disk-'))
})
const mounts: string[] = []
afterEach(() => {
  for (const mount of mounts.splice(0)) execFileSync('umount', ['-l', mount])
  rmSync(folder, { recursive: true, force: true })
})

function open(more: Partial<StoreOptions> = {}): Promise<FileStore> {
  const clock = new SystemClock()
  const shared = { clock, realClock: clock, turn: new SystemTurn(), log: silentLogger, fs: new NodeFileSystem() }
  return openFileStore({ folder: join(folder, 'data'), sync: 'always', ...shared, ...more })
}

function readable(store: FileStore): Promise<void> {
  return new Promise((resolve, failed) => store.whenReadable({ readable: resolve, failed }))
}

async function until(done: () => boolean): Promise<void> {
  while (!done()) await new Promise((resolve) => setImmediate(resolve))
}

const MIB = 1024 * 1024

/** Mounts a file system of `bytes` on `folder`; false when this process may not. */
function mountSmall(bytes: number): boolean {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${bytes}`, 'tmpfs', folder], { stdio: 'ignore' })
  } catch {
    return false
  }
  mounts.push(folder)
  return true
}

describe('a file system of 8 MiB', () => {
  test.for([0, 3])(
    'filled by others %i KiB short of the end: what grows waits, and goes on when there is room',
    async (left, context) => {
      if (!mountSmall(8 * MIB)) return context.skip('only root may mount a small file system')
      const store = await open({ journalBytes: 64 * MIB })
      const log = store.createStream({ storage: 'file', config: 'S' })
      put(log, 'a', 'first')
      await readable(store)
      await store.settled()
      const { bavail, bsize } = statfsSync(folder)
      writeFileSync(join(folder, 'ballast'), new Uint8Array(Math.max(0, bavail * bsize - left * 1024)))
      const seq = put(log, 'a', 'x'.repeat(3 * MIB))
      let outcome = ''
      readable(store).then(
        () => (outcome = 'acknowledged'),
        (error) => (outcome = String(error)),
      )
      await until(() => store.troubles().length > 0)
      expect([store.full, store.poisoned, outcome]).toEqual([true, undefined, ''])
      expect(store.troubles().join()).toMatch(/ENOSPC/)
      rmSync(join(folder, 'ballast'))
      await until(() => outcome !== '')
      expect(outcome).toBe('acknowledged')
      await store.close()
      const again = await open()
      expect((await read(again.streams()[0], seq))?.length).toBe(3 * MIB)
      expect(again.recovery.damage).toEqual([])
      await again.close()
    },
  )

  test('a flush that finds no room is tried again, a purge goes on, and nothing is lost', async (context) => {
    if (!mountSmall(8 * MIB)) return context.skip('only root may mount a small file system')
    const store = await open({ journalBytes: 256 * 1024 })
    const log = store.createStream({ storage: 'file', config: 'S' })
    for (let i = 1; i <= 1000; i++) {
      put(log, 'a', `${i} `.padEnd(1000, '.'))
      if (i % 100 === 0) await readable(store)
    }
    await store.settled()
    const { bavail, bsize } = statfsSync(folder)
    writeFileSync(join(folder, 'ballast'), new Uint8Array(bavail * bsize))
    for (let i = 0; i < 600 && store.troubles().length === 0; i++) {
      put(log, 'a', 'y'.repeat(1000))
      await readable(store)
    }
    await until(() => store.troubles().length > 0)
    expect(store.troubles().join()).toMatch(/flush of a full journal file failed and is tried again: .*(ENOSPC|disk)/)
    expect(log.removeBelow(900)).toBe(899)
    await readable(store)
    expect(store.poisoned).toBeUndefined()
    rmSync(join(folder, 'ballast'))
    await until(() => store.troubles().length === 0)
    const { lastSeq, messages } = log.state
    await store.close()
    const again = await open({ journalBytes: 256 * 1024 })
    expect(again.streams()[0].state).toMatchObject({ lastSeq, messages })
    expect(await read(again.streams()[0], 950)).toMatch(/^950 /)
    await again.close()
  })

  test('that is full at the start refuses it, with what to do', async (context) => {
    if (!mountSmall(8 * MIB)) return context.skip('only root may mount a small file system')
    const store = await open()
    put(store.createStream({ storage: 'file', config: 'S' }), 'a', 'first')
    await store.close()
    const { bavail, bsize } = statfsSync(folder)
    writeFileSync(join(folder, 'ballast'), new Uint8Array(bavail * bsize))
    const names = readdirSync(join(folder, 'data/journal'))
    await expect(open()).rejects.toMatchObject({ code: 'HW_DISK_FULL' })
    expect(readdirSync(join(folder, 'data/journal'))).toEqual(names)
    rmSync(join(folder, 'ballast'))
    const again = await open()
    expect(again.streams()[0].state.messages).toBe(1)
    await again.close()
  })
})

describe('the data folder', () => {
  test.each(['removed', 'moved'] as const)(
    '%s while the server runs: the next look stops every acknowledgement',
    async (how) => {
      const store = await open()
      const log = store.createStream({ storage: 'file', config: 'S' })
      put(log, 'a', 'first')
      await readable(store)
      await store.settled()
      if (how === 'removed') rmSync(join(folder, 'data'), { recursive: true })
      else renameSync(join(folder, 'data'), join(folder, 'other'))
      await store.checkFolder()
      put(log, 'a', 'second')
      await expect(readable(store)).rejects.toMatchObject({ code: 'HW_SYNC_FAILED' })
      expect(store.poisoned?.message).toMatch(/removed, moved or replaced/)
      expect(await read(log, 1)).toBe('first')
      await store.close()
      expect(readdirSync(folder)).toEqual(how === 'removed' ? [] : ['other'])
    },
  )

  test('is one, by whatever path and whatever became of the file LOCK', async () => {
    const store = await open()
    const link = join(folder, 'link')
    symlinkSync(join(folder, 'data'), link)
    await expect(open({ folder: link })).rejects.toMatchObject({ code: 'HW_DATA_LOCKED' })
    rmSync(join(folder, 'data/LOCK'))
    await expect(open()).rejects.toMatchObject({ code: 'HW_DATA_LOCKED' })
    await expect(open({ folder: link })).rejects.toMatchObject({ code: 'HW_DATA_LOCKED' })
    await store.close()
    await (await open({ folder: link })).close()
  })

  test('is one by a second mount too', async (context) => {
    const other = join(folder, 'bound')
    const store = await open()
    onTestFinished(() => store.close())
    try {
      execFileSync('mkdir', [other])
      execFileSync('mount', ['--bind', join(folder, 'data'), other], { stdio: 'ignore' })
    } catch {
      return context.skip('only root may bind a folder')
    }
    mounts.push(other)
    await expect(open({ folder: other })).rejects.toMatchObject({ code: 'HW_DATA_LOCKED' })
  })
})
