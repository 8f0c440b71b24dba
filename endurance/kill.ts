/**
 * The kill run: SIGKILL every few seconds under mixed load, on one data folder. `cut` is called between a kill and the next
 * start: nothing for a plain kill, the loss of what was not synced for a power cut.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { checkConsumer, checkStream, checkWork, spotCheck } from './check.ts'
import { ConsumerLedger, StreamLedger } from './ledger.ts'
import { Random } from './random.ts'
import { Administrator, PURGED_LANE, PURGED_SUBJECT } from './roles/administer.ts'
import { consumePull, consumePush, consumeQueue, fetchPull, OrderedReader, settle } from './roles/consume.ts'
import { KeyValueWriter } from './roles/key-value.ts'
import { publishLane, publishToMemory } from './roles/publish.ts'
import { worker } from './roles/work.ts'
import { Server } from './server.ts'
import { BOUNDED, BOUNDED_MESSAGES, INTEREST, LIMITS, setUp, WORK } from './setup.ts'
import { type Connected, type Counts, World } from './world.ts'

export interface KillOptions {
  readonly folder: string
  readonly minutes: number
  readonly seed: number
  readonly sync?: string
  readonly command?: string
  readonly env?: NodeJS.ProcessEnv
  readonly log: (line: string) => void
  /** What happens to the folder while nobody has it open. Returns a few words for the log. */
  readonly cut?: (random: Random) => string
  /** Ends the run after so many kills, whatever the time. */
  readonly killsMax?: number
  /** From one second to this between a start and the next kill; 5,000 when left out. */
  readonly pauseMsMax?: number
  /** Of the consumers; 8,000 when left out. */
  readonly ackWaitMs?: number
}

export interface KillResult {
  readonly counts: Counts & Record<string, number>
  readonly faults: readonly string[]
  readonly faultCount: number
  readonly lostCount: number
  readonly longestRestartMs: number
}

/** Runs, checks and resolves with what was counted and what was wrong. The server has ended by then. */
export async function runKills(options: KillOptions): Promise<KillResult> {
  const { folder, sync, command, env, log } = options
  const random = new Random(options.seed)
  const server = new Server({ folder, sync, command, env })
  await server.start()
  const world = new World(server.url, random)
  try {
    const load = new Load(world)
    await load.start(options.ackWaitMs ?? 8000)
    const endMs = performance.now() + options.minutes * 60_000
    let longestRestartMs = 0
    let saidMs = performance.now()
    let lastCut = ''
    while (performance.now() < endMs && world.counts.kills < (options.killsMax ?? Number.POSITIVE_INFINITY)) {
      await sleep(1000 + random.below((options.pauseMsMax ?? 5000) - 1000))
      if (!server.isRunning) throw new Error(`The server ended by itself:\n${server.output}`)
      const recent = load.recent()
      await server.kill()
      world.counts.kills += 1
      lastCut = options.cut?.(random) ?? ''
      await server.start()
      world.life += 1
      longestRestartMs = Math.max(longestRestartMs, server.startedMs)
      load.spotCheck(recent)
      if (performance.now() - saidMs >= 10_000) {
        saidMs = performance.now()
        const { acknowledged, kills, deliveries } = world.counts
        log(
          `${kills} kills, ${acknowledged} acknowledged, ${deliveries} delivered, start ${server.startedMs.toFixed(0)} ms${lastCut && `, cut: ${lastCut}`}, ${world.faultCount} faults`,
        )
      }
      if (world.lostCount > 10_000 || world.isHopeless) break
    }
    log('the load ends; what is left is consumed, then everything is checked')
    await load.finish()
    return {
      counts: { ...world.counts, ...load.sizes() },
      faults: world.faults,
      faultCount: world.faultCount,
      lostCount: world.lostCount,
      longestRestartMs,
    }
  } catch (error) {
    for (const fault of world.faults.slice(0, 20)) log(fault)
    throw error
  } finally {
    world.stopping = true
    world.drained = true
    await world.closeAll()
    await server.kill()
  }
}

