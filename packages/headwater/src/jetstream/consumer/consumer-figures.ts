/** Pure views of a consumer's progress: the numbers that info shows, and where a purge moves it. */
import type { ConsumerProgress, ProgressEvent, SequencePair } from '../../store/consumer-progress.ts'
import type { ConsumerParts } from './consumer-parts.ts'

/** Held messages listed in one info at most; the number counts them all. */
const HELD_LISTED = 100

/** Numbers of a consumer, on appended state. Times are milliseconds of message time; 0: not since the start. */
export interface ConsumerFigures {
  readonly delivered: Readonly<SequencePair>
  readonly ackFloor: Readonly<SequencePair>
  readonly lastDeliveredMs: number
  readonly lastAckMs: number
  readonly numAckPending: number
  readonly numRedelivered: number
  readonly numWaiting: number
  readonly numPending: number
  readonly pushBound: boolean
  /** Messages whose dead letters cannot be written yet. */
  readonly held: number
  /** The first of them, and why. */
  readonly heldFirst: readonly { readonly seq: number; readonly why: string }[]
}

/** Counts what counts. Requests that nobody waits for any more are dropped first. */
export function figuresOf(
  parts: ConsumerParts,
  times: Pick<ConsumerFigures, 'lastDeliveredMs' | 'lastAckMs'>,
): ConsumerFigures {
  const { progress, settings, pulls, push, delivery, settlement, env } = parts
  const { delivered, ackFloor, pending, exhausted, held } = progress
  const redelivered = exhausted.size + pending.countRedelivered()
  if (!push) pulls.sweep(env.realClock.now(), false)
  return {
    ...times,
    delivered,
    ackFloor,
    numAckPending: pending.size,
    // With a single delivery nothing is ever redelivered.
    numRedelivered: settings.maxDeliver === 1 ? 0 : redelivered,
    numWaiting: pulls.size,
    numPending: delivery.numPending,
    pushBound: push?.active ?? false,
    held: held.size,
    heldFirst: firstOf(held.keys(), HELD_LISTED).map((seq) => ({ seq, why: settlement.heldWhy.get(seq) ?? '' })),
  }
}

function firstOf(keys: Iterable<number>, count: number): number[] {
  const first: number[] = []
  for (const key of keys) {
    if (first.length === count) break
    first.push(key)
  }
  return first
}

/** Everything below `seq` is gone: position and floor move past it; all the way when nothing unsettled is left. */
export function movedPast(
  { delivered, ackFloor, pending, held, exhausted }: ConsumerProgress,
  seq: number,
): ProgressEvent {
  const streamSeq = Math.max(delivered.streamSeq, seq - 1)
  let floorSeq = Math.max(ackFloor.streamSeq, seq - 1)
  let consumerSeq = ackFloor.consumerSeq
  let left = 0
  for (const unsettled of [pending.entries(), held]) {
    for (const [key, { firstConsumerSeq }] of unsettled) {
      if (key >= seq) left++
      else consumerSeq = Math.max(consumerSeq, firstConsumerSeq)
    }
  }
  // Given up is not settled: an interest stream or a work queue keeps it, and what lies below the floor is forgotten.
  for (const key of exhausted.keys()) if (key >= seq) left++
  if (left === 0) {
    floorSeq = streamSeq
    consumerSeq = delivered.consumerSeq
  }
  return {
    what: 'moved',
    delivered: { consumerSeq: delivered.consumerSeq, streamSeq },
    ackFloor: { consumerSeq, streamSeq: floorSeq },
    clear: true,
  }
}
