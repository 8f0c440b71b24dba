import { beforeEach, describe, expect, it } from 'vitest'
import type { File, FileSystem } from '../fs.ts'
import { SeededRandom } from './seeded-random.ts'
import { elapse, settle } from './settle.ts'
import { SimDisk, type SimFaults } from './sim-disk.ts'
import { VirtualClock } from './virtual-clock.ts'

const filled = (value: number, length: number): Uint8Array => new Uint8Array(length).fill(value)

let clock: VirtualClock
let disk: SimDisk
let fs: FileSystem
const wait = <T>(promise: Promise<T>): Promise<T> => settle({ clock }, promise)

function start(seed = 1, faults: Partial<SimFaults> = {}): void {
  clock = new VirtualClock()
  disk = new SimDisk({ clock, random: new SeededRandom(seed), faults })
  fs = disk.mount()
}
beforeEach(() => start())

/** A file whose name and first `length` bytes (ones) are durable. */
async function durableFile(path = '/d/f', length = 2048): Promise<File> {
  await wait(fs.makeFolder('/d'))
  await wait(fs.syncDir('/'))
  const file = await wait(fs.open(path, 'create-durable'))
  if (length > 0) await wait(file.appendDurable([filled(1, length)], 0))
  await wait(fs.syncDir('/d'))
  return file
}

/** Every distinct content that `path` has after the crash, over many seeds; '' for none. */
async function outcomes(kind: 'kill' | 'power', act: () => Promise<void>, path = '/d/f'): Promise<Set<string>> {
  const seen = new Set<string>()
  for (let seed = 1; seed <= 60; seed++) {
    start(seed)
    await act()
    disk.crash(kind)
    const exists = disk.files().some((file) => file.path === path)
    seen.add(exists ? runs(disk.content(path)) : 'absent')
  }
  return seen
}

/** A content as runs of equal bytes by sector: '1x4 2x1'. */
function runs(bytes: Uint8Array): string {
  const sectors: number[] = []
  for (let at = 0; at < bytes.length; at += 512) sectors.push(bytes[at])
  return `${bytes.length}:${sectors.join('')}`
}

describe('SimDisk: what is durable', () => {
  it('keeps what was synced through any crash', async () => {
    const seen = await outcomes('power', async () => {
      await durableFile()
    })
    expect([...seen]).toEqual(['2048:1111'])
  })

  it('tears what was written and not synced, sector by sector', async () => {
    const seen = await outcomes('power', async () => {
      const file = await durableFile()
      await wait(file.writeAt([filled(2, 1024), filled(2, 1024)], 0))
    })
    expect(seen).toContain('2048:1111')
    expect(seen).toContain('2048:2222')
    expect(seen).toContain('2048:2211')
    expect(seen.size).toBeGreaterThan(5)
  })

  it('may grow a file without its bytes, or lose the growth', async () => {
    const seen = await outcomes('power', async () => {
      const file = await durableFile('/d/f', 512)
      await wait(file.writeAt([filled(2, 1024)], 512))
    })
    for (const possible of ['512:1', '1536:122', '1536:100', '1024:12', '1536:102']) expect(seen).toContain(possible)
  })

  it('keeps everything written at a kill, and loses it with the power afterwards', async () => {
    const act = async (): Promise<void> => {
      const file = await durableFile()
      await wait(file.writeAt([filled(2, 2048)], 0))
    }
    expect([...(await outcomes('kill', act))]).toEqual(['2048:2222'])
    const both = await outcomes('power', async () => {
      await act()
      disk.crash('kill')
    })
    expect(both).toContain('2048:1111')
  })

  it('leaves a write in flight done, undone or in part', async () => {
    const act = async (): Promise<void> => {
      const file = await durableFile()
      void file.appendDurable([filled(2, 2048)], 0)
    }
    const killed = await outcomes('kill', act)
    for (const possible of ['2048:1111', '2048:2222', '2048:2211']) expect(killed).toContain(possible)
    expect([...killed].every((seen) => /^2048:2*1*$/.test(seen))).toBe(true)
    expect([...(await outcomes('power', act))].some((seen) => /12/.test(seen))).toBe(true)
  })

  it('promises with a sync only what was written before it began', async () => {
    const seen = await outcomes('power', async () => {
      const file = await durableFile('/d/f', 1024)
      await wait(file.writeAt([filled(2, 512)], 0))
      const synced = file.sync()
      await wait(file.writeAt([filled(3, 512)], 512))
      await wait(synced)
    })
    expect([...seen].sort()).toEqual(['1024:21', '1024:23'])
  })
})

