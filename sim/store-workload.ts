/** What happens to a store under a seed: every kind of change, with weights that the seed draws. */
import type { SeededRandom } from '../packages/headwater/src/base/testing/seeded-random.ts'
import { timeFromMs } from '../packages/headwater/src/base/time.ts'
import { ConsumerProgress, type ProgressEvent } from '../packages/headwater/src/store/consumer-progress.ts'
import type { Store } from '../packages/headwater/src/store/store.ts'
import {
  type ConsumerLog,
  FLAG_HEADERS,
  FLAG_MSG_ID,
  type StreamLog,
} from '../packages/headwater/src/store/stream-log.ts'
import { describeMessage, progressed, type StoreModel } from './store-model.ts'
import { must } from './trace.ts'

const ACTIONS = [
  'append',
  'burst',
  'large',
  'remove',
  'removeBelow',
  'skipTo',
  'progress',
  'createStream',
  'deleteStream',
  'configure',
  'createConsumer',
  'deleteConsumer',
] as const
type Action = (typeof ACTIONS)[number]

/** Everything that can be switched off; a store that is given nothing is no store. */
export const STORE_SWITCHES: readonly string[] = [
  'crash',
  'diskFailure',
  'slowSync',
  ...ACTIONS.filter((name) => !['append', 'createStream'].includes(name)),
]

/** Swarm testing: each seed favours some actions and leaves others out. */
export function storeWeights(random: SeededRandom): Record<Action, number> {
  const usual: Record<Action, number> = {
    append: 40,
    burst: 4,
    large: 1,
    remove: 8,
    removeBelow: 2,
    skipTo: 1,
    progress: 20,
    createStream: 2,
    deleteStream: 0.5,
    configure: 1,
    createConsumer: 1.5,
    deleteConsumer: 0.5,
  }
  for (const action of ACTIONS) usual[action] *= random.pick([0, 0.3, 1, 1, 3])
  usual.append = Math.max(usual.append, 10)
  usual.createStream = Math.max(usual.createStream, 0.5)
  return usual
}

export class StoreWorkload {
  readonly #random: SeededRandom
  readonly #weights: Record<Action, number>
  readonly #total: number
  readonly #model: StoreModel
  readonly #note: (text: string) => void
  /** By stream: the turn in which each sequence came to be, in this process. */
  #turns = new Map<number, Map<number, number>>()
  #counter = 0
  /**
   * Some seeds append the same number of equally long messages in nearly every turn, and change a configuration: then frames, and records in them, stand
   * where those of a journal file's former life stood, which only their positions and frames tell apart.
   */
  readonly #uniform: { count: number; bodyBytes: number } | undefined

  constructor(random: SeededRandom, weights: Record<Action, number>, model: StoreModel, note: (text: string) => void) {
    this.#random = random
    this.#weights = weights
    this.#total = ACTIONS.reduce((sum, action) => sum + weights[action], 0)
    this.#model = model
    this.#note = note
    const uniform = { count: random.pick([1, 2, 8]), bodyBytes: random.pick([40, 200, 1000]) }
    this.#uniform = random.chance(0.25) ? uniform : undefined
  }

  /** Whether its turns are to be frames of their own, so that they are equally long too. */
  get isUniform(): boolean {
    return this.#uniform !== undefined
  }

  /** The turn in which a sequence of this process's life was appended. */
  turnOf(stream: number, seq: number): number | undefined {
    return this.#turns.get(stream)?.get(seq)
  }

  /** A new process: what was appended before it is settled. */
  restarted(_store: Store): void {
    this.#turns = new Map()
  }

