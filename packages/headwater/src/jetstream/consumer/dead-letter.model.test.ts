/**
 * A model checker for dead letters: the real state machine (settlement.ts) over a simulated journal, driven through every
 * interleaving of what can happen, with the invariant looked at after every step, on what is in memory and on what a crash
 * at that moment would leave:
 *
 *   every message that the consumer was given is in exactly one of
 *   pending, held, letter stored and settled, acknowledged (or removed from the stream); never in none, never in two,
 *
 * and none is left pending once its deliveries are used up and the last one has ended (rules 1 and 2).
 *
 * States that differ only in absolute times and consumer sequences are one state, so the search ends by itself: what it
 * says holds for histories of any length over these messages, not to a depth.
 */
import { describe, expect, it } from 'vitest'
import { ConsumerProgress, type ProgressSnapshot } from '../../store/consumer-progress.ts'
import { type LetterOutcome, Settlement, type SettlementPorts } from './settlement.ts'

type Place = 'ok' | 'full' | 'absent' | 'no interest'
const PLACES: readonly Place[] = ['ok', 'full', 'absent', 'no interest']
const ACK_WAIT_MS = 10
const NAK_DELAY_MS = 5

interface Variant {
  readonly messages: number
  /** A memory stream whose letters go to a file stream (rule 6). */
  readonly memorySource: boolean
  /** Messages must be read from disk before their letters can be composed. */
  readonly cold: boolean
  /** Without +WPI and naks with a delay, which the variants with one message cover: keeps the search short. */
  readonly brief?: boolean
  /** Dead letters may be switched off and on: what is given up meanwhile goes NATS's way. */
  readonly toggle?: boolean
  /** What max_deliver may be changed to and back. */
  readonly maxDeliver: readonly [number, number]
  readonly places: readonly Place[]
}

/** What survives: progress, letters written per message, and who else settled a message (`acked`, `removed`). */
interface Disk {
  progress: ProgressSnapshot
  letters: number[]
  settledBy: string[]
}

/** Everything that a state is. `disk` is what the last synced frame left. */
interface State {
  memory: Disk
  disk: Disk
  ready: number[]
  lettering: number[]
  loading: number[]
  place: Place
  maxDeliver: number
  lettersOn: boolean
  nowMs: number
  gone: boolean[]
}

/** One state brought to life, to take one step. */
class World {
  readonly #variant: Variant
  readonly state: State
  readonly settlement: Settlement
  readonly progress: ConsumerProgress

