/** What kind of run a seed is: swarm testing, where each seed favours some events and leaves others out. */
import type { SeededRandom } from '../packages/headwater/src/base/testing/seeded-random.ts'
import type { SimFaults } from '../packages/headwater/src/base/testing/sim-disk.ts'
import type { SyncMode } from '../packages/headwater/src/store/store.ts'

export const ACTIONS = [
  'publish',
  'burst',
  'repeat',
  'expect',
  'createStream',
  'updateStream',
  'deleteStream',
  'purge',
  'deleteMessage',
  'read',
  'createConsumer',
  'updateConsumer',
  'deleteConsumer',
  'pull',
  'togglePush',
  'pass',
] as const
export type Action = (typeof ACTIONS)[number]

/** What a client does with a message that it got. */
export const HANDLINGS = ['ack', 'ackSync', 'nak', 'nakLater', 'term', 'working', 'ignore'] as const
export type Handling = (typeof HANDLINGS)[number]

export interface Swarm {
  readonly sync: SyncMode
  readonly journalBytes: number
  readonly segmentBytes: number
  readonly actions: Record<Action, number>
  readonly handlings: Record<Handling, number>
  /** A step ends in a crash, or in a clean stop and start, with this probability. */
  readonly crash: number
  readonly disk: Partial<SimFaults>
  /** A step plans a failing or short write or sync with this probability. */
  readonly diskFailure: number
}

export function swarm(random: SeededRandom): Swarm {
  const scaled = <T extends string>(usual: Record<T, number>): Record<T, number> => {
    const weights = { ...usual }
    for (const key of Object.keys(weights) as T[]) weights[key] *= random.pick([0, 0.3, 1, 1, 3])
    return weights
  }
  const actions = scaled({
    publish: 40,
    burst: 3,
    repeat: 6,
    expect: 3,
    createStream: 1.5,
    updateStream: 1,
    deleteStream: 0.2,
    purge: 0.7,
    deleteMessage: 2,
    read: 3,
    createConsumer: 2,
    updateConsumer: 0.7,
    deleteConsumer: 0.3,
    pull: 15,
    togglePush: 1,
    pass: 6,
  })
  const handlings = scaled({ ack: 30, ackSync: 8, nak: 6, nakLater: 3, term: 2, working: 1, ignore: 6 })
  return {
    sync: random.chance(0.88) ? 'always' : random.pick(['never', 50] as const),
    journalBytes: random.pick([8_192, 32_768, 32_768, 65_536]),
    segmentBytes: random.pick([32_768, 131_072]),
    actions: {
      ...actions,
      publish: Math.max(actions.publish, 12),
      createStream: 1,
      createConsumer: 1,
      pull: Math.max(actions.pull, 4),
    },
    handlings: { ...handlings, ack: Math.max(handlings.ack, 5) },
    crash: random.pick([0.003, 0.01, 0.03]),
    disk: {
      slowSync: random.pick([0, 0, 0.05, 0.3]),
      slowSyncMs: 100,
      operationMs: random.pick([
        [0.05, 0.2],
        [0.05, 3],
      ]),
    },
    diskFailure: random.pick([0, 0, 0.005]),
  }
}

/** One of the keys, with the probability of its weight. */
export function weighted<T extends string>(random: SeededRandom, weights: Record<T, number>): T {
  const keys = Object.keys(weights) as T[]
  let left = random.fraction() * keys.reduce((sum, key) => sum + weights[key], 0)
  for (const key of keys) if ((left -= weights[key]) < 0) return key
  return keys[0]
}
