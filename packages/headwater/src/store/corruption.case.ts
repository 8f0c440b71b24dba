/**
 * The corruption matrix: a small data folder, of which one byte is flipped, one file is cut, or one file is missing. Opening
 * it ends in one of three ways: everything is there; what is missing is reported with its place, and all else serves; or the
 * start is refused and says what to do. Never a wrong message, never a healthy stream missing, never a silent gap.
 */
import { assert } from '../base/assert.ts'
import { HeadwaterError } from '../base/errors.ts'
import { drainMicrotasks } from '../base/testing/settle.ts'
import { MessageView } from './message-view.ts'
import type { FileStore } from './running-store.ts'
import { readable, SimRig } from './sim-rig.case.ts'
import { put } from './store.case.ts'
import { COLD, FOUND, type StreamLog } from './stream-log.ts'

/** What is done to the folder. */
export interface Harm {
  readonly path: string
  readonly what: 'flip' | 'cut' | 'missing'
  /** The byte that is flipped, or at which the file is cut. */
  readonly at: number
  readonly bit: number
}

/** `torn`: as if the process had been killed a few frames earlier. No disk can tell that apart from a kill. */
export type Ending = 'whole' | 'reported' | 'refused' | 'torn'

/** A folder before the harm, and what it serves. */
export interface Subject {
  readonly files: ReadonlyMap<string, Uint8Array>
  /** Per stream, by its configuration, each living message as one line, by sequence. */
  readonly streams: ReadonlyMap<string, ReadonlyMap<number, string>>
  /** Per stream, its state but for its messages: last sequence, consumers. */
  readonly states: ReadonlyMap<string, string>
  /** Per stream, each message that there ever was. */
  readonly ever: ReadonlyMap<string, ReadonlyMap<number, string>>
  /** After a kill: the newest file of the journal. What is cut off there looks like a write that never came to its end. */
  readonly openEnd: string | undefined
}

export const SIZES: { journalBytes: number; segmentBytes: number } = { journalBytes: 2048, segmentBytes: 3000 }

/**
 * How the folder came to be. `clean`, `killed`: with several segments, little in the journal. `young`: all of it in one
 * journal file. `turning`: killed with two journal files, before the flush of the first came to its end.
 */
export type Stop = 'clean' | 'killed' | 'young' | 'young-killed' | 'turning'

/** Makes a folder with everything in it: removed and erased messages, gaps, consumers, a deleted stream. */
export async function makeSubject(stop: Stop): Promise<Subject> {
  const rig = new SimRig(7)
  const isYoung = stop === 'young' || stop === 'young-killed'
  const isStuck = stop === 'turning'
  const store = await rig.open(
    isYoung ? { ...SIZES, journalBytes: 1 << 20 } : isStuck ? { ...SIZES, journalBytes: 5000 } : SIZES,
  )
  const log = (config: string): StreamLog => store.createStream({ storage: 'file', config })
  const [one, two, quiet, gone] = [log('{"name":"one"}'), log('{"name":"two"}'), log('{"name":"quiet"}'), log('gone')]
  put(quiet, 'q.1', 'quiet')
  const ever = new Map<string, Map<number, string>>()
  const consumer = one.createConsumer('{"name":"c"}')
  const journals = (): string[] => rig.paths().filter((path) => /\/journal\/\d+$/.test(path))
  for (let i = 1; i <= 40; i++) {
    put(one, `a.${i % 5}`, `one ${i} `.padEnd(90, '.'), i % 7 === 0 ? 'NATS/1.0\r\nA: 1\r\n\r\n' : '')
    if (i % 3 === 0) put(two, `b.${i}`, `two ${i}`)
    if (i === 12) two.skipTo(two.state.lastSeq + 5)
    if (i === 20) store.deleteStream(gone)
    if (i % 9 === 0) one.remove(i - 4, i % 2 === 0)
    if (i > 30) {
      const event = { what: 'delivered', streamSeq: i - 30, consumerSeq: i - 30, deliveries: 1, atMs: 5 } as const
      consumer.record({ ...event, tracked: true }, 'now')
    }
    rig.clock.advance(1000)
    if (isStuck && i > 20) await readable(store)
    else await store.settled()
    await note(store, ever)
    if (isStuck && journals().length > 1) break
  }
  consumer.record({ what: 'settled', streamSeq: 1 }, 'now')
  await readable(store)
  await note(store, ever)
  const streams = await servedBy(store)
  const states = new Map(store.streams().map((known) => [known.config, stateOf(known)]))
  const isClean = stop === 'clean' || stop === 'young'
  if (isClean) await store.close()
  else rig.disk.crash('kill')
  rig.stop()
  if (isStuck) assert(journals().length > 1, 'there are two journal files')
  const files = new Map(rig.disk.files().map(({ path }) => [path, rig.disk.content(path)]))
  return { files, streams, states, ever, openEnd: isClean ? undefined : journals().at(-1) }
}

