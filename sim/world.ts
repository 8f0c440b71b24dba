/**
 * One seed of the whole engine: store and jetstream on the simulated disk, clock and bus, with clients that do what the seed
 * says, crashes at any moment, and checkers that hold the engine to everything it told.
 */
import { silentLogger } from '../packages/headwater/src/base/log.ts'
import { SeededRandom } from '../packages/headwater/src/base/testing/seeded-random.ts'
import type { Crash } from '../packages/headwater/src/base/testing/sim-disk.ts'
import { JetStream } from '../packages/headwater/src/jetstream/jetstream.ts'
import { openFileStore } from '../packages/headwater/src/store/file-store.ts'
import type { Store } from '../packages/headwater/src/store/store.ts'
import { type Sent, SimBus } from './bus.ts'
import { checkAccounting } from './checkers/accounting.ts'
import { checkAllDelivered } from './checkers/all-delivered.ts'
import { contentsOf, type StreamContents } from './checkers/contents.ts'
import { checkDeadLetters } from './checkers/dead-letters.ts'
import { checkDurability } from './checkers/durability.ts'
import { checkInactive } from './checkers/inactive.ts'
import { checkOrder } from './checkers/order.ts'
import { ackTokenOf, checkDelivery } from './checkers/redelivery.ts'
import { checkRetention } from './checkers/retention.ts'
import { Clients } from './client.ts'
import { Consuming } from './consume.ts'
import { extrasOf, happens, type RunOptions, type Swarm, swarm } from './faults.ts'
import { countRecovery, Machine, type Process } from './machine.ts'
import { Model } from './model.ts'
import { rotTrials } from './rot.ts'
import { must, type Trace } from './trace.ts'
import { Workload } from './workload.ts'

const UNLIMITED = {
  maxMemoryBytes: -1,
  maxStorageBytes: -1,
  maxStreams: -1,
  maxConsumers: -1,
  maxPayloadBytes: 1 << 20,
}

/** Runs a seed of the whole engine. Throws a Violation. */
export async function runEngineSeed(seed: number, trace: Trace, options: RunOptions = {}): Promise<void> {
  const random = new SeededRandom(seed)
  const drawn = swarm(random, extrasOf(seed, options), options.without)
  await new World(random, trace, drawn).run(options.steps ?? 200)
}

interface Engine {
  readonly store: Store
  readonly jetstream: JetStream
}

class World {
  readonly #random: SeededRandom
  readonly #machine: Machine
  readonly #swarm: Swarm
  readonly #model: Model
  readonly #bus: SimBus
  readonly #clients: Clients
  readonly #consuming: Consuming
  readonly #workload: Workload
  #engine!: Engine
  /** Thrown inside a handler of the bus, where nobody would hear it. */
  #violation: unknown