const CONSUMERS: readonly (readonly [stream: string, consumer: string])[] = [
  [LIMITS, 'pull'],
  [LIMITS, 'push'],
  [INTEREST, 'fetch'],
  [INTEREST, 'queue'],
  [WORK, 'letters'],
  [WORK, 'plain'],
]

/** Every role, and what each was promised. */
class Load {
  readonly #world: World
  readonly #limits: StreamLedger
  readonly #bounded: StreamLedger
  readonly #interest: StreamLedger
  readonly #work: StreamLedger
  readonly #consumers: Record<'pull' | 'push' | 'fetch' | 'queue' | 'letters' | 'plain', ConsumerLedger>
  readonly #ordered: OrderedReader
  readonly #administrator: Administrator
  readonly #writers: KeyValueWriter[] = []
  readonly #publishing: Promise<unknown>[] = []
  readonly #consuming: Promise<unknown>[] = []
  readonly #checks: Promise<unknown>[] = []
  #judge: Connected | undefined
  #sizes: Record<string, number> = {}
  #memoryAcknowledged = 0

  constructor(world: World) {
    this.#world = world
    this.#limits = new StreamLedger(world, LIMITS)
    this.#bounded = new StreamLedger(world, BOUNDED)
    this.#interest = new StreamLedger(world, INTEREST)
    this.#work = new StreamLedger(world, WORK)
    this.#consumers = {
      pull: new ConsumerLedger(world, this.#limits, 'pull'),
      push: new ConsumerLedger(world, this.#limits, 'push'),
      fetch: new ConsumerLedger(world, this.#interest, 'fetch'),
      queue: new ConsumerLedger(world, this.#interest, 'queue'),
      letters: new ConsumerLedger(world, this.#work, 'letters'),
      plain: new ConsumerLedger(world, this.#work, 'plain'),
    }
    this.#ordered = new OrderedReader(world, this.#limits)
    this.#administrator = new Administrator(world, this.#limits)
  }

  async start(ackWaitMs: number): Promise<void> {
    const world = this.#world
    const judge = await world.connect()
    this.#judge = judge
    await setUp(judge, ackWaitMs)
    const { pull, push, fetch, queue, letters, plain } = this.#consumers
    const [first, second, third] = [await world.connect(), await world.connect(), await world.connect()]
    const [old, other] = [await world.connectOld(), await world.connectOld()]
    this.#consuming.push(
      consumePull(world, first.js, LIMITS, 'pull', (message) => settle(pull, message)),
      consumePush(world, second.js, LIMITS, 'push', (message) => settle(push, message)),
      fetchPull(world, third.js, INTEREST, 'fetch', (message) => settle(fetch, message)),
      consumeQueue(world, old, INTEREST, 'queue', (message) => settle(queue, message)),
      consumeQueue(world, other, INTEREST, 'queue', (message) => settle(queue, message)),
      consumePull(world, third.js, WORK, 'letters', worker(world, letters, true)),
      consumePull(world, second.js, WORK, 'plain', worker(world, plain, false)),
      this.#ordered.run(await world.connectOld()),
    )
    await this.#publish(this.#limits, 12, (index) => ({
      name: `limits${index % 2}:${index}`,
      subject: `endure.limits.${index % 2}`,
      withId: true,
    }))
    await this.#publish(this.#limits, 4, (index) => ({
      name: `bare:${index}`,
      subject: 'endure.limits.bare',
      withId: false,
    }))
    await this.#publish(this.#limits, 1, () => ({
      name: PURGED_LANE,
      subject: PURGED_SUBJECT,
      withId: true,
      pauseMs: 5,
    }))
    await this.#publish(this.#bounded, 4, (index) => ({
      name: `bounded:${index}`,
      subject: 'endure.bounded',
      withId: true,
    }))
    await this.#publish(this.#interest, 6, (index) => ({
      name: `interest:${index}`,
      subject: 'endure.interest',
      withId: true,
    }))
    await this.#publish(this.#work, 8, (index) => {
      const kind = index % 2 === 0 ? 'letters' : 'plain'
      return { name: `${kind}:${index}`, subject: `endure.work.${kind}`, withId: true }
    })
    for (let index = 0; index < 4; index++) {
      const writer = new KeyValueWriter(world, `writer${index}`, 10)
      this.#writers.push(writer)
      this.#publishing.push(writer.run(await world.connect()))
    }
    const administrator = await world.connect()
    this.#publishing.push(this.#administrator.run(administrator.jsm))
    this.#publishing.push(
      publishToMemory(world, administrator.js, 'endure.memory').then((count) => (this.#memoryAcknowledged = count)),
    )
  }

  async #publish(
    ledger: StreamLedger,
    lanes: number,
    lane: (index: number) => Parameters<typeof publishLane>[3],
  ): Promise<void> {
    const { js } = await this.#world.connect()
    for (let index = 0; index < lanes; index++) this.#publishing.push(publishLane(this.#world, js, ledger, lane(index)))
  }

  /** The sequences that were acknowledged last, in the stream that keeps everything. */
  recent(): number[] {
    return [...this.#limits.recent]
  }

  spotCheck(recent: number[]): void {
    this.#checks.push(spotCheck(this.#world, this.#judge as Connected, this.#limits, recent))
  }

  /** Ends the load, lets the consumers finish, and checks everything. */
  async finish(): Promise<void> {
    const world = this.#world
    world.stopping = true
    await Promise.all(this.#checks)
    if (world.isHopeless) return
    const isStill = await Promise.race([Promise.all(this.#publishing).then(() => false), sleep(60_000, true)])
    if (isStill) {
      world.fault('LOST: publishers were not answered for a minute')
      return
    }
    for (const [stream, consumer] of CONSUMERS) await this.#drain(stream, consumer)
    world.drained = true
    await Promise.all(this.#consuming)
    const judge = this.#judge as Connected
    const { pull, push, fetch, queue, letters, plain } = this.#consumers
    this.#sizes = {
      'messages kept (limits)': await checkStream(world, judge, this.#limits),
      'messages kept (bounded)': await checkStream(world, judge, this.#bounded, BOUNDED_MESSAGES),
      'acknowledged (interest)': this.#interest.size,
      'acknowledged (work queue)': this.#work.size,
      'acknowledged (memory)': this.#memoryAcknowledged,
    }
    const { state } = await judge.jsm.streams.info(INTEREST)
    if (state.messages !== 0) world.fault(`${INTEREST}: ${state.messages} messages are left that everyone acknowledged`)
    checkConsumer(world, this.#limits, pull.seen, 'pull')
    checkConsumer(world, this.#limits, push.seen, 'push', 'limits0')
    checkConsumer(world, this.#limits, this.#ordered.seen, 'the ordered reader')
    checkConsumer(world, this.#interest, fetch.seen, 'fetch')
    checkConsumer(world, this.#interest, queue.seen, 'queue')
    await checkWork(world, judge, this.#work, { letters, plain })
    await this.#administrator.verify(judge.jsm)
    for (const writer of this.#writers) await writer.verify()
  }

  sizes(): Record<string, number> {
    return this.#sizes
  }

  async #drain(stream: string, consumer: string): Promise<void> {
    const { jsm } = this.#judge as Connected
    let last = ''
    for (let quiet = 0; quiet < 60; ) {
      const info = await this.#world.untilAnswered(() => jsm.consumers.info(stream, consumer))
      if (info.num_pending === 0 && info.num_ack_pending === 0) return
      const now = `${info.num_pending} pending, ${info.num_ack_pending} unacknowledged`
      quiet = now === last ? quiet + 1 : 0
      last = now
      await sleep(500)
    }
    this.#world.fault(`${stream}: ${consumer} stands still with ${last}`)
  }
}
