/** Crashes at every operation of the disk: what was readable is there afterwards, and each turn's changes are whole or absent. */
import { describe, expect, test } from 'vitest'
import { silentLogger } from '../base/log.ts'
import { ManualTurn } from '../base/testing/manual-turn.ts'
import { SeededRandom } from '../base/testing/seeded-random.ts'
import { drainMicrotasks, settle } from '../base/testing/settle.ts'
import { type Crash, SimDisk } from '../base/testing/sim-disk.ts'
import { VirtualClock } from '../base/testing/virtual-clock.ts'
import type { ProgressEvent } from './consumer-progress.ts'
import { openFileStore } from './file-store.ts'
import { differences, ModelLog } from './model.case.ts'
import { step } from './store.case.ts'
import type { Store, SyncMode } from './store.ts'
import type { ConsumerLog, StreamLog } from './stream-log.ts'

const TURNS = 35

/** What should be there after a turn. */
interface Moment {
  models: ModelLog[]
  progress: string
}

function copyOf(model: ModelLog): ModelLog {
  const copy = new ModelLog('file')
  copy.messages = [...model.messages]
  copy.last = model.last
  copy.lastTimeMs = model.lastTimeMs
  return copy
}

class World {
  readonly random: SeededRandom
  readonly clock = new VirtualClock()
  readonly disk: SimDisk
  turn = new ManualTurn()
  readonly sync: SyncMode
  operations = 0
  crashAt = Number.POSITIVE_INFINITY
  models = [new ModelLog('file'), new ModelLog('file')]
  moments: Moment[] = []
  /** Index of the last moment that was reported readable. */
  readable = 0

  constructor(seed: number, sync: SyncMode) {
    this.random = new SeededRandom(seed)
    this.sync = sync
    this.disk = new SimDisk({ clock: this.clock, random: new SeededRandom(seed + 1_000_000) })
    const submit = this.disk.submit.bind(this.disk)
    this.disk.submit = (life, effect, options) => {
      this.operations++
      return submit(life, effect, options)
    }
  }

  get crashed(): boolean {
    return this.operations >= this.crashAt
  }

  async open(): Promise<Store> {
    this.turn = new ManualTurn()
    const { clock, turn, sync } = this
    const fs = this.disk.mount()
    const options = { folder: '/data', sync, fs, clock, realClock: clock, turn, log: silentLogger }
    return openFileStore({ ...options, journalBytes: 4096, segmentBytes: 6000 })
  }

  /** One step of the world; false when nothing is left to do. */
  async pump(): Promise<boolean> {
    await drainMicrotasks()
    return this.turn.run() > 0 || this.clock.fireNext()
  }

  /** Runs until `promise` settles or the crash is due; undefined at the crash. */
  async until<T>(promise: Promise<T>): Promise<T | undefined> {
    let result: { value: T } | undefined
    let failure: { error: unknown } | undefined
    promise.then(
      (value) => (result = { value }),
      (error) => (failure = { error }),
    )
    while (!result && !failure && !this.crashed) {
      if (!(await this.pump()) && !result && !failure) throw new Error('the world stands still')
    }
    if (failure) throw failure.error
    return result?.value
  }

  /** Works on the store turn by turn, until the work is done or the crash is due. */
  async work(store: Store, turns: number): Promise<void> {
    const [one, two] = this.streamsOf(store)
    const consumer = one.consumers()[0] ?? one.createConsumer('c')
    this.note(consumer, store)
    for (let t = 0; t < turns && !this.crashed; t++) {
      // Time for both alike: `step` moves the clock, and a message's time is part of what must survive.
      for (let i = this.random.below(4); i >= 0; i--) step(this.random, one, this.models[0], this.clock)
      step(this.random, two, this.models[1], this.clock)
      if (this.random.below(3) > 0) consumer.record(this.event(), this.random.below(2) === 0 ? 'now' : 'later')
      this.note(consumer, store)
      for (let i = this.random.below(16); i > 0 && !this.crashed; i--) await this.pump()
    }
  }

  event(): ProgressEvent {
    const streamSeq = 1 + this.random.below(50)
    if (this.random.below(2) === 0) return { what: 'settled', streamSeq }
    const deliveries = 1 + this.random.below(3)
    return { what: 'delivered', streamSeq, consumerSeq: this.moments.length, deliveries, atMs: 1.5, tracked: true }
  }

