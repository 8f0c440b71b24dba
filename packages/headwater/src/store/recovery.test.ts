import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { FileSystem } from '../base/fs.ts'
import type { FileStore } from './running-store.ts'
import { FOLDER, readable, SimRig } from './sim-rig.case.ts'
import { put, read, storeCases } from './store.case.ts'

storeCases('file store on a simulated disk', async () => {
  const rig = new SimRig()
  const store = await rig.open({ journalBytes: 16 * 1024 })
  const settle = async (): Promise<void> => {
    await store.settled()
    while (rig.turn.pending > 0) await new Promise((resolve) => setImmediate(resolve))
  }
  const close = async (): Promise<void> => {
    await store.close()
    rig.stop()
  }
  return { store, clock: rig.clock, settle, close }
})

let rig: SimRig
beforeEach(() => {
  rig = new SimRig()
})
afterEach(() => rig.stop())

const FIRST_FILE = `${FOLDER}/journal/0000000001`

/** Where the frames of a new file end: behind them are zeros. */
function lengthOf(path: string): number {
  const bytes = rig.disk.content(path)
  let length = bytes.length
  while (bytes[length - 1] === 0) length--
  return length
}

/** A store with one stream of `count` messages, each in a frame of its own, all of it in the journal; killed. */
async function killed(count: number): Promise<{ ends: number[]; bytes: Uint8Array }> {
  const store = await rig.open()
  const log = store.createStream({ storage: 'file', config: 'S' })
  await readable(store)
  const ends = [lengthOf(FIRST_FILE)]
  for (let i = 1; i <= count; i++) {
    put(log, `a.${i}`, `message ${i}`)
    await readable(store)
    ends.push(lengthOf(FIRST_FILE))
  }
  rig.disk.crash('kill')
  return { ends, bytes: rig.disk.content(FIRST_FILE).slice(0, ends.at(-1)) }
}

async function codeOf(opening: Promise<FileStore>): Promise<string> {
  try {
    await opening
    return 'opened'
  } catch (error) {
    return `${(error as { code: string }).code}: ${(error as Error).message}`
  }
}

describe('the end of the journal', () => {
  test('torn at any byte: what is whole is served, the rest is reported', async () => {
    const { ends, bytes } = await killed(3)
    for (let length = ends[0]; length <= bytes.length; length++) {
      rig.stop()
      rig = new SimRig()
      const store = await rig.open()
      await store.close()
      rig.write(`${FOLDER}/FORMAT`, Buffer.from(rig.disk.content(`${FOLDER}/FORMAT`)))
      rig.write(FIRST_FILE, bytes.subarray(0, length))
      const again = await rig.open()
      const whole = ends.filter((end) => end <= length)
      expect(again.streams()[0].state.messages, `cut at ${length}`).toBe(whole.length - 1)
      // Zeros at the end are no torn write: they may be a file that was made longer before it was written.
      const end = (whole.at(-1) as number) + again.recovery.tornBytes
      expect(end).toBeLessThanOrEqual(length)
      expect(bytes.subarray(end, length).every((byte) => byte === 0)).toBe(true)
      expect(put(again.streams()[0], 'a', 'next')).toBe(whole.length)
      await again.close()
    }
  })

  test('of which any byte is damaged: the last frame is torn, any other is refused with its place', async () => {
    const { ends, bytes } = await killed(3)
    const lastStart = ends.at(-2) as number
    for (let at = 0; at < bytes.length; at += 3) {
      const harmed = Uint8Array.from(bytes)
      harmed[at] ^= 0x10
      rig.write(FIRST_FILE, harmed)
      const outcome = await codeOf(rig.open())
      if (at >= lastStart) {
        expect(outcome, `byte ${at}`).toBe('opened')
        rig.disk.crash('kill')
        // What the start wrote is not of interest here.
        for (const path of rig.paths())
          if (path.includes('/journal/') && path !== FIRST_FILE) rig.write(path, new Uint8Array(0))
      } else {
        const from = [0, ...ends].filter((end) => end <= at).at(-1)
        expect(outcome, `byte ${at}`).toContain('HW_DATA_CORRUPT')
        expect(outcome, `byte ${at}`).toContain(`${FIRST_FILE}, byte ${at < ends[0] ? '' : from}`)
      }
    }
  })

  test('after a clean stop: even the last frame is known to have been whole', async () => {
    const store = await rig.open()
    const log = store.createStream({ storage: 'file', config: 'S' })
    put(log, 'a', 'last')
    await store.close()
    const harmed = rig.disk.content(FIRST_FILE)
    harmed[Buffer.from(harmed).indexOf('last')] ^= 1
    rig.write(FIRST_FILE, harmed)
    expect(await codeOf(rig.open())).toContain('HW_DATA_CORRUPT')
  })

  test('a missing file between two others is refused', async () => {
    await killed(1)
    const files = (): string[] => rig.paths().filter((path) => path.includes('/journal/'))
    while (files().length < 3) {
      // Killed before the flush could let the former files go.
      await rig.open()
      rig.disk.crash('kill')
    }
    await rig.disk.mount().unlink(files()[1])
    expect(await codeOf(rig.open())).toMatch(
      /HW_DATA_CORRUPT: .data.journal.0000000001, byte \d+: its frames end there/,
    )
  })
})