describe('SimDisk: names', () => {
  it('may lose a created name, with all that was synced in it, until its folder is synced', async () => {
    const seen = await outcomes('power', async () => {
      await wait(fs.makeFolder('/d'))
      await wait(fs.syncDir('/'))
      const file = await wait(fs.open('/d/f', 'create-durable'))
      await wait(file.appendDurable([filled(1, 512)], 0))
    })
    expect([...seen].sort()).toEqual(['512:1', 'absent'])
  })

  it('may undo an unlink', async () => {
    const seen = await outcomes('power', async () => {
      await durableFile()
      await wait(fs.unlink('/d/f'))
    })
    expect([...seen].sort()).toEqual(['2048:1111', 'absent'])
  })

  it('renames within a folder wholly or not at all', async () => {
    for (let seed = 1; seed <= 30; seed++) {
      start(seed)
      await durableFile()
      const next = await durableFile('/d/g', 512)
      await wait(next.close())
      await wait(fs.rename('/d/g', '/d/f'))
      disk.crash('power')
      const left = disk.files().map(({ path, data }) => `${path}:${data.length}`)
      expect([['/d/f:2048', '/d/g:512'], ['/d/f:512']]).toContainEqual(left)
    }
  })

  it('knows folders, and refuses what a file system refuses', async () => {
    await durableFile()
    await wait(fs.makeFolder('/d/e'))
    expect(await wait(fs.list('/d'))).toEqual(['e', 'f'])
    expect(await wait(fs.exists('/d/x'))).toBe(false)
    for (const [act, code] of [
      [() => fs.open('/d/f', 'create'), 'EEXIST'],
      [() => fs.open('/d/x', 'write'), 'ENOENT'],
      [() => fs.open('/x/y', 'create'), 'ENOENT'],
      [() => fs.unlink('/d/x'), 'ENOENT'],
      [() => fs.removeFolder('/d'), 'ENOTEMPTY'],
      [() => fs.list('/d/f'), 'ENOTDIR'],
      [() => fs.rename('/d/x', '/d/y'), 'ENOENT'],
    ] as const) {
      await expect(wait<unknown>(act())).rejects.toMatchObject({ code })
    }
    await wait(fs.removeFolder('/d/e'))
    expect(await wait(fs.list('/d'))).toEqual(['f'])
  })

  it('locks a folder until the process ends', async () => {
    await wait(fs.makeFolder('/d'))
    const lock = await wait(fs.lock('/d', 'one'))
    await expect(wait(fs.lock('/d', 'two'))).rejects.toMatchObject({ code: 'ELOCKED', holder: 'held by one' })
    await wait(lock.release())
    await wait(fs.lock('/d', 'two'))
    disk.crash('kill')
    await wait(disk.mount().lock('/d', 'three'))
  })
})

describe('SimDisk: faults', () => {
  it('marks pages clean after a failed sync: readable, then lost, whatever is retried', async () => {
    const file = await durableFile()
    await wait(file.writeAt([filled(2, 2048)], 0))
    disk.failNext('sync')
    await expect(wait(file.sync())).rejects.toMatchObject({ code: 'EIO' })
    await wait(file.sync())
    expect(runs(disk.content('/d/f'))).toBe('2048:2222')
    disk.crash('power')
    expect(runs(disk.content('/d/f'))).toBe('2048:1111')
  })

  it.each(['sync', 'write'] as const)('fails a durable write at its %s', async (kind) => {
    const file = await durableFile()
    disk.failNext(kind)
    await expect(wait(file.appendDurable([filled(2, 2048)], 0))).rejects.toMatchObject({ code: 'EIO' })
    disk.crash('power')
    expect(runs(disk.content('/d/f'))).toBe('2048:1111')
  })

  it('fails a read, and writes short', async () => {
    const file = await durableFile()
    disk.failNext('read')
    await expect(wait(file.readAt(new Uint8Array(10), 0))).rejects.toMatchObject({ code: 'EIO' })
    disk.failNext('short')
    const written = await wait(file.appendDurable([filled(2, 2048)], 0))
    expect(written).toBeGreaterThan(0)
    expect(written).toBeLessThan(2048)
  })

  it('fills up: short, then ENOSPC; overwriting goes on; the last close of an unlinked file makes room', async () => {
    const file = await durableFile()
    disk.faults.capacityBytes = 3000
    expect(await wait(file.appendDurable([filled(2, 2048)], 2048))).toBe(952)
    await expect(wait(file.appendDurable([filled(2, 1)], 3000))).rejects.toMatchObject({ code: 'ENOSPC' })
    await expect(wait(fs.open('/d/g', 'create'))).rejects.toMatchObject({ code: 'ENOSPC' })
    expect(await wait(file.appendDurable([filled(3, 3000)], 0))).toBe(3000)
    await wait(fs.unlink('/d/f'))
    expect(await wait(fs.freeBytes('/d'))).toBe(0)
    await wait(file.close())
    expect(await wait(fs.freeBytes('/d'))).toBe(3000)
  })

  it('delays a slow sync while others go on', async () => {
    const file = await durableFile()
    disk.faults.slowSync = 1
    let done = false
    const slow = file.sync().then(() => {
      done = true
    })
    await wait(file.size())
    expect(done).toBe(false)
    await wait(slow)
  })

  it('rots a bit at rest, and crashes leave it rotten', async () => {
    await durableFile()
    expect(disk.rot('/d/f', 3)).toBe(true)
    disk.crash('power')
    expect(disk.content('/d/f')[0]).toBe(1 ^ 8)
    expect(disk.rot('/d/none')).toBe(false)
  })

  it('ends the process: nothing it asked for or asks for afterwards settles or happens', async () => {
    const file = await durableFile()
    let settled = false
    const seen = (): void => {
      settled = true
    }
    file.size().then(seen, seen)
    disk.crash('kill')
    file.writeAt([filled(9, 10)], 0).then(seen, seen)
    fs.exists('/d').then(seen, seen)
    await elapse({ clock }, 1000)
    expect(settled).toBe(false)
    expect(runs(disk.content('/d/f'))).toBe('2048:1111')
  })

  it('does the same for the same seed', async () => {
    const run = async (seed: number): Promise<string> => {
      start(seed, { shortWrite: 0.3, slowSync: 0.3 })
      const file = await durableFile('/d/f', 0)
      for (let n = 0; n < 20; n++) await wait(file.writeAt([filled(n, 700)], n * 300))
      disk.crash('power')
      return `${clock.now()} ${disk.content('/d/f').join()}`
    }
    expect(await run(5)).toBe(await run(5))
    expect(await run(5)).not.toBe(await run(6))
  })
})