async function note(store: FileStore, ever: Map<string, Map<number, string>>): Promise<void> {
  for (const [config, messages] of await servedBy(store)) {
    const all = ever.get(config) ?? new Map<number, string>()
    for (const [seq, line] of messages) all.set(seq, line)
    ever.set(config, all)
  }
}

/** Per stream, by its configuration, every message that can be read. */
export async function servedBy(store: FileStore): Promise<Map<string, Map<number, string>>> {
  const streams = new Map<string, Map<number, string>>()
  for (const log of store.streams()) streams.set(log.config, (await messagesOf(log)).found)
  return streams
}

/** All of a stream but its messages: last sequence and time, consumers. */
export function stateOf(log: StreamLog): string {
  const consumers = log.consumers().map((c) => [c.config, c.progress.snapshot()])
  return JSON.stringify([log.state.lastSeq, log.state.lastTime, consumers])
}

/** Every living message as one line, and the sequences whose reading fails with an error that names a place. */
async function messagesOf(log: StreamLog): Promise<{ found: Map<number, string>; failed: Map<number, string> }> {
  const found = new Map<number, string>()
  const failed = new Map<number, string>()
  const view = new MessageView()
  for (let seq = log.nextSeq(1); seq > 0; seq = log.nextSeq(seq + 1)) {
    try {
      if (log.read(seq, view) === COLD) await log.load(seq)
      if (log.read(seq, view) !== FOUND) throw new Error(`message ${seq} is in the index, and not there`)
      const body = Buffer.from(view.bytes.subarray(view.headersStart, view.end)).toString('latin1')
      found.set(
        seq,
        JSON.stringify([log.subjectAt(seq), view.seq, view.subject, view.seconds, view.nanos, view.flags, body]),
      )
    } catch (error) {
      failed.set(
        seq,
        error instanceof HeadwaterError ? `${error.code} ${error.message}` : `unexpected ${String(error)}`,
      )
    }
  }
  return { found, failed }
}

/** Every harm that there is to the folder: each byte, each length, each file. */
export function* everyHarm(subject: Subject): Generator<Harm> {
  for (const [path, bytes] of subject.files) {
    for (let at = 0; at < bytes.length; at++) yield { path, what: 'flip', at, bit: (at * 5) & 7 }
    for (let at = 0; at < bytes.length; at++) yield { path, what: 'cut', at, bit: 0 }
    yield { path, what: 'missing', at: 0, bit: 0 }
  }
}

/** The bytes of the file after the harm; undefined when it is missing. */
export function harmed(bytes: Uint8Array, { what, at, bit }: Harm): Uint8Array | undefined {
  if (what === 'missing') return undefined
  if (what === 'cut') return bytes.slice(0, at)
  const copy = Uint8Array.from(bytes)
  copy[at] ^= 1 << bit
  return copy
}

/** A rig with the folder of `subject` after the harm. */
export async function rigWith(subject: Subject, harm?: Harm): Promise<SimRig> {
  const rig = new SimRig(3)
  rig.disk.faults.operationMs = [0.05, 0.05]
  const fs = rig.disk.mount()
  const folders = new Set<string>()
  for (const [path, bytes] of subject.files) {
    const folder = path.slice(0, path.lastIndexOf('/'))
    if (!folders.has(folder)) await fs.makeFolder(folder)
    folders.add(folder)
    const left = path === harm?.path ? harmed(bytes, harm) : bytes
    if (!left) continue
    await (await fs.open(path, 'create')).close()
    rig.write(path, left)
  }
  return rig
}

