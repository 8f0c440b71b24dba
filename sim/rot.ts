/**
 * Bits that flip while nobody looks: each on a copy of a disk at rest, which is then opened and read to the end. What holds:
 * never a wrong message, never a healthy stream missing, never a silent gap; a start that refuses names the file.
 */
import { HeadwaterError } from '../packages/headwater/src/base/errors.ts'
import { silentLogger } from '../packages/headwater/src/base/log.ts'
import type { SeededRandom } from '../packages/headwater/src/base/testing/seeded-random.ts'
import { openFileStore } from '../packages/headwater/src/store/file-store.ts'
import type { Store } from '../packages/headwater/src/store/store.ts'
import type { StreamLog } from '../packages/headwater/src/store/stream-log.ts'
import { Machine, type Process } from './machine.ts'
import { readText } from './read-text.ts'
import { describeConsumer } from './store-model.ts'
import { must, Violation } from './trace.ts'

const FOLDER = '/data'

/** What a stream holds, as texts. */
interface Held {
  readonly config: string
  readonly lastSeq: number
  readonly messages: Map<number, string>
  readonly consumers: string
  /** Sequences whose reading was refused, with the place. */
  readonly unreadable: Set<number>
}

export interface RotOptions {
  readonly machine: Machine
  readonly random: SeededRandom
  readonly trials: number
  readonly journalBytes: number
  readonly segmentBytes: number
  /** What else is done with a store that opened. */
  readonly also?: (process: Process, store: Store) => Promise<void>
}

/** There must be no process. */
export async function rotTrials(options: RotOptions): Promise<void> {
  if (options.trials === 0) return
  const healthy = await opened(options, await copyOf(options))
  must(!('refused' in healthy), 'a healthy copy of the disk is refused')
  const paths = options.machine.disk.files().filter(({ data, path }) => data.length > 0 && path.startsWith(FOLDER))
  for (let trial = 0; trial < options.trials; trial++) {
    const { path, data } = options.random.pick(paths)
    const copy = await copyOf(options)
    const bit = options.random.below(data.length * 8)
    options.machine.note(`rot: ${path}, byte ${bit >>> 3} of ${data.length}, bit ${bit & 7}`)
    copy.disk.rot(path, bit)
    const found = await opened(options, copy)
    options.machine.count(`rot: ${judge(path, `${path}, byte ${bit >>> 3}`, healthy, found)}`)
  }
}

type Opened =
  | { refused: Error }
  | { streams: Map<number, Held>; damage: readonly string[]; repaired: readonly string[]; tornBytes: number }

/** What became of it, in a word. Throws a Violation. */
function judge(path: string, place: string, healthy: Exclude<Opened, { refused: Error }>, found: Opened): string {
  if ('refused' in found) {
    const { refused } = found
    must(refused instanceof HeadwaterError, () => `rot in ${place}: the start fails with ${refused.stack}`)
    must(refused.message.includes(FOLDER), `rot in ${place}: the start refuses, and names no file: ${refused.message}`)
    return 'start refused'
  }
  const { damage, repaired, streams } = found
  const own = /\/streams\/(\d+)\//.exec(path)?.[1]
  const isTorn = found.tornBytes > healthy.tornBytes && path.includes('/journal/')
  const isTold = damage.length > 0 || repaired.length > 0 || isTorn
  let unreadable = 0
  for (const [id, wanted] of healthy.streams) {
    const one = streams.get(id)
    const name = `rot in ${place}: stream ${id}`
    const mayDiffer = (own === undefined || own === String(id)) && isTold
    must(one || mayDiffer, `${name} is missing, and nothing says so`)
    if (!one) continue
    unreadable += one.unreadable.size
    must(one.unreadable.size === 0 || own === undefined || own === String(id), `${name} cannot be read`)
    for (const [seq, text] of one.messages) {
      const right = wanted.messages.get(seq)
      must(right === undefined || right === text, () => `${name} serves a wrong message ${seq}: ${text}, was ${right}`)
      must(right !== undefined || mayDiffer, `${name} has message ${seq} again, and nothing says so`)
    }
    for (const seq of wanted.messages.keys()) {
      const isThere = one.messages.has(seq) || one.unreadable.has(seq)
      must(isThere || mayDiffer, `${name} has lost message ${seq}, and nothing says so`)
    }
    must(one.lastSeq === wanted.lastSeq || mayDiffer, `${name} ends at ${one.lastSeq}, was ${wanted.lastSeq}`)
    must(one.config === wanted.config || mayDiffer, `${name} has another configuration`)
    must(one.consumers === wanted.consumers || mayDiffer, `${name} has other consumers`)
  }
  if (damage.length > 0) return 'damage told'
  if (unreadable > 0) return 'message unreadable'
  if (repaired.length > 0) return 'repaired'
  return isTorn ? 'taken for a torn tail' : 'nothing lost'
}