  note(consumer: ConsumerLog, store: Store): void {
    const progress = JSON.stringify(consumer.progress.snapshot())
    const moment = this.moments.push({ models: this.models.map(copyOf), progress }) - 1
    store.whenReadable({
      readable: () => {
        this.readable = Math.max(this.readable, moment)
      },
      failed: () => {},
    })
  }

  streamsOf(store: Store): StreamLog[] {
    const found = store.streams()
    for (let i = found.length; i < 2; i++) found.push(store.createStream({ storage: 'file', config: String(i) }))
    return found
  }

  /** The latest moment that the store shows; -1 with what is wrong when it shows none of them. */
  async recognise(store: Store, from: number): Promise<{ moment: number; wrong: string[] }> {
    const streams = store.streams()
    let closest: string[] | undefined
    for (let m = this.moments.length - 1; m >= from; m--) {
      const { models, progress } = this.moments[m]
      const wrong: string[] = [`moment ${m}`]
      for (const [i, log] of streams.entries())
        wrong.push(...(await settle(this, differences(log, models[i], [['a.*']], [0, 5]))))
      const consumer = streams[0]?.consumers()[0]
      const shown = consumer ? JSON.stringify(consumer.progress.snapshot()) : 'no consumer'
      if (shown !== progress) wrong.push(`progress is ${shown}, not ${progress}`)
      if (streams.length < 2) wrong.push('streams are missing')
      if (wrong.length === 1) return { moment: m, wrong }
      if (!closest || wrong.length < closest.length) closest = wrong
    }
    return { moment: -1, wrong: closest ?? ['nothing to compare with'] }
  }
}

/** Works, crashes at disk operation `crashAt`, opens again and compares; twice. Returns the operations of an undisturbed run. */
async function live(seed: number, kind: Crash, crashAt: number, sync: SyncMode): Promise<number> {
  const world = new World(seed, sync)
  world.crashAt = crashAt
  for (let lives = 0; lives < 2; lives++) {
    const store = await world.until(world.open())
    if (store) await world.work(store, TURNS)
    if (store && lives === 0 && crashAt === Number.POSITIVE_INFINITY) {
      await world.until(store.close())
      return world.operations
    }
    world.disk.crash(kind)
    world.crashAt = Number.POSITIVE_INFINITY
    await drainMicrotasks()
    const again = (await world.until(world.open())) as Store
    const where = `seed ${seed}, ${kind} at operation ${crashAt}, life ${lives}`
    expect(again.recovery.damage.join('; '), where).toBe('')
    // Only what was synced outlives the power; in the other modes any earlier turn may be what is left.
    const from = sync === 'always' || kind === 'kill' ? world.readable : 0
    if (again.streams().length === 0) {
      expect(from, `${where}: all is gone`).toBe(0)
      world.models = [new ModelLog('file'), new ModelLog('file')]
      world.moments = []
    } else {
      const { moment, wrong } = await world.recognise(again, from)
      if (moment < 0) throw new Error(`${where}: readable ${from} of ${world.moments.length}: ${wrong.join('; ')}`)
      world.models = world.moments[moment].models.map(copyOf)
      world.moments = [world.moments[moment]]
    }
    world.readable = 0
    world.crashAt = world.operations + 20 + world.random.below(200)
    await world.until(again.close())
    world.disk.crash('kill')
  }
  return world.operations
}

/** More seeds: HEADWATER_CRASH_SEEDS=100-120 npx vitest run --project unit store/crash */
const [firstSeed, lastSeed] = (process.env.HEADWATER_CRASH_SEEDS ?? '1-1').split('-').map(Number)

describe.each(['kill', 'power'] as const)('a %s at every operation of the disk', (kind) => {
  test.each(['always', 'never', 3] as const)(
    'loses nothing that it should not, sync %s',
    async (sync) => {
      for (let seed = firstSeed; seed <= lastSeed; seed++) {
        const operations = await live(seed, kind, Number.POSITIVE_INFINITY, sync)
        expect(operations).toBeGreaterThan(100)
        // Neighbouring operations are covered by other seeds.
        for (let at = 1 + (seed % 5); at <= operations; at += 5) await live(seed, kind, at, sync)
      }
    },
    1_200_000,
  )
})