/** Opens the harmed folder and judges what is served. Throws, with the harm, when it ends in none of the three ways. */
export async function judge(subject: Subject, harm: Harm): Promise<Ending> {
  const rig = await rigWith(subject, harm)
  const where = `${harm.what} ${harm.path} at ${harm.at}`
  try {
    let store: FileStore
    try {
      store = await rig.open(SIZES)
    } catch (error) {
      if (error instanceof HeadwaterError && error.hint !== '') return 'refused'
      throw error
    }
    if (harm.path === subject.openEnd) return await judgeTorn(subject, store)
    const ending = await judgeServed(subject, store, where)
    // What the start does in the background must not take anything away.
    await store.settled()
    const after = await judgeServed(subject, store, `${where}, later`)
    if (ending === 'whole' && after !== 'whole') throw new Error(`${where}: ${after} after the first flush`)
    await store.close()
    await drainMicrotasks()
    return after === 'reported' ? after : ending
  } catch (error) {
    throw new Error(`${where}: ${(error as Error).message}`, { cause: error })
  } finally {
    rig.stop()
  }
}

async function judgeServed(subject: Subject, store: FileStore, where: string): Promise<Ending> {
  const damage = store.recovery.damage.join('\n')
  let missing = 0
  const served = new Map(store.streams().map((log) => [log.config, log]))
  for (const config of served.keys()) {
    if (!subject.streams.has(config)) throw new Error(`a stream is served that there was not: ${config}`)
  }
  for (const [config, messages] of subject.streams) {
    const log = served.get(config)
    if (!log) {
      if (!/the stream is not served/.test(damage)) throw new Error(`${config} is missing, and nothing says so`)
      missing++
      continue
    }
    const { found, failed } = await messagesOf(log)
    for (const [seq, line] of found) {
      if (messages.get(seq) !== line) throw new Error(`${config} ${seq} is wrong: ${line}, not ${messages.get(seq)}`)
    }
    for (const text of failed.values()) {
      if (!/^HW_DATA_CORRUPT \/data\/streams\/\d+\/\d+\.seg, byte \d+/.test(text)) throw new Error(text)
    }
    const lost = [...messages.keys()].filter((seq) => !found.has(seq) && !failed.has(seq))
    for (const seq of lost) {
      if (!isReported(damage, seq)) throw new Error(`${config} ${seq} is missing, and nothing says so: ${damage}`)
    }
    if (stateOf(log) !== subject.states.get(config)) {
      throw new Error(`${config}: its state is ${stateOf(log)}, not ${subject.states.get(config)}`)
    }
    missing += lost.length + failed.size
  }
  if (missing > 0) return 'reported'
  if (damage !== '') throw new Error(`${where}: nothing is missing, and this is said: ${damage}`)
  return 'whole'
}

/** What is there is right, and only the newest of each stream is not. */
async function judgeTorn(subject: Subject, store: FileStore): Promise<Ending> {
  let isWhole = store.recovery.damage.length === 0
  for (const [config, messages] of subject.streams) {
    const log = store.streams().find((known) => known.config === config)
    if (!log) throw new Error(`${config} is missing`)
    const { found, failed } = await messagesOf(log)
    if (failed.size > 0) throw new Error(`${config}: ${[...failed.values()].join()}`)
    for (const [seq, line] of found) {
      if (subject.ever.get(config)?.get(seq) !== line) throw new Error(`${config} ${seq} is wrong: ${line}`)
    }
    for (const seq of messages.keys()) {
      if (!found.has(seq) && seq <= log.state.lastSeq) throw new Error(`${config} ${seq} is missing in the middle`)
    }
    isWhole &&= found.size === messages.size && stateOf(log) === subject.states.get(config)
  }
  await store.close()
  return isWhole ? 'whole' : 'torn'
}

function isReported(damage: string, seq: number): boolean {
  for (const [, first, last] of damage.matchAll(/with sequences from (\d+) to at most (\d+), are missing/g)) {
    if (seq >= Number(first) && seq <= Number(last)) return true
  }
  return false
}
