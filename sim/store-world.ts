/**
 * One seed of the store's simulation: random changes in random turns on a bad disk, crashes at any moment, and after each
 * start the question whether the store holds exactly what some turn left behind, no earlier than the last that it promised.
 */
import { silentLogger } from '../packages/headwater/src/base/log.ts'
import { SeededRandom } from '../packages/headwater/src/base/testing/seeded-random.ts'
import type { Crash } from '../packages/headwater/src/base/testing/sim-disk.ts'
import { openFileStore } from '../packages/headwater/src/store/file-store.ts'
import type { Store, SyncMode } from '../packages/headwater/src/store/store.ts'
import { type Extras, extrasOf, happens, type RunOptions, switchOff } from './faults.ts'
import { countRecovery, Machine } from './machine.ts'
import { readText } from './read-text.ts'
import { rotTrials } from './rot.ts'
import { describeConsumer, StoreModel } from './store-model.ts'
import { checkReads } from './store-reads.ts'
import { StoreWorkload, storeWeights } from './store-workload.ts'
import { must, type Trace } from './trace.ts'

const FOLDER = '/data'

/** Runs a seed of the durable store. Throws a Violation. */
export async function runStoreSeed(seed: number, trace: Trace, options: RunOptions = {}): Promise<void> {
  await new StoreWorld(new SeededRandom(seed), trace, options, extrasOf(seed, options)).run(options.steps ?? 200)
}

class StoreWorld {
  readonly #random: SeededRandom
  readonly #machine: Machine
  readonly #model: StoreModel
  readonly #workload: StoreWorkload
  readonly #sync: SyncMode
  readonly #journalBytes: number
  readonly #segmentBytes: number
  /** How likely a step crashes, poisons and the like. */
  readonly #crashes: number
  readonly #faulty: boolean
  readonly #extras: Extras
  #store: Store | undefined
  /** Waiters of this process that nothing answered yet. */
  #waiting = 0
  /** The last turn that this process told to be readable; in every mode it survives a kill. */
  #readableTurn = 0
  /** Set when a waiter was told that its outcome is unknown. */
  #failed = false