  /** Up to five changes. */
  act(store: Store): void {
    const [log] = store.streams()
    if (this.#uniform && log && this.#random.chance(0.98)) {
      for (let n = this.#uniform.count; n > 0; n--) this.#append(log, this.#uniform.bodyBytes)
      this.#configure(log)
      return
    }
    for (let left = this.#random.below(6); left > 0; left--) this.#one(store, this.#choose())
  }

  #choose(): Action {
    let left = this.#random.fraction() * this.#total
    for (const action of ACTIONS) if ((left -= this.#weights[action]) < 0) return action
    return 'append'
  }

  #one(store: Store, action: Action): void {
    const logs = store.streams().filter((log) => log.storage === 'file')
    if (action === 'createStream' || logs.length === 0) {
      if (logs.length < 5) this.#createStream(store)
      return
    }
    const log = this.#random.pick(logs)
    if (action === 'append') this.#append(log, this.#bodyBytes())
    else if (action === 'burst')
      for (let n = this.#random.below(30); n >= 0; n--) this.#append(log, this.#random.below(100))
    else if (action === 'large') this.#append(log, this.#random.between(2_000, 20_000))
    else if (action === 'remove') this.#remove(log)
    else if (action === 'removeBelow') this.#removeBelow(log)
    else if (action === 'skipTo') this.#skipTo(log)
    else if (action === 'configure') this.#configure(log)
    else if (action === 'deleteStream') this.#deleteStream(store, log)
    else if (action === 'createConsumer') this.#createConsumer(log)
    else if (log.consumers().length > 0) this.#toConsumer(action, log, this.#random.pick(log.consumers()))
  }

  /** Mostly small; some span sectors, so that a torn write leaves its head and loses its middle. */
  #bodyBytes(): number {
    return this.#random.chance(0.15) ? this.#random.between(500, 4_000) : this.#random.below(200)
  }

  #skipTo(log: StreamLog): void {
    const { id } = log
    const lastSeq = log.state.lastSeq + this.#random.below(3)
    this.#note(`skip ${id} to ${lastSeq}`)
    log.skipTo(lastSeq)
    this.#model.change((state) => {
      const stream = state.get(id)!
      stream.lastSeq = Math.max(stream.lastSeq, lastSeq)
    })
  }

  #configure(log: StreamLog): void {
    const { id } = log
    const config = `{"n":"${String(++this.#counter).padStart(6, '0')}"}`
    this.#note(`configure ${id} ${config}`)
    log.setConfig(config)
    this.#model.change((state) => {
      state.get(id)!.config = config
    })
  }

  #deleteStream(store: Store, log: StreamLog): void {
    const { id } = log
    this.#note(`delete stream ${id}`)
    store.deleteStream(log)
    this.#model.change((state) => state.delete(id))
    this.#turns.delete(id)
  }

  #createConsumer(log: StreamLog): void {
    if (log.consumers().length >= 4) return
    const { id } = log
    const config = `{"c":${++this.#counter}}`
    const name = log.createConsumer(config).id
    this.#note(`create consumer ${id}/${name}`)
    this.#model.change((state) => state.get(id)!.consumers.set(name, { config, progress: new ConsumerProgress() }))
  }

  #toConsumer(action: Action, log: StreamLog, consumer: ConsumerLog): void {
    if (action === 'progress') {
      for (let n = this.#random.below(6); n >= 0; n--) this.#progress(log, consumer)
      return
    }
    const stream = log.id
    const { id } = consumer
    if (this.#random.chance(0.5)) {
      const config = `{"c":${++this.#counter}}`
      this.#note(`configure consumer ${stream}/${id}`)
      consumer.setConfig(config)
      this.#model.change((state) => {
        state.get(stream)!.consumers.get(id)!.config = config
      })
    } else {
      this.#note(`delete consumer ${stream}/${id}`)
      log.deleteConsumer(consumer)
      this.#model.change((state) => state.get(stream)!.consumers.delete(id))
    }
  }

  #createStream(store: Store): void {
    const config = `{"s":${++this.#counter}}`
    const { id } = store.createStream({ storage: 'file', config })
    this.#note(`create stream ${id}`)
    must(!this.#model.current.has(id), `stream id ${id} is in use`)
    this.#model.change((state) => state.set(id, { config, lastSeq: 0, messages: new Map(), consumers: new Map() }))
  }

  #append(log: StreamLog, bodyBytes: number): void {
    const { id } = log
    const random = this.#random
    const subject = this.#uniform ? 's.0' : `s.${random.below(random.pick([2, 20]))}`
    const headers = !this.#uniform && random.chance(0.3) ? `NATS/1.0\r\nNats-Msg-Id: ${++this.#counter}\r\n\r\n` : ''
    const headersLength = headers.length
    const body = random.bytes(headersLength + bodyBytes)
    body.set(new TextEncoder().encode(headers))
    const flags = headersLength > 0 ? FLAG_HEADERS | FLAG_MSG_ID : 0
    const bytes = new Uint8Array(body.length + 7)
    bytes.set(body, 3)
    const nowMs = this.#model.nowMs()
    const seq = log.append({ subject, bytes, start: 3, headersLength, end: 3 + body.length, flags })
    // The log copied what it needs.
    bytes.fill(0)
    this.#note(`append ${id}/${seq} ${subject} ${body.length}`)
    must(seq === this.#model.current.get(id)!.lastSeq + 1, `stream ${id} gave sequence ${seq}`)
    const text = describeMessage({ subject, ...timeFromMs(nowMs), flags, headersLength, body })
    this.#model.change((state) => {
      const stream = state.get(id)!
      stream.lastSeq = seq
      stream.messages.set(seq, { subject, text })
    })
    let turns = this.#turns.get(id)
    if (!turns) this.#turns.set(id, (turns = new Map()))
    turns.set(seq, this.#model.turn)
  }

  #remove(log: StreamLog): void {
    const { id } = log
    const seq = this.#random.between(Math.max(1, log.state.firstSeq - 1), log.state.lastSeq + 1)
    const erase = this.#random.chance(0.1)
    this.#note(`remove ${id}/${seq}${erase ? ' erase' : ''}`)
    const removed = log.remove(seq, erase)
    must(removed === this.#model.current.get(id)!.messages.has(seq), `remove of ${seq} said ${removed}`)
    this.#model.change((state) => state.get(id)!.messages.delete(seq))
  }

  #removeBelow(log: StreamLog): void {
    const { id } = log
    const { firstSeq, lastSeq } = log.state
    const seq = this.#random.chance(0.2) ? lastSeq + this.#random.below(4) : this.#random.between(firstSeq, lastSeq + 1)
    this.#note(`remove below ${id}/${seq}`)
    const removed = log.removeBelow(seq)
    const before = this.#model.current.get(id)!.messages.size
    this.#model.change((state) => {
      const stream = state.get(id)!
      for (const key of stream.messages.keys()) if (key < seq) stream.messages.delete(key)
      stream.lastSeq = Math.max(stream.lastSeq, seq - 1)
    })
    must(removed === before - this.#model.current.get(id)!.messages.size, `removeBelow said ${removed}`)
  }

  #progress(log: StreamLog, consumer: ConsumerLog): void {
    const event = this.#event(log, consumer)
    if (!event) return
    this.#note(`progress ${log.id}/${consumer.id} ${JSON.stringify(event)}`)
    this.#model.change(progressed(log.id, consumer.id, event))
    consumer.record(event, this.#random.chance(0.5) ? 'now' : 'later')
  }

  /** An event that a consumer could send in its present state. */
  #event(log: StreamLog, consumer: ConsumerLog): ProgressEvent | undefined {
    const random = this.#random
    const { delivered, ackFloor, pending, held } = consumer.progress
    const some = (keys: Iterable<number>): number | undefined => {
      const all = [...keys]
      return all.length === 0 ? undefined : random.pick(all)
    }
    const streamSeq = some(pending.keys())
    switch (random.below(12)) {
      case 0:
        if (streamSeq === undefined) return undefined
        return { what: 'held', streamSeq, reason: random.pick(['max-deliver', 'terminated'] as const), detail: 'why' }
      case 1: {
        const back = some(held.keys())
        return back === undefined ? undefined : { what: 'requeued', streamSeq: back }
      }
      case 2:
        return streamSeq === undefined ? undefined : { what: 'exhausted', streamSeq }
      case 3: {
        if (streamSeq === undefined || random.chance(0.5)) return undefined
        return { what: 'settled-through', streamSeq, consumerSeq: pending.get(streamSeq)!.consumerSeq }
      }
      case 4: {
        if (random.chance(0.7)) return undefined
        const to = { consumerSeq: delivered.consumerSeq, streamSeq: Math.max(delivered.streamSeq, ackFloor.streamSeq) }
        return { what: 'moved', delivered: to, ackFloor: to, clear: true }
      }
      case 5:
      case 6: {
        if (streamSeq === undefined) return undefined
        const deliveries = pending.get(streamSeq)!.deliveries + 1
        const consumerSeq = delivered.consumerSeq + 1
        return { what: 'delivered', streamSeq, consumerSeq, deliveries, atMs: this.#model.nowMs(), tracked: true }
      }
      case 7:
      case 8:
      case 9: {
        const seq = log.nextSeq(delivered.streamSeq + 1)
        if (seq === 0) return undefined
        const consumerSeq = delivered.consumerSeq + 1
        return {
          what: 'delivered',
          streamSeq: seq,
          consumerSeq,
          deliveries: 1,
          atMs: this.#model.nowMs(),
          tracked: true,
        }
      }
      default:
        return streamSeq === undefined ? undefined : { what: 'settled', streamSeq }
    }
  }
}