describe('a folder that cannot be opened', () => {
  test('is held by another', async () => {
    const store = await rig.open()
    expect(await codeOf(rig.open())).toMatch(/^HW_DATA_LOCKED: \/data is held by process \d+/)
    await store.close()
    expect(await codeOf(rig.open())).toBe('opened')
  })

  test('was written by a later version', async () => {
    await (await rig.open()).close()
    rig.write(`${FOLDER}/FORMAT`, Buffer.from('headwater 2 abc\n'))
    expect(await codeOf(rig.open())).toContain('HW_DATA_NEWER: /data/FORMAT has format 2')
    rig.write(`${FOLDER}/FORMAT`, Buffer.from('something else'))
    expect(await codeOf(rig.open())).toContain('HW_DATA_CORRUPT')
  })

  test('has a file where the folder should be', async () => {
    const fs = rig.disk.mount()
    await (await fs.open(FOLDER, 'create')).close()
    expect(await codeOf(rig.open())).toContain('HW_DATA_UNUSABLE')
  })
})

describe('erasing', () => {
  const holders = (text: string): string[] =>
    rig.paths().filter((path) => Buffer.from(rig.disk.content(path)).includes(text))

  test('overwrites the message where it lies in a segment, and nothing else', async () => {
    const store = await rig.open({ journalBytes: 2048 })
    const log = store.createStream({ storage: 'file', config: '' })
    for (let i = 1; i <= 30; i++) {
      put(log, 'a', `secret-${i}! `.padEnd(200, '.'))
      await store.settled()
    }
    expect(holders('secret-5!')).toHaveLength(1)
    expect(log.remove(5, true)).toBe(true)
    await store.settled()
    expect(holders('secret-5!')).toEqual([])
    expect(await read(log, 4)).toMatch(/^secret-4!/)
    expect(await read(log, 6)).toMatch(/^secret-6!/)
    await store.close()
    const again = await rig.open({ journalBytes: 2048 })
    expect(again.recovery.damage).toEqual([])
    expect(again.streams()[0].state.messages).toBe(29)
    await again.close()
  })

  test('is done after a crash that came before it', async () => {
    const store = await rig.open({ journalBytes: 2048 })
    const log = store.createStream({ storage: 'file', config: '' })
    for (let i = 1; i <= 30; i++) {
      put(log, 'a', `secret-${i}! `.padEnd(200, '.'))
      await store.settled()
    }
    log.remove(5, true)
    await readable(store)
    expect(holders('secret-5!')).toHaveLength(1)
    const again = await rig.crashed('kill', { journalBytes: 2048 })
    await again.settled()
    expect(holders('secret-5!')).toEqual([])
    await again.close()
  })
})

describe('a disk that fails', () => {
  test.each(['write', 'sync', 'short'] as const)(
    'a %s poisons: waiters are failed, nothing is retried, reads go on',
    async (kind) => {
      const store = await rig.open()
      const log = store.createStream({ storage: 'file', config: 'S' })
      put(log, 'a', 'before')
      await readable(store)
      await store.settled()
      let cause: Error | undefined
      store.onPoisoned = (error) => {
        cause = error
      }
      rig.disk.failNext(kind)
      put(log, 'a', 'during')
      await expect(readable(store)).rejects.toMatchObject({ code: 'HW_SYNC_FAILED' })
      expect(store.poisoned).toBe(cause)
      expect(log.readableSeq).toBe(1)
      expect(await read(log, 1)).toBe('before')
      expect(await read(log, 2)).toBe('during')
      put(log, 'a', 'after')
      await expect(readable(store)).rejects.toMatchObject({ code: 'HW_SYNC_FAILED' })
      await store.close()
      const again = await rig.open()
      expect(again.streams()[0].state.messages).toBeGreaterThanOrEqual(1)
      expect(again.streams()[0].state.messages).toBeLessThanOrEqual(2)
      expect(await read(again.streams()[0], 1)).toBe('before')
      await again.close()
    },
  )

  test('that is full says so, takes what must go on, and recovers', async () => {
    const store = await rig.open({ journalBytes: 4096 })
    const log = store.createStream({ storage: 'file', config: 'S' })
    rig.disk.faults.capacityBytes = 30_000
    for (let i = 0; i < 100 && !store.full; i++) {
      put(log, 'a', 'x'.repeat(500))
      await store.settled()
    }
    expect(store.full).toBe(true)
    expect(log.removeBelow(log.state.lastSeq)).toBeGreaterThan(0)
    await readable(store)
    expect(store.poisoned).toBeUndefined()
    rig.disk.faults.capacityBytes = Number.POSITIVE_INFINITY
    const until = rig.realClock.now() + 20_000
    while (store.full && rig.realClock.now() < until) await new Promise((resolve) => setImmediate(resolve))
    expect(store.full).toBe(false)
    await store.close()
  })

  test('a flush that fails is tried again, and publishers are congested meanwhile', async () => {
    let broken = true
    const real = rig.disk.mount()
    const open: FileSystem['open'] = (path, mode) => {
      if (broken && path.endsWith('.seg')) return Promise.reject(Object.assign(new Error('full'), { code: 'ENOSPC' }))
      return real.open(path, mode)
    }
    const fs = new Proxy(real, {
      get: (target, name) => (name === 'open' ? open : Reflect.get(target, name).bind(target)),
    })
    const store = await rig.open({ journalBytes: 2048, fs })
    const log = store.createStream({ storage: 'file', config: 'S' })
    const relieved = new Promise<void>((resolve) => {
      store.onRelieved = resolve
    })
    for (let i = 1; !store.congested; i++) {
      put(log, 'a', String(i).padEnd(500))
      await readable(store)
    }
    expect(store.poisoned).toBeUndefined()
    expect(log.remove(1)).toBe(true)
    await readable(store)
    const failed = 'error the flush of a full journal file failed and is tried again'
    while (!rig.logged.includes(failed)) await new Promise((resolve) => setImmediate(resolve))
    broken = false
    await relieved
    expect(store.congested).toBe(false)
    await store.settled()
    expect(rig.paths().filter((path) => path.endsWith('.seg'))).not.toEqual([])
    expect(await read(log, 2)).toMatch(/^2 /)
    await store.close()
  })
})
