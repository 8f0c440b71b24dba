import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { SystemClock, SystemTurn } from '../base/clock.ts'
import { silentLogger } from '../base/log.ts'
import { NodeFileSystem } from '../base/node-fs.ts'
import { SeededRandom } from '../base/testing/seeded-random.ts'
import { VirtualClock } from '../base/testing/virtual-clock.ts'
import { openFileStore } from './file-store.ts'
import { differences, ModelLog } from './model.case.ts'
import type { FileStore } from './running-store.ts'
import { PATTERNS, pointsOf, put, type Rig, read, step, storeCases } from './store.case.ts'
import type { StoreOptions } from './store.ts'

let root = ''
let count = 0

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'headwater-store-'))
})
afterAll(() => rm(root, { recursive: true, force: true }))

function optionsFor(folder: string, more: Partial<StoreOptions> = {}): StoreOptions & { clock: VirtualClock } {
  const clock = new VirtualClock()
  const realClock = new SystemClock()
  const turn = new SystemTurn()
  return { folder, sync: 'always', fs: new NodeFileSystem(), realClock, turn, log: silentLogger, ...more, clock }
}

const newFolder = (): string => join(root, String(count++))

function rig(more: Partial<StoreOptions>): () => Promise<Rig> {
  return async () => {
    const options = optionsFor(newFolder(), more)
    const store = await openFileStore(options)
    const settle = async (): Promise<void> => {
      await store.settled()
      await new Promise((resolve) => setImmediate(resolve))
    }
    return { store, clock: options.clock, settle, close: () => store.close() }
  }
}

storeCases('file store', rig({}))
storeCases('file store with small files', rig({ journalBytes: 16 * 1024, segmentBytes: 64 * 1024 }))
// As where a write cannot be the sync: macOS, Windows.
const twoSteps = new NodeFileSystem({ durableBy: 'sync' })
storeCases('file store that writes and then syncs', rig({ fs: twoSteps, journalBytes: 16 * 1024 }))
storeCases('file store, never synced', rig({ sync: 'never', journalBytes: 16 * 1024 }))
storeCases('file store, synced every 5 ms', rig({ sync: 5, journalBytes: 16 * 1024 }))

describe('a file store opened again', () => {
  test.each([
    ['with everything in the journal', {}],
    ['with small files', { journalBytes: 8 * 1024, segmentBytes: 32 * 1024 }],
  ])('has what it had, %s', async (_name, more) => {
    for (const seed of [11, 12, 13]) {
      const random = new SeededRandom(seed)
      const folder = newFolder()
      const model = new ModelLog('file')
      let options = optionsFor(folder, more)
      let store: FileStore = await openFileStore(options)
      store.createStream({ storage: 'file', config: 'S' })
      for (let round = 0; round < 8; round++) {
        const log = store.streams()[0]
        for (let i = 0; i < 60; i++) {
          step(random, log, model, options.clock)
          if (random.below(10) === 0) await new Promise((resolve) => setImmediate(resolve))
        }
        if (random.below(2) === 0) await store.settled()
        await store.close()
        const { clock } = options
        options = optionsFor(folder, more)
        options.clock.advance(clock.now() - options.clock.now())
        store = await openFileStore(options)
        expect(store.recovery).toMatchObject({ streams: 1, messages: model.messages.length, clean: true, damage: [] })
        const again = store.streams()[0]
        expect(again.readableSeq).toBe(model.last)
        expect(await differences(again, model, PATTERNS, pointsOf(random, model)), `seed ${seed}`).toEqual([])
      }
      await store.close()
    }
  })

  test('has its streams, consumers and their progress; memory streams are gone', async () => {
    const options = optionsFor(newFolder())
    const store = await openFileStore(options)
    const kept = store.createStream({ storage: 'file', config: 'kept' })
    const dropped = store.createStream({ storage: 'file', config: 'dropped' })
    store.createStream({ storage: 'memory', config: 'memory' })
    kept.setConfig('kept, changed')
    const consumer = kept.createConsumer('c')
    const gone = kept.createConsumer('gone')
    consumer.setConfig('c, changed')
    put(kept, 'a', 'x')
    consumer.record(
      { what: 'delivered', streamSeq: 1, consumerSeq: 1, deliveries: 1, atMs: 7.5, tracked: true },
      'later',
    )
    consumer.record({ what: 'delivered', streamSeq: 2, consumerSeq: 2, deliveries: 1, atMs: 8, tracked: true }, 'later')
    consumer.record({ what: 'held', streamSeq: 2, reason: 'terminated', detail: 'because ü' }, 'now')
    const moved = { consumerSeq: 0, streamSeq: 0 }
    gone.record({ what: 'moved', delivered: moved, ackFloor: moved, clear: true }, 'now')
    kept.deleteConsumer(gone)
    store.deleteStream(dropped)
    const before = JSON.stringify(consumer.progress.snapshot())
    await store.close()
    for (let i = 0; i < 2; i++) {
      const again = await openFileStore(optionsFor(options.folder))
      expect(again.streams().map((s) => s.config)).toEqual(['kept, changed'])
      const [log] = again.streams()
      expect(log.consumers().map((c) => c.config)).toEqual(['c, changed'])
      expect(JSON.stringify(log.consumers()[0].progress.snapshot())).toBe(before)
      expect(log.createConsumer('next').id).toBeGreaterThan(gone.id)
      log.deleteConsumer(log.consumers()[1])
      expect(again.createStream({ storage: 'file', config: 'x' }).id).toBeGreaterThan(dropped.id)
      again.deleteStream(again.streams()[1])
      await again.settled()
      await again.close()
    }
  })

  test('reads from segments, and lets go of those in which nothing lives', async () => {
    const options = optionsFor(newFolder(), { journalBytes: 64 * 1024, segmentBytes: 128 * 1024 })
    const store = await openFileStore(options)
    const log = store.createStream({ storage: 'file', config: '' })
    for (let i = 1; i <= 2000; i++) {
      put(log, `a.${i % 10}`, String(i).padEnd(400, '.'))
      if (i % 100 === 0) await store.settled()
    }
    expect((await read(log, 1))?.startsWith('1.')).toBe(true)
    expect((await read(log, 1000))?.startsWith('1000.')).toBe(true)
    const segments = async (): Promise<number> =>
      (await options.fs.list(`${options.folder}/streams/1`)).filter((n) => n.endsWith('.seg')).length
    const before = await segments()
    expect(before).toBeGreaterThan(4)
    expect(log.removeBelow(1900)).toBe(1899)
    await store.settled()
    expect(await segments()).toBeLessThan(3)
    expect((await options.fs.list(`${options.folder}/journal`)).length).toBeLessThan(3)
    expect(await read(log, 1950)).toBeDefined()
    await store.close()
  })
})