  constructor(random: SeededRandom, trace: Trace, drawn: Swarm) {
    this.#random = random
    this.#swarm = drawn
    this.#machine = new Machine(random.fork(), trace, this.#swarm.disk)
    this.#model = new Model(() => this.#machine.clock.now())
    this.#bus = new SimBus(random.fork())
    this.#bus.onSent = (message) => this.#sent(message)
    this.#clients = new Clients(this.#bus)
    const note = (text: string): void => this.#machine.note(text)
    const count = (what: string): void => this.#machine.count(what)
    this.#consuming = new Consuming(random.fork(), this.#swarm, this.#model, this.#clients, note, count)
    const world = { model: this.#model, clients: this.#clients, consuming: this.#consuming, note, count }
    this.#workload = new Workload(random.fork(), this.#swarm, world)
    this.#workload.poisoned = () => this.#engine.store.poisoned !== undefined
    this.#workload.lastSeqOf = (name) => this.#engine.jetstream.stream(name)?.log.state.lastSeq ?? 0
  }

  async run(steps: number): Promise<void> {
    await this.#start('power')
    for (let step = 0; step < steps; step++) {
      this.#machine.trace.step = step
      await this.#step()
      if (this.#random.chance(this.#swarm.crash)) await this.#restart()
      else if (this.#random.chance(0.01)) await this.#audit()
    }
    await this.#audit()
    await this.#restart('close')
    await this.#drain()
    await this.#audit()
    await this.#restart(this.#swarm.sync === 'always' ? 'power' : 'kill')
    await this.#audit()
    if (this.#swarm.extras.rot === 0) return
    this.#machine.crash('power')
    const { journalBytes, segmentBytes, extras } = this.#swarm
    const bus = new SimBus(this.#random.fork())
    const also = async ({ clock, turn }: Process, store: Store): Promise<void> => {
      const world = { bus: bus.attach(), random: this.#random.fork(), serverName: 'sim', limits: UNLIMITED }
      const jetstream = JetStream.open({ ...world, clock, realClock: clock, turn, log: silentLogger }, store)
      await jetstream.ready
      jetstream.close()
    }
    const random = this.#random.fork()
    await rotTrials({ machine: this.#machine, random, trials: extras.rot, journalBytes, segmentBytes, also })
  }

  /** What clients do in a turn, the end of the turn, and a little time. */
  async #step(): Promise<void> {
    const random = this.#random
    if (this.#engine.store.poisoned) {
      this.#machine.note(`poisoned: ${this.#engine.store.poisoned.message}`)
      this.#machine.count('store: poisoned')
      await this.#restart()
      return
    }
    if (random.chance(this.#swarm.diskFailure)) {
      const kind = random.pick(['write', 'sync', 'short'] as const)
      this.#machine.note(`fault: next ${kind}`)
      this.#machine.count(`fault: ${kind} planned`)
      this.#machine.disk.failNext(kind)
    }
    if (happens(random, this.#swarm.extras.fullDisk)) {
      if (this.#machine.isDiskFull) await this.#freeDisk()
      else {
        this.#machine.fillDisk(random.pick([0, 100, 5_000, 40_000]))
        this.#model.stalledUntilMs = Number.POSITIVE_INFINITY
      }
    }
    for (let n = random.below(4); n > 0; n--) this.#workload.act()
    await this.#machine.endTurn()
    this.#bus.deliver()
    this.#heard()
    const patience = random.pick([0, 0, 1, 3, 10, 30])
    for (let n = 0; n < patience; n++) if (!(await this.#machine.step(random.pick([5, 100])))) break
    if (random.chance(0.02)) await this.#machine.elapse(random.between(100, 15_000))
    this.#bus.deliver()
    this.#heard()
  }

  #makeRoom(): void {
    if (!this.#machine.isDiskFull) return
    this.#machine.freeDisk()
    this.#model.stalledUntilMs = this.#machine.clock.now() + 7_000
  }

  /** Room again: the store must see it, and take messages again. */
  async #freeDisk(): Promise<void> {
    if (!this.#machine.isDiskFull) return
    this.#makeRoom()
    await this.#machine.elapse(7_000)
    this.#heard()
    must(
      this.#engine.store.poisoned || !this.#engine.store.full,
      'the disk has room, and the store still takes it for full',
    )
  }

  /** Everything that the engine sends passes here. */
  #sent(message: Sent): void {
    const token = ackTokenOf(message.reply)
    if (!token) return
    try {
      const stream = this.#model.streams.get(token.stream)
      const consumer = stream?.consumers.get(token.consumer)
      must(stream && consumer, `a delivery from ${token.stream}/${token.consumer}, which nobody asked for`)
      const { deliveries, streamSeq, consumerSeq } = token
      this.#machine.note(`${stream.name}/${consumer.name} delivers ${streamSeq} (${consumerSeq}, ${deliveries})`)
      const { subject, payload, headers } = message
      const { push, group } = { push: consumer.config.deliver_subject, group: consumer.config.deliver_group }
      this.#machine.count(`delivered: ${push ? (group ? 'push, group' : 'push') : 'pull'}`)
      if (deliveries > 1) this.#machine.count('delivered: again')
      checkDelivery(this.#model, stream, consumer, token, { subject, body: payload, headers })
    } catch (error) {
      this.#violation ??= error
    }
  }

  #heard(): void {
    if (this.#violation) throw this.#violation
  }

  /** Lets what is under way come to rest: nothing on its way, nobody without an answer. */
  async #quiet(): Promise<void> {
    for (let round = 0; round < 200; round++) {
      const delivered = this.#bus.deliver(true)
      this.#heard()
      await this.#machine.elapse(round < 5 ? 20 : 100)
      if (this.#engine.store.poisoned) return
      if (delivered === 0 && this.#clients.open === 0 && round > 2) return
    }
    must(this.#clients.open === 0, () => `never answered: ${this.#clients.unanswered()}`)
  }

  /** Holds the engine to what it told, in a quiet moment. */
  async #audit(): Promise<void> {
    await this.#freeDisk()
    await this.#quiet()
    if (this.#engine.store.poisoned) return
    this.#machine.note('audit')
    this.#machine.count('audit')
    const contents = await this.#contents()
    this.#promises(contents)
    checkRetention(this.#model, contents)
    checkAccounting(this.#model, contents, this.#clients)
    checkInactive(this.#model, contents)
    await this.#quiet()
  }

  /** What must be true at any time at which all is readable. */
  #promises(contents: Map<string, StreamContents>): void {
    // First the letters: one is a reason for its original to be gone.
    checkDeadLetters(this.#model, contents)
    checkDurability(this.#model, contents)
    checkOrder(this.#model, contents)
  }

  async #contents(): Promise<Map<string, StreamContents>> {
    const read = await this.#machine.until(contentsOf(this.#engine.store))
    return read?.value ?? new Map()
  }

  async #restart(how?: Crash | 'close'): Promise<void> {
    const random = this.#random
    const wish = how ?? random.pick(['close', 'kill', 'power'] as const)
    // Without syncs a power cut may take what was told; that is what these modes say.
    const crash: Crash = wish === 'power' && this.#swarm.sync === 'always' ? 'power' : 'kill'
    if (wish === 'close') {
      this.#makeRoom()
      this.#machine.note('close')
      const { jetstream, store } = this.#engine
      jetstream.close()
      const closing = store.close()
      closing.catch(() => {})
      await this.#machine.until(closing, random.chance(0.8) ? undefined : random.below(30))
    }
    this.#machine.crash(crash)
    this.#bus.crash()
    this.#clients.crash()
    this.#heard()
    await this.#start(crash)
    if (how === undefined && happens(random, this.#swarm.extras.crashAgain)) {
      this.#machine.count('crash: again at once')
      await this.#restart()
    }
  }

  /** Opens the engine, crashing on the way at times, and looks at what came back. */
  async #start(crash: Crash): Promise<void> {
    const random = this.#random
    if (happens(random, this.#swarm.extras.hoursDown)) {
      this.#machine.count('clock: hours while down')
      await this.#machine.elapse(random.between(1, 20) * 3_600_000)
    }
    for (;;) {
      this.#model.life++
      const opened = await this.#machine
        .until(this.#open(), random.chance(0.15) ? random.below(80) : undefined)
        .catch((error: { code?: string }) => {
          if (!this.#machine.isDiskFull || error.code !== 'HW_DISK_FULL') throw error
          this.#machine.count('start: refused, the disk is full')
          this.#makeRoom()
          return undefined
        })
      if (opened) {
        this.#engine = opened.value
        break
      }
      this.#machine.count('crash: during recovery')
      this.#machine.crash(crash)
      this.#bus.crash()
    }
    this.#machine.isServing = true
    const { recovery } = this.#engine.store
    countRecovery(this.#machine, recovery)
    must(recovery.damage.length === 0, () => `damage without rot: ${recovery.damage.join('; ')}`)
    this.#machine.note(`opened: ${recovery.streams} streams, ${recovery.messages} messages`)
    const contents = await this.#contents()
    this.#noteProgress(contents)
    this.#resolve(contents)
    this.#promises(contents)
  }

  async #open(): Promise<Engine> {
    const { fs, clock, turn } = this.#machine.boot()
    const { sync, journalBytes, segmentBytes } = this.#swarm
    const shared = { clock, realClock: clock, turn, log: silentLogger }
    const store = await openFileStore({
      ...shared,
      folder: '/data',
      sync,
      fs,
      journalBytes,
      segmentBytes,
      openBytesMax: 200_000,
    })
    const env = {
      ...shared,
      bus: this.#bus.attach(),
      random: this.#random.fork(),
      serverName: 'sim',
      limits: UNLIMITED,
    }
    const jetstream = JetStream.open(env, store)
    await jetstream.ready
    return { store, jetstream }
  }

  #noteProgress(contents: Map<string, StreamContents>): void {
    for (const { name, lastSeq, messages, progress } of contents.values()) {
      this.#machine.note(`  ${name}: ${messages.size} messages, last ${lastSeq}`)
      for (const [consumer, { delivered, ackFloor, pending, held, exhausted }] of progress) {
        const sets = [pending, held, exhausted].map((set) => `[${[...set.keys()]}]`)
        this.#machine.note(
          `  ${name}/${consumer}: at ${delivered.streamSeq} (${delivered.consumerSeq}), floor ${ackFloor.streamSeq}, pending ${sets[0]} held ${sets[1]} exhausted ${sets[2]}`,
        )
      }
    }
  }

  /** What was asked for and never answered is there or not; now it shows. Memory streams are gone. */
  #resolve(contents: Map<string, StreamContents>): void {
    for (const stream of this.#model.streams.values()) {
      const found = contents.get(stream.name)
      if (stream.config.storage === 'memory' && !found) stream.existence = 'gone'
      if (stream.existence === 'asked' || stream.existence === 'leaving') stream.existence = found ? 'there' : 'gone'
      for (const consumer of stream.consumers.values()) {
        const there = found?.progress.has(consumer.name)
        if (stream.existence === 'gone') consumer.existence = 'gone'
        consumer.usedAtMs = this.#machine.clock.now()
        if (consumer.existence !== 'asked' && consumer.existence !== 'leaving') continue
        consumer.existence = there ? 'there' : 'gone'
        if (there) this.#consuming.connect(stream, consumer)
      }
    }
  }

  /** With polite clients every message finds its end: delivered, and acknowledged or a letter. */
  async #drain(): Promise<void> {
    this.#machine.note('drain')
    this.#consuming.polite = true
    const open = (): string[] =>
      this.#consumers().flatMap(({ name, pending, left }) =>
        pending + left > 0 ? [`${name}: ${left} left, ${pending} unsettled`] : [],
      )
    // Patience counts rounds without any progress: some consumers hand out three at a time.
    let before = ''
    for (let patience = 0; patience < 60; patience++) {
      for (const { stream, consumer } of this.#consumers()) {
        this.#consuming.connect(stream, consumer)
        this.#consuming.pull(stream, consumer)
      }
      await this.#machine.elapse(patience < 5 ? 10 : 1000)
      this.#bus.deliver(true)
      this.#heard()
      if (this.#engine.store.poisoned) return
      const now = open().join('; ')
      if (now === '') break
      if (now !== before) patience = 0
      before = now
    }
    must(open().length === 0, () => `some consumers never come to the end of their stream: ${open().join('; ')}`)
    await this.#quiet()
    checkAllDelivered(this.#model, await this.#contents())
  }

  /** Consumers that somebody still hears of, and what they have before them. */
  #consumers() {
    return [...this.#model.streams.values()].flatMap((stream) =>
      [...stream.consumers.values()].flatMap((consumer) => {
        const log = this.#engine.jetstream.stream(stream.name)?.log
        const found = log?.consumers().find((one) => one.config.includes(`"name":"${consumer.name}"`))
        if (!log || !found || consumer.existence !== 'there') return []
        const { progress } = found
        const filter = consumer.config.filter_subject ? log.filter([consumer.config.filter_subject]) : undefined
        const left = log.countFrom(progress.delivered.streamSeq + 1, filter)
        filter?.close()
        const unsettled = consumer.config.ack_policy === 'none' ? 0 : progress.pending.size
        return [{ stream, consumer, name: `${stream.name}/${consumer.name}`, pending: unsettled, left }]
      }),
    )
  }
}
