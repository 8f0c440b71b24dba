/**
 * The simulated machine: a clock, a disk and one process at a time. It owns the order of everything: a step ends the turn,
 * drains the microtasks and fires the next timer. A crash ends the process: its timers, its turn and its disk operations are gone.
 */
import type { Clock, Timer, Turn } from '../packages/headwater/src/base/clock.ts'
import type { FileSystem } from '../packages/headwater/src/base/fs.ts'
import { ManualTurn } from '../packages/headwater/src/base/testing/manual-turn.ts'
import type { SeededRandom } from '../packages/headwater/src/base/testing/seeded-random.ts'
import { drainMicrotasks } from '../packages/headwater/src/base/testing/settle.ts'
import { type Crash, SimDisk, type SimFaults } from '../packages/headwater/src/base/testing/sim-disk.ts'
import { VirtualClock } from '../packages/headwater/src/base/testing/virtual-clock.ts'
import type { RecoveryReport } from '../packages/headwater/src/store/store.ts'
import { must, type Trace } from './trace.ts'
import { watched } from './watched-fs.ts'

/** More than a seed ever needs: one that reaches it loops. */
const STEPS_MAX = 1_000_000

/** A process's clock: silent once the process is dead. */
class ProcessClock implements Clock {
  readonly #machine: VirtualClock
  alive = true

  constructor(machine: VirtualClock) {
    this.#machine = machine
  }

  now(): number {
    return this.#machine.now()
  }

  after(ms: number, fire: () => void): Timer {
    if (!this.alive) return { cancel: () => {} }
    return this.#machine.after(ms, () => {
      if (this.alive) fire()
    })
  }
}

/** What a process gets of the machine. */
export interface Process {
  readonly fs: FileSystem
  readonly clock: Clock
  readonly turn: Turn
}

export class Machine {
  readonly clock: VirtualClock = new VirtualClock()
  readonly random: SeededRandom
  readonly disk: SimDisk
  readonly trace: Trace
  #turn = new ManualTurn()
  #process: ProcessClock | undefined
  /** Set by the world once its store is open. */
  isServing = false
  #steps = 0

  constructor(random: SeededRandom, trace: Trace, faults: Partial<SimFaults>) {
    this.random = random
    this.trace = trace
    this.disk = new SimDisk({ clock: this.clock, random: random.fork(), faults })
  }

  note(text: string): void {
    this.trace.add(this.clock.now(), text)
  }

  /** Counts a thing that the run exercised. */
  count(what: string, times = 1): void {
    this.trace.statistics.count(what, times)
  }

  /** Starts a process; there must be none. */
  boot(): Process {
    must(this.#process === undefined, 'the simulation boots one process at a time')
    this.#turn = new ManualTurn()
    const process = new ProcessClock(this.clock)
    this.#process = process
    this.isServing = false
    const fs = watched(
      this.disk.mount(),
      (what) => this.count(what),
      () => this.isServing,
    )
    return { fs, clock: process, turn: this.#turn }
  }

  /** Ends the process. */
  crash(kind: Crash): void {
    this.note(`crash ${kind}`)
    this.count(`crash: ${kind}`)
    if (this.#process) this.#process.alive = false
    this.#process = undefined
    this.#turn = new ManualTurn()
    this.disk.crash(kind)
  }

  /** Leaves the disk room for `bytes` more. */
  fillDisk(bytes: number): void {
    const { faults } = this.disk
    faults.capacityBytes = Number.MAX_SAFE_INTEGER
    faults.capacityBytes += bytes - this.disk.freeBytes()
    this.note(`the disk has room for ${bytes} bytes`)
    this.count('disk: filled')
  }

  get isDiskFull(): boolean {
    return this.disk.faults.capacityBytes !== Number.POSITIVE_INFINITY
  }

  freeDisk(): void {
    if (!this.isDiskFull) return
    this.disk.faults.capacityBytes = Number.POSITIVE_INFINITY
    this.note('the disk has room again')
    this.count('disk: freed')
  }

  /** Ends the turn, and lets microtasks run. True when the turn had ends. */
  async endTurn(): Promise<boolean> {
    const ran = this.#turn.run()
    await drainMicrotasks()
    return ran > 0
  }

  /** One step: the turn, the microtasks, and when nothing waited for the turn, the next timer within `withinMs`. False when there was nothing to do. */
  async step(withinMs: number = Number.POSITIVE_INFINITY): Promise<boolean> {
    must(++this.#steps < STEPS_MAX, `the world does not come to rest: ${STEPS_MAX} turns and timers`)
    if (await this.endTurn()) return true
    const nextAtMs = this.clock.nextAtMs
    if (nextAtMs === undefined || nextAtMs - this.clock.now() > withinMs) return false
    this.clock.fireNext()
    await drainMicrotasks()
    return true
  }

  /** Lets `ms` pass, with all that falls into it. */
  async elapse(ms: number): Promise<void> {
    const untilMs = this.clock.now() + ms
    while (await this.step(untilMs - this.clock.now())) {}
    this.clock.advance(Math.max(0, untilMs - this.clock.now()))
  }

  /**
   * Runs until `promise` settles, and gives its value; rejects as it does. Undefined when `steps` ran out first, which is
   * how a crash comes into the middle of something. Throws a Violation when nothing is left that could settle it.
   */
  async until<T>(promise: Promise<T>, steps: number = Number.POSITIVE_INFINITY): Promise<{ value: T } | undefined> {
    let outcome: { value: T } | { error: unknown } | undefined
    promise.then(
      (value) => {
        outcome = { value }
      },
      (error: unknown) => {
        outcome = { error }
      },
    )
    await drainMicrotasks()
    for (let step = 0; outcome === undefined; step++) {
      if (step >= steps) return undefined
      must(await this.step(), 'something waits for ever: no turn and no timer is left, and its promise is open')
    }
    const settled = outcome as { value: T } | { error: unknown }
    if ('error' in settled) throw settled.error
    return settled
  }
}

/** Counts what kind of start this was. */
export function countRecovery(machine: Machine, report: RecoveryReport): void {
  machine.count(report.clean ? 'start: after a clean stop' : 'start: after a crash')
  if (report.tornBytes > 0) machine.count('start: torn tail dropped')
  if (report.replayedRecords > 0) machine.count('start: records replayed')
  if (report.repaired.length > 0) machine.count('start: repaired')
}
