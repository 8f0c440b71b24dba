/** What kind of run a seed is: swarm testing, where each seed favours some events and leaves others out. */
import { SeededRandom } from '../packages/headwater/src/base/testing/seeded-random.ts'
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
  'directGet',
] as const
export type Action = (typeof ACTIONS)[number]

/** What a client does with a message that it got. */
export const HANDLINGS = ['ack', 'ackSync', 'nak', 'nakLater', 'term', 'working', 'ignore'] as const
export type Handling = (typeof HANDLINGS)[number]

/** What came to the simulation later. A seed of version 1 has none of it, and lives as it did when it was written down. */
export interface Extras {
  /** A step begins or ends a full disk with this probability. */
  fullDisk: number
  /** So many bits are flipped, each on a copy of the disk as the seed leaves it. */
  rot: number
  /** Before a start, hours pass with this probability. */
  hoursDown: number
  /** A restart is followed by another at once with this probability. */
  crashAgain: number
  /** A question to the store meets a read that fails with this probability (in the store alone). */
  readFailure: number
  /** A stream answers direct gets with this probability. */
  directGet: number
  /** A consumer delivers headers only with this probability. */
  headersOnly: number
  /** A consumer lives only as long as somebody uses it with this probability. */
  ephemeral: number
  /** A pushing consumer asks for flow control with this probability. */
  flowControl: number
  /** A new stream or consumer has the name of one that is gone with this probability. */
  sameName: number
  /** A stream lives in memory with this probability more. */
  memory: number
}

export const NO_EXTRAS: Extras = {
  fullDisk: 0,
  rot: 0,
  hoursDown: 0,
  crashAgain: 0,
  readFailure: 0,
  directGet: 0,
  headersOnly: 0,
  ephemeral: 0,
  flowControl: 0,
  sameName: 0,
  memory: 0,
}

/** What a run is asked to be, beside its seed. */
export interface RunOptions {
  readonly steps?: number | undefined
  /** Of the simulation under which the seed means what it means; the newest when left out. */
  readonly version?: number | undefined
  /** Actions, handlings, faults and extras that are switched off, to make a failing run simpler. */
  readonly without?: readonly string[] | undefined
}

/** Drawn from numbers of its own, so that the rest of a seed stays what it was. */
export function extrasOf(seed: number, { version = 2, without = [] }: RunOptions): Extras {
  if (version < 2) return NO_EXTRAS
  const random = new SeededRandom(seed ^ 0x5eed)
  const extras = {
    fullDisk: random.pick([0, 0, 0, 0.02]),
    rot: random.pick([0, 0, 0, 2, 4]),
    hoursDown: random.pick([0, 0, 0.1]),
    crashAgain: random.pick([0, 0, 0.3, 0.6]),
    readFailure: random.pick([0, 0, 0, 0.3]),
    directGet: random.pick([0, 0.5, 1]),
    headersOnly: random.pick([0, 0, 0.3]),
    ephemeral: random.pick([0, 0, 0.3]),
    flowControl: random.pick([0, 0, 0.5]),
    sameName: random.pick([0, 0.5]),
    memory: random.pick([0, 0, 0.4]),
  }
  switchOff(extras, without)
  return extras
}

/** Sets the named numbers to zero. */
export function switchOff(weights: Record<string, number> | Extras, without: readonly string[]): void {
  for (const name of without) if (name in weights) (weights as Record<string, number>)[name] = 0
}

/** With a probability of zero nothing is drawn: what is switched off leaves the rest of a seed as it was. */
export function happens(random: SeededRandom, probability: number): boolean {
  return probability > 0 && random.chance(probability)
}

export interface Swarm {
  readonly extras: Extras
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

export function swarm(random: SeededRandom, extras: Extras, without: readonly string[] = []): Swarm {
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
  const drawn: Swarm = {
    extras,
    sync: random.chance(0.88) ? 'always' : random.pick(['never', 50] as const),
    journalBytes: random.pick([8_192, 32_768, 32_768, 65_536]),
    segmentBytes: random.pick([32_768, 131_072]),
    actions: {
      ...actions,
      directGet: extras.directGet * 4,
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
  switchOff(drawn.actions, without)
  switchOff(drawn.handlings, without)
  const off = (name: string): boolean => without.includes(name)
  return {
    ...drawn,
    crash: off('crash') ? 0 : drawn.crash,
    diskFailure: off('diskFailure') ? 0 : drawn.diskFailure,
    disk: off('slowSync') ? { ...drawn.disk, slowSync: 0 } : drawn.disk,
  }
}

/** Everything of a scenario that can be switched off. */
export const SWITCHES: readonly string[] = [
  ...Object.keys(NO_EXTRAS),
  'crash',
  'diskFailure',
  'slowSync',
  ...ACTIONS.filter((name) => !['publish', 'createStream', 'createConsumer'].includes(name)),
  ...HANDLINGS.filter((name) => name !== 'ack'),
]

/** One of the keys, with the probability of its weight. */
export function weighted<T extends string>(random: SeededRandom, weights: Record<T, number>): T {
  const keys = Object.keys(weights) as T[]
  let left = random.fraction() * keys.reduce((sum, key) => sum + weights[key], 0)
  for (const key of keys) if ((left -= weights[key]) < 0) return key
  return keys[0]
}