  constructor(variant: Variant, from: State) {
    this.#variant = variant
    this.state = structuredCloneState(from)
    this.progress = ConsumerProgress.restore(this.state.memory.progress)
    this.settlement = new Settlement(this.progress, this.settings, this.#ports())
    for (const seq of this.state.ready) this.settlement.ready.add(seq)
    for (const seq of this.state.lettering) this.settlement.lettering.set(seq, { reason: 'max-deliver', detail: '' })
    for (const seq of this.state.loading) this.settlement.loading.set(seq, { reason: 'max-deliver', detail: '' })
  }

  get settings() {
    const { maxDeliver, lettersOn } = this.state
    const deadLetter = lettersOn ? { subject: 'dead', onMaxDeliver: true, onTerminated: true } : undefined
    return { ackPolicy: 'explicit' as const, ackWaitMs: ACK_WAIT_MS, backoffMs: [], maxDeliver, deadLetter }
  }

  /** The state after the step. */
  save(): State {
    const { state, settlement } = this
    state.memory.progress = this.progress.snapshot()
    state.ready = [...settlement.ready.values()]
    state.lettering = [...settlement.lettering.keys()]
    state.loading = [...settlement.loading.keys()]
    return state
  }

  #ports(): SettlementPorts {
    const { memory, gone } = this.state
    return {
      record: (event) => this.progress.apply(event),
      letter: (seq): LetterOutcome => {
        if (gone[seq]) return { refused: 'gone' }
        if (this.#variant.cold && !this.settlement.loading.has(-seq)) return 'loading'
        if (this.state.place !== 'ok') return { refused: this.state.place }
        memory.letters[seq]++
        return this.#variant.memorySource ? 'waiting' : 'stored'
      },
      settled: () => {},
      settledThrough: () => {},
      notify: () => {},
      schedule: () => {},
      cancel: () => {},
    }
  }

  /** A cold message was read: this time the letter can be composed. */
  load(seq: number): void {
    this.settlement.loading.set(-seq, { reason: 'max-deliver', detail: '' })
    this.settlement.letterLoaded(seq)
    this.settlement.loading.delete(-seq)
  }
}

type Step = [name: string, take: (world: World) => void]

/** Everything that may happen next. */
function stepsOf(variant: Variant, state: State): Step[] {
  const steps: Step[] = []
  const given = state.memory.progress.delivered[1]
  const sync = (world: World): void => {
    const { state: now } = world
    world.save()
    now.disk = cloneDisk(now.memory)
    for (const seq of now.lettering) world.settlement.letterReadable(seq)
  }
  if (given < variant.messages) {
    steps.push([`deliver ${given + 1}`, (w) => w.settlement.delivered(given + 1, seqOf(w), 1, w.state.nowMs, 'later')])
  }
  for (const seq of state.ready) {
    steps.push([
      `deliver ${seq} again`,
      (w) => {
        if (w.settlement.nextReady() === 0) return
        const before = w.progress.pending.get(seq)
        if (before && w.settlement.ready.has(seq)) {
          w.settlement.delivered(seq, seqOf(w), before.deliveries + 1, w.state.nowMs, 'now')
        }
      },
    ])
  }
  for (let seq = 1; seq <= given; seq++) {
    steps.push([
      `ack ${seq}`,
      (w) => {
        if (w.settlement.ack(seq, 'now')) w.state.memory.settledBy[seq] = 'acked'
      },
    ])
    steps.push([`nak ${seq}`, (w) => w.settlement.nak(seq, undefined, w.state.nowMs)])
    if (!variant.brief) {
      steps.push([`nak ${seq} with delay`, (w) => w.settlement.nak(seq, NAK_DELAY_MS, w.state.nowMs)])
      steps.push([`progress ${seq}`, (w) => w.settlement.inProgress(seq, w.state.nowMs)])
    }
    steps.push([
      `term ${seq}`,
      (w) => {
        if (w.settlement.terminate(seq, 1, 1, 'bad') && !w.state.lettersOn) w.state.memory.settledBy[seq] = 'terminated'
      },
    ])
    if (!state.gone[seq]) {
      steps.push([
        `remove ${seq}`,
        (w) => {
          w.state.gone[seq] = true
          const wasExhausted = w.progress.exhausted.has(seq)
          if (w.settlement.removed(seq) || wasExhausted) w.state.memory.settledBy[seq] = 'removed'
        },
      ])
    }
  }
  for (const seq of state.loading) {
    steps.push([`loaded ${seq}`, (w) => w.load(seq)])
    steps.push([`unreadable ${seq}`, (w) => w.settlement.letterFailed(seq, 'unreadable')])
  }
  const dueMs = Math.min(...state.memory.progress.pending.map(([, , , atMs]) => atMs + ACK_WAIT_MS))
  if (Number.isFinite(dueMs)) {
    steps.push([
      'time passes to the next deadline',
      (w) => {
        w.state.nowMs = Math.max(w.state.nowMs, dueMs)
        for (const seq of [...w.progress.pending.keys()]) w.settlement.expired(seq, w.state.nowMs)
      },
    ])
  }
  for (const place of variant.places) {
    if (place === state.place) continue
    steps.push([
      `target ${place}`,
      (w) => {
        w.state.place = place
        w.settlement.retryHeld()
      },
    ])
  }
  const other = variant.maxDeliver[state.maxDeliver === variant.maxDeliver[0] ? 1 : 0]
  steps.push([
    `max_deliver ${other}`,
    (w) => {
      w.state.maxDeliver = other
      w.settlement.judge(w.settings, w.state.nowMs)
    },
  ])
  if (variant.toggle) {
    steps.push([
      `dead letters ${state.lettersOn ? 'off' : 'on'}`,
      (w) => {
        w.state.lettersOn = !w.state.lettersOn
        w.settlement.judge(w.settings, w.state.nowMs)
      },
    ])
  }
  steps.push(['sync', sync])
  if (variant.memorySource) {
    steps.push([
      'failed sync',
      (w) => {
        w.save()
        w.state.memory.letters = [...w.state.disk.letters]
        for (const seq of w.state.lettering) w.settlement.letterFailed(seq, 'the store failed')
      },
    ])
  } else {
    // A crash, and a failed sync: nothing of the open frame is there after the restart.
    steps.push(['crash and restart', restart])
  }
  return steps
}

function restart(world: World): void {
  const { state } = world
  state.memory = cloneDisk(state.disk)
  state.ready = []
  state.lettering = []
  state.loading = []
  // The stream's removals are in the same frames: what is gone on disk is what the progress says of it.
  for (let seq = 1; seq < state.gone.length; seq++) state.gone[seq] = state.memory.settledBy[seq] === 'removed'
}

function seqOf(world: World): number {
  return world.progress.delivered.consumerSeq + 1
}

/** A pending message that should have been given up; undefined when there is none. */
function stuck(state: State): string | undefined {
  if (!state.lettersOn) return undefined
  for (const [seq, , deliveries, atMs] of state.memory.progress.pending) {
    const ended = state.ready.includes(seq) || atMs + ACK_WAIT_MS <= state.nowMs
    const underWay = state.lettering.includes(seq) || state.loading.includes(seq)
    if (ended && deliveries >= state.maxDeliver && !underWay) return `message ${seq} is used up and still pending`
  }
  return undefined
}

/** What is wrong with this view of the world; undefined when nothing is. */
function broken(view: Disk, lettering: readonly number[], toggle: boolean): string | undefined {
  const pending = new Set(view.progress.pending.map(([seq]) => seq))
  const held = new Set(view.progress.held.map(([seq]) => seq))
  const exhausted = new Set(view.progress.exhausted.map(([seq]) => seq))
  if (exhausted.size > 0 && !toggle) return 'a message is exhausted without a letter'
  for (let seq = 1; seq <= view.progress.delivered[1]; seq++) {
    const places = [
      pending.has(seq) && 'pending',
      held.has(seq) && 'held',
      exhausted.has(seq) && 'exhausted',
      // A letter that is not on disk yet leaves its message pending (memory source): it counts when it is.
      view.letters[seq] > 0 && !lettering.includes(seq) && 'lettered',
      view.settledBy[seq] !== '' && view.settledBy[seq],
    ].filter(Boolean)
    if (places.length !== 1) return `message ${seq} is in [${places.join(', ')}]`
    if (view.letters[seq] > 1) return `message ${seq} has ${view.letters[seq]} letters`
    if (view.progress.ackFloor[1] >= seq && (pending.has(seq) || held.has(seq))) return `the floor passed ${seq}`
  }
  return undefined
}

/** A state without what does not matter for the future: absolute times, consumer sequences. */
function keyOf(state: State): string {
  const view = ({ progress, letters, settledBy }: Disk): unknown => [
    progress.delivered[1],
    progress.ackFloor[1],
    progress.pending.map(([seq, , n, atMs]) => [seq, n, Math.max(-ACK_WAIT_MS, atMs - state.nowMs)]),
    progress.held.map(([seq, , , reason]) => [seq, reason]),
    progress.exhausted.map(([seq]) => seq),
    letters,
    settledBy,
  ]
  const { ready, lettering, loading, place, maxDeliver, lettersOn, gone } = state
  const rest = [ready, lettering, loading, place, maxDeliver, lettersOn, gone]
  return JSON.stringify([view(state.memory), view(state.disk), rest])
}

function structuredCloneState(state: State): State {
  return {
    ...state,
    memory: cloneDisk(state.memory),
    disk: state.disk,
    gone: [...state.gone],
  }
}

function cloneDisk({ progress, letters, settledBy }: Disk): Disk {
  return { progress, letters: [...letters], settledBy: [...settledBy] }
}

/** Searches all reachable states; the number of states, or the shortest history that breaks the invariant. */
function explore(variant: Variant): { states: number; steps: number; history?: string[] } {
  const empty: Disk = {
    progress: new ConsumerProgress().snapshot(),
    letters: new Array(variant.messages + 1).fill(0),
    settledBy: new Array(variant.messages + 1).fill(''),
  }
  const first: State = {
    memory: empty,
    disk: empty,
    ready: [],
    lettering: [],
    loading: [],
    place: 'ok',
    maxDeliver: variant.maxDeliver[0],
    lettersOn: true,
    nowMs: 1000,
    gone: new Array(variant.messages + 1).fill(false),
  }
  const seen = new Set([keyOf(first)])
  let edge: { state: State; history: string[] }[] = [{ state: first, history: [] }]
  let steps = 0
  while (edge.length > 0) {
    const next: typeof edge = []
    for (const { state, history } of edge) {
      for (const [name, take] of stepsOf(variant, state)) {
        steps++
        let world = new World(variant, state)
        take(world)
        if (take === restart) {
          world = new World(variant, world.state)
          world.settlement.judge(world.settings, world.state.nowMs)
        }
        const after = world.save()
        const wrong =
          broken(after.memory, after.lettering, variant.toggle === true) ??
          (variant.memorySource ? undefined : broken(after.disk, [], variant.toggle === true)) ??
          stuck(after)
        if (wrong !== undefined) return { states: seen.size, steps, history: [...history, name, wrong] }
        const key = keyOf(after)
        if (seen.has(key)) continue
        seen.add(key)
        next.push({ state: after, history: [...history, name] })
      }
    }
    edge = next
  }
  return { states: seen.size, steps }
}

describe('dead letters, all interleavings', () => {
  it.each<[string, Variant]>([
    [
      'one message, every state of the target',
      { messages: 1, memorySource: false, cold: false, maxDeliver: [2, 1], places: PLACES },
    ],
    [
      'one message, three deliveries',
      { messages: 1, memorySource: false, cold: false, maxDeliver: [3, 2], places: ['ok', 'full'] },
    ],
    [
      'a message that must be read from disk first',
      { messages: 1, memorySource: false, cold: true, maxDeliver: [2, 1], places: ['ok', 'full'] },
    ],
    [
      'a memory stream whose letters go to a file stream',
      { messages: 1, memorySource: true, cold: false, maxDeliver: [2, 1], places: ['ok', 'full'] },
    ],
    [
      'one message, dead letters switched off and on',
      { messages: 1, memorySource: false, cold: false, toggle: true, maxDeliver: [2, 1], places: ['ok', 'full'] },
    ],
    [
      'two messages',
      { messages: 2, brief: true, memorySource: false, cold: false, maxDeliver: [1, 2], places: ['ok', 'full'] },
    ],
  ])(
    '%s',
    (name, variant) => {
      const { states, steps, history } = explore(variant)
      expect(history?.join(' -> ')).toBeUndefined()
      console.info(`dead letters, ${name}: ${states} states, ${steps} steps, all`)
      expect(states).toBeGreaterThan(100)
    },
    60_000,
  )
})