  constructor(random: SeededRandom, trace: Trace, { without = [] }: RunOptions, extras: Extras) {
    this.#random = random
    this.#extras = extras
    const weightOf = (name: string, weight: number): number => (without.includes(name) ? 0 : weight)
    this.#sync = random.chance(0.8) ? 'always' : random.pick(['never', 20, 200] as const)
    this.#journalBytes = random.pick([8_192, 32_768, 32_768, 65_536])
    this.#segmentBytes = random.pick([32_768, 131_072])
    this.#crashes = weightOf('crash', random.pick([0.005, 0.02, 0.05]))
    this.#faulty = random.chance(0.35) && !without.includes('diskFailure')
    this.#machine = new Machine(random.fork(), trace, {
      slowSync: weightOf('slowSync', random.pick([0, 0, 0.05, 0.3])),
      operationMs: random.pick([
        [0.05, 0.2],
        [0.05, 5],
        [1, 2],
      ]),
    })
    this.#model = new StoreModel(() => this.#machine.clock.now())
    const fork = random.fork()
    const weights = storeWeights(random)
    switchOff(weights, without)
    this.#workload = new StoreWorkload(fork, weights, this.#model, (text) => this.#machine.note(text))
  }

  async run(steps: number): Promise<void> {
    await this.#start()
    for (let step = 0; step < steps; step++) {
      this.#machine.trace.step = step
      await this.#turn()
      if (this.#random.chance(this.#crashes)) await this.#restart()
    }
    await this.#restart('close')
    await this.#restart('power')
    if (this.#extras.rot === 0) return
    this.#machine.crash('power')
    await rotTrials({
      machine: this.#machine,
      random: this.#random.fork(),
      trials: this.#extras.rot,
      journalBytes: this.#journalBytes,
      segmentBytes: this.#segmentBytes,
    })
  }

  /** Some changes, the end of the turn, and a little time. */
  async #turn(): Promise<void> {
    const store = this.#store as Store
    const model = this.#model
    if (store.poisoned) {
      this.#machine.note(`poisoned: ${store.poisoned.message}`)
      this.#machine.count('store: poisoned')
      await this.#restart()
      return
    }
    if (this.#faulty && this.#random.chance(0.01)) this.#fault()
    if (happens(this.#random, this.#extras.fullDisk)) {
      if (this.#machine.isDiskFull) this.#machine.freeDisk()
      else this.#machine.fillDisk(this.#random.pick([0, 100, 5_000, 40_000]))
    }
    if (!store.congested) this.#workload.act(store)
    if (this.#random.chance(0.5)) this.#wait(store, model.turn)
    await this.#machine.endTurn()
    model.turn++
    const isUnhurried = this.#workload.isUniform && this.#random.chance(0.95)
    const patience = isUnhurried ? 100 : this.#random.pick([0, 0, 1, 3, 10, 40])
    for (let n = 0; n < patience; n++) if (!(await this.#machine.step(100))) break
    this.#checkReadable(store)
    if (this.#random.chance(0.1)) {
      if (happens(this.#random, this.#extras.readFailure)) this.#machine.disk.failNext('read')
      const isTold = (): void => this.#machine.count('disk: failed read was told')
      await this.#machine.until(
        checkReads(store, model, this.#random, this.#extras.readFailure > 0 ? isTold : undefined),
      )
    }
    if (this.#random.chance(0.02)) await this.#quiesce()
  }

  #fault(): void {
    const kind = this.#random.pick(['write', 'sync', 'short'] as const)
    this.#machine.note(`fault: next ${kind}`)
    this.#machine.count(`fault: ${kind} planned`)
    this.#machine.disk.failNext(kind)
  }

  #wait(store: Store, turn: number): void {
    this.#waiting++
    store.whenReadable({
      readable: () => {
        this.#waiting--
        this.#machine.note(`readable ${turn}`)
        must(!this.#failed, 'nothing is acknowledged after the store was poisoned')
        this.#promised(turn)
      },
      failed: () => {
        this.#waiting--
        this.#failed = true
        must(store.poisoned, 'waiters fail only when the store is poisoned')
      },
    })
  }

  /** The store said that everything up to this turn is safe. */
  #promised(turn: number): void {
    this.#readableTurn = Math.max(this.#readableTurn, turn)
    if (this.#sync === 'always') this.#model.isSafe(turn)
  }

  /** A message up to readableSeq counts as promised too. */
  #checkReadable(store: Store): void {
    for (const log of store.streams()) {
      must(log.readableSeq <= log.state.lastSeq, 'readableSeq is never beyond lastSeq')
      const turn = this.#workload.turnOf(log.id, log.readableSeq)
      if (turn !== undefined && log.storage === 'file') this.#promised(turn)
    }
  }

  /** With time enough, everything that waits is told, and the store asks for nothing more. */
  async #quiesce(): Promise<void> {
    if (this.#machine.isDiskFull) {
      this.#machine.freeDisk()
      await this.#machine.elapse(7_000)
      must(!this.#store?.full, 'the disk has room, and the store still takes it for full')
    }
    await this.#machine.elapse(5_000)
    must(this.#waiting === 0, () => `${this.#waiting} waiters were never told`)
    const { congested, poisoned } = this.#store as Store
    must(!congested || poisoned, 'a store with nothing to write is not congested')
  }

  async #restart(how: Crash | 'close' = this.#random.pick(['close', 'kill', 'power'] as const)): Promise<void> {
    const store = this.#store as Store
    const crash: Crash = how === 'close' ? this.#random.pick(['kill', 'power'] as const) : how
    if (how === 'close') {
      // With a full disk a clean stop may fail; what it then says is no promise.
      this.#machine.freeDisk()
      this.#machine.note('close')
      const steps = this.#random.chance(0.7) ? Number.POSITIVE_INFINITY : this.#random.below(20)
      const poisoned = store.poisoned !== undefined
      const closed = await this.#machine.until(
        store.close().then(
          () => true,
          (error: unknown) => {
            if (store.poisoned || poisoned) return false
            throw error
          },
        ),
        steps,
      )
      // A clean stop is safe in every mode.
      if (closed?.value && !store.poisoned && !poisoned) {
        this.#model.isSafe(this.#model.turn)
        must(this.#waiting === 0, 'a closed store has told all who waited')
      }
    }
    this.#machine.crash(crash)
    await this.#start(crash)
    if (happens(this.#random, this.#extras.crashAgain)) {
      this.#machine.count('crash: again at once')
      await this.#restart()
    }
  }

  /** Opens the store, crashing on the way at times, and compares. */
  async #start(crash: Crash = 'power'): Promise<void> {
    if (happens(this.#random, this.#extras.hoursDown)) {
      this.#machine.count('clock: hours while down')
      await this.#machine.elapse(this.#random.between(1, 20) * 3_600_000)
    }
    let survives = crash === 'kill' ? this.#readableTurn : 0
    for (;;) {
      this.#waiting = 0
      this.#failed = false
      const process = this.#machine.boot()
      const opening = openFileStore({
        folder: FOLDER,
        sync: this.#sync,
        fs: process.fs,
        clock: process.clock,
        realClock: process.clock,
        turn: process.turn,
        log: silentLogger,
        journalBytes: this.#journalBytes,
        segmentBytes: this.#segmentBytes,
        openBytesMax: 100_000,
      })
      const steps = this.#random.chance(0.2) ? this.#random.below(60) : undefined
      const opened = await this.#machine.until(opening, steps).catch((error: { code?: string }) => {
        if (!this.#machine.isDiskFull || error.code !== 'HW_DISK_FULL') throw error
        this.#machine.count('start: refused, the disk is full')
        this.#machine.freeDisk()
        return undefined
      })
      if (!opened) {
        const again = this.#random.pick(['kill', 'power'] as const)
        if (again === 'power') survives = 0
        this.#machine.count('crash: during recovery')
        this.#machine.crash(again)
        continue
      }
      this.#store = opened.value
      break
    }
    const store = this.#store
    this.#machine.isServing = true
    countRecovery(this.#machine, store.recovery)
    const found = (await this.#machine.until(describeStore(store)))?.value ?? ''
    const back = this.#model.recover(found, this.#sync !== 'always')
    must(back !== undefined, () => {
      const right = this.#model.candidates()
      return `after the restart the store holds what no turn left behind.\n--- nearest ---\n${nearest(right, found)}`
    })
    const { turn, lost } = back
    must(lost > survives, () => `killed after turn ${survives} was readable, and turn ${lost} is lost`)
    this.#readableTurn = turn
    must(store.recovery.damage.length === 0, () => `damage without rot: ${store.recovery.damage.join('; ')}`)
    this.#machine.note(`opened at turn ${turn}: ${store.recovery.messages} messages, torn ${store.recovery.tornBytes}`)
    this.#workload.restarted(store)
  }
}

/** Everything that a store holds, in the model's words. */
async function describeStore(store: Store): Promise<string> {
  const parts: string[] = []
  for (const log of [...store.streams()].sort((a, b) => a.id - b.id)) {
    must(log.storage === 'file', 'memory streams do not survive')
    parts.push(`stream ${log.id} ${log.config} last ${log.state.lastSeq}`)
    for (let seq = log.nextSeq(1); seq !== 0; seq = log.nextSeq(seq + 1)) {
      parts.push(`  ${seq} ${await readText(log, seq)}`)
    }
    for (const consumer of [...log.consumers()].sort((a, b) => a.id - b.id)) {
      parts.push(describeConsumer(consumer.id, consumer.config, consumer.progress))
    }
  }
  return parts.join('\n')
}

/** Of the states that would be right, the one that shares most lines, as a difference. */
function nearest(right: readonly string[], found: string): string {
  const lines = new Set(found.split('\n'))
  let best: { missing: string[]; extra: string[]; at: number } | undefined
  right.forEach((text, at) => {
    const wanted = text.split('\n')
    const wantedSet = new Set(wanted)
    const missing = wanted.filter((line) => !lines.has(line))
    const extra = [...lines].filter((line) => !wantedSet.has(line))
    if (!best || missing.length + extra.length <= best.missing.length + best.extra.length) best = { missing, extra, at }
  })
  if (!best) return 'none'
  const differing = [...best.missing.map((line) => `missing: ${line}`), ...best.extra.map((line) => `extra:   ${line}`)]
  const shown = differing.length > 20 ? [...differing.slice(0, 20), `and ${differing.length - 20} more`] : differing
  return [`candidate ${best.at} of ${right.length} (0 is the last safe one)`, ...shown].join('\n')
}
