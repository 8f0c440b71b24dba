/**
 * What must be true of a store, told naively: a state in plain maps, and the changes of each turn as functions over it.
 * After a crash the store must equal the state after some turn, no earlier than the last that was told to be safe.
 */
import { ConsumerProgress, type ProgressEvent } from '../packages/headwater/src/store/consumer-progress.ts'

export interface ModelMessage {
  readonly subject: string
  /** Everything else of it, as text: see `describeMessage`. */
  readonly text: string
}

export interface ModelConsumer {
  config: string
  progress: ConsumerProgress
}

export interface ModelStream {
  config: string
  lastSeq: number
  readonly messages: Map<number, ModelMessage>
  readonly consumers: Map<number, ModelConsumer>
}

export type ModelState = Map<number, ModelStream>

/** One change. */
export type Change = (state: ModelState) => void

export class StoreModel {
  /** After the last turn that is certainly durable. */
  #safe: ModelState = new Map()
  #safeTurn = 0
  /** The changes of each turn since, oldest first. */
  #turns: { turn: number; changes: Change[] }[] = []
  /** After everything. */
  current: ModelState = new Map()
  turn = 1
  /** The time that the store sees. */
  readonly nowMs: () => number

  constructor(nowMs: () => number) {
    this.nowMs = nowMs
  }

  /** Makes a change in the open turn. */
  change(change: Change): void {
    change(this.current)
    const last = this.#turns[this.#turns.length - 1]
    if (last?.turn === this.turn) last.changes.push(change)
    else this.#turns.push({ turn: this.turn, changes: [change] })
  }

  /** Everything up to this turn is durable. */
  isSafe(turn: number): void {
    while (this.#turns.length > 0 && this.#turns[0].turn <= turn) {
      for (const change of this.#turns[0].changes) change(this.#safe)
      this.#turns.shift()
    }
    this.#safeTurn = Math.max(this.#safeTurn, turn)
  }

  /**
   * Goes back to the turn after which everything looked like `found` (see `describe`), and reports it, and
   * the first turn that is lost; undefined when there is none from the last safe one on. `keep` leaves the earlier turns undecided: a later crash may still undo them.
   */
  recover(found: string, keep: boolean): { turn: number; lost: number } | undefined {
    // The latest that fits: turns that left no mark are as good as kept.
    const matched = this.candidates().lastIndexOf(found)
    if (matched < 0) return undefined
    const lost = this.#turns[matched]?.turn ?? Number.POSITIVE_INFINITY
    this.#turns.length = matched
    this.current = copyOf(this.#safe)
    for (const { changes } of this.#turns) for (const change of changes) change(this.current)
    const turn = this.#turns[matched - 1]?.turn ?? this.#safeTurn
    if (!keep) this.isSafe(turn)
    this.turn++
    return { turn, lost }
  }

  /** The states that would be right, for the report of a failure. */
  candidates(): string[] {
    const state = copyOf(this.#safe)
    const all = [describe(state)]
    for (const { changes } of this.#turns) {
      for (const change of changes) change(state)
      all.push(describe(state))
    }
    return all
  }
}

function copyOf(state: ModelState): ModelState {
  return new Map(
    [...state].map(([id, stream]) => [
      id,
      {
        ...stream,
        messages: new Map(stream.messages),
        consumers: new Map(
          [...stream.consumers].map(([name, { config, progress }]) => [
            name,
            { config, progress: ConsumerProgress.restore(progress.snapshot()) },
          ]),
        ),
      },
    ]),
  )
}

/** A state as text: equal texts are equal states. The order in which a consumer keeps its messages is not part of it. */
export function describe(state: ModelState): string {
  return [...state]
    .sort(([a], [b]) => a - b)
    .map(([id, stream]) => {
      const messages = [...stream.messages].sort(([a], [b]) => a - b).map(([seq, m]) => `  ${seq} ${m.text}`)
      const consumers = [...stream.consumers]
        .sort(([a], [b]) => a - b)
        .map(([name, c]) => describeConsumer(name, c.config, c.progress))
      return [`stream ${id} ${stream.config} last ${stream.lastSeq}`, ...messages, ...consumers].join('\n')
    })
    .join('\n')
}

/** All of a message but its sequence, as text. */
export function describeMessage(m: {
  subject: string
  seconds: number
  nanos: number
  flags: number
  headersLength: number
  body: Uint8Array
}): string {
  return `${m.subject} ${m.seconds}.${m.nanos} flags ${m.flags} headers ${m.headersLength} body ${m.body.length}:${fold(m.body)}`
}

/** A body's fingerprint (FNV-1a): descriptions stay short. */
function fold(bytes: Uint8Array): string {
  let hash = 0x811c9dc5
  for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x01000193)
  return (hash >>> 0).toString(16)
}

export function describeConsumer(id: number, config: string, progress: ConsumerProgress): string {
  const { delivered, ackFloor, pending, held, exhausted } = progress.snapshot()
  const ordered = (rows: (readonly unknown[])[]): string =>
    JSON.stringify([...rows].sort((a, b) => (a[0] as number) - (b[0] as number)))
  return `  consumer ${id} ${config} ${delivered} floor ${ackFloor} ${ordered(pending)} ${ordered(held)} ${ordered(exhausted)}`
}

/** Applies a progress event to a consumer of the model. */
export function progressed(stream: number, consumer: number, event: ProgressEvent): Change {
  const copy = { ...event }
  return (state) => state.get(stream)?.consumers.get(consumer)?.progress.apply(copy)
}