/** Opens a copy, reads everything, and ends its process. */
async function opened(options: RotOptions, copy: Machine): Promise<Opened> {
  const process = copy.boot()
  const { journalBytes, segmentBytes } = options
  let store: Store
  try {
    const { fs, clock, turn } = process
    const shared = { fs, clock, realClock: clock, turn, log: silentLogger, journalBytes, segmentBytes }
    const open = await copy.until(openFileStore({ ...shared, folder: FOLDER, sync: 'always', openBytesMax: 100_000 }))
    store = open?.value as Store
  } catch (error) {
    return { refused: error as Error }
  }
  const streams = (await copy.until(heldBy(store)))?.value as Map<number, Held>
  if (options.also) await copy.until(options.also(process, store))
  const { damage, repaired, tornBytes } = store.recovery
  copy.crash('kill')
  return { streams, damage, repaired, tornBytes }
}

async function heldBy(store: Store): Promise<Map<number, Held>> {
  const all = new Map<number, Held>()
  for (const log of store.streams()) {
    const messages = new Map<number, string>()
    const unreadable = new Set<number>()
    for (let seq = log.nextSeq(1); seq !== 0; seq = log.nextSeq(seq + 1)) {
      const text = await textOf(log, seq)
      if (text === undefined) unreadable.add(seq)
      else messages.set(seq, text)
    }
    const consumers = [...log.consumers()]
      .sort((a, b) => a.id - b.id)
      .map(({ id, config, progress }) => describeConsumer(id, config, progress))
    all.set(log.id, {
      config: log.config,
      lastSeq: log.state.lastSeq,
      messages,
      unreadable,
      consumers: consumers.join('\n'),
    })
  }
  return all
}

/** Undefined when the disk lost it and the store says so. */
async function textOf(log: StreamLog, seq: number): Promise<string | undefined> {
  try {
    return await readText(log, seq)
  } catch (error) {
    if (error instanceof Violation) throw error
    must(error instanceof HeadwaterError, () => `message ${seq} cannot be read: ${(error as Error).stack}`)
    must(error.message.includes(FOLDER), `message ${seq} cannot be read, and no place is named: ${error.message}`)
    return undefined
  }
}

/** A machine of its own with the same files, at the same time. */
async function copyOf({ machine, random }: RotOptions): Promise<Machine> {
  const copy = new Machine(random.fork(), machine.trace, { operationMs: [0.01, 0.02] })
  copy.clock.advance(machine.clock.now() - copy.clock.now())
  const fs = copy.disk.mount()
  const written = async (): Promise<void> => {
    for (const { path } of machine.disk.files()) {
      await fs.makeFolder(path.slice(0, path.lastIndexOf('/')))
      const file = await fs.open(path, 'create')
      await file.writeAt([machine.disk.content(path)], 0)
      await file.sync()
      await file.close()
    }
  }
  await copy.until(written())
  return copy
}
