/** What a server remembers, as plain data: for one assertion over everything. */

import type { ProgressSnapshot } from '../../store/consumer-progress.ts'
import type { Store } from '../../store/store.ts'
import { nameIn } from '../stored-names.ts'

/** One stream: what it holds, and how far its consumers are. */
export interface StreamSnapshot {
  readonly messages: number
  readonly firstSeq: number
  readonly lastSeq: number
  /** Messages by subject. */
  readonly subjects: Readonly<Record<string, number>>
  readonly consumers: Readonly<Record<string, ConsumerSnapshot>>
}

/** One consumer. Numbers are stream sequences. */
export interface ConsumerSnapshot {
  readonly delivered: number
  readonly ackFloor: number
  /** Delivered and neither acknowledged nor given up, with how often each was delivered. */
  readonly pending: Readonly<Record<number, number>>
  /** Given up, and its dead letter cannot be written yet. */
  readonly held: readonly number[]
  /** Delivered as often as allowed, without dead letters. */
  readonly exhausted: readonly number[]
}

/** Streams by name. */
export type Snapshot = Readonly<Record<string, StreamSnapshot>>

/** Everything in `store`, on appended state. */
export function snapshotOf(store: Store): Snapshot {
  const streams = store.streams().map((log) => {
    const { messages, firstSeq, lastSeq } = log.state
    const consumers = log.consumers().map((one) => [nameIn(one.config), progressOf(one.progress.snapshot())] as const)
    return [
      nameIn(log.config),
      { messages, firstSeq, lastSeq, subjects: Object.fromEntries(log.subjects()), consumers: sorted(consumers) },
    ] as const
  })
  return sorted(streams)
}

function progressOf({ delivered, ackFloor, pending, held, exhausted }: ProgressSnapshot): ConsumerSnapshot {
  return {
    delivered: delivered[1],
    ackFloor: ackFloor[1],
    pending: Object.fromEntries(pending.map(([seq, , deliveries]) => [seq, deliveries])),
    held: held.map(([seq]) => seq),
    exhausted: exhausted.map(([seq]) => seq),
  }
}

function sorted<T>(entries: readonly (readonly [string, T])[]): Record<string, T> {
  return Object.fromEntries([...entries].sort(([a], [b]) => (a < b ? -1 : 1)))
}
