/** Reads what can be saved of a data folder, stream by stream: more than a start serves, and never more than a checksum holds. */
import type { Clock } from '../base/clock.ts'
import type { FileSystem } from '../base/fs.ts'
import { readWhole } from './atomic-file.ts'
import { streamIds } from './check.ts'
import { type JournalHarm, scanJournal } from './check-journal.ts'
import type { OnFile } from './check-report.ts'
import { type Checkpoint, deadFromText } from './checkpoint.ts'
import { isSet } from './dead-bits.ts'
import { streamFolder } from './flush-context.ts'
import { FRAME_HEAD_BYTES } from './frame.ts'
import type { JournalHome } from './journal-home.ts'
import { Log } from './log.ts'
import type { MessageView } from './message-view.ts'
import { type ObjectChange, readObject } from './object-record.ts'
import { readingHomes } from './open-reading.ts'
import {
  checkedLength,
  RECORD_HEAD_BYTES,
  recordSeq,
  recordStream,
  recordSubject,
  recordType,
  TYPE_MESSAGE,
  TYPE_OBJECT,
  TYPE_REMOVE,
  viewMessage,
} from './record.ts'
import { readRemoval } from './removal-record.ts'
import { Replay, type Replayed } from './replay.ts'
import { readCheckpoint, restoreStream } from './restore-stream.ts'
import { indexBytes, isErased, walkRecords } from './segment-rebuild.ts'

/** A message that was found beside what a start serves. */
export interface FoundMessage {
  readonly seq: number
  readonly bytes: Uint8Array
  readonly at: number
}

/** One stream as far as it could be read. */
export interface SavedStream {
  readonly id: number
  readonly home: JournalHome
  /** In segments that a start leaves out, by sequence. */
  readonly extras: Map<number, FoundMessage>
  /** True when its configuration is not known any more. */
  readonly isAnonymous: boolean
  /** Which of the extras were removed is not known: they may be back. */
  readonly mayHoldRemoved: boolean
  readonly problems: string[]
}

/** All that could be read of a data folder, and where its journal could not. */
export interface Source {
  readonly streams: SavedStream[]
  readonly harms: JournalHarm[]
}

interface Reading {
  readonly fs: FileSystem
  readonly folder: string
  readonly clock: Clock
  readonly configFor: (id: number) => string
  readonly onFile: OnFile
  readonly saved: Map<number, SavedStream>
  readonly replayed: Map<number, Replayed>
  makeHome(): JournalHome
}

/** Reads the folder through `fs`, which must not change anything. `configFor` makes the configuration of a stream that lost its own. */
export async function readSource(options: {
  fs: FileSystem
  folder: string
  clock: Clock
  configFor: (id: number) => string
  onFile: OnFile
}): Promise<Source> {
  const { fs, folder, clock, onFile } = options
  const { makeHome } = readingHomes(fs, folder, clock)
  const reading: Reading = { ...options, makeHome, saved: new Map(), replayed: new Map() }
  for (const id of await streamIds(fs, `${folder}/streams`)) await readStream(reading, id)
  const journal = await scanJournal(fs, `${folder}/journal`, onFile)
  const ended = adoptUnknown(reading, journal.files)
  const replay = new Replay(
    reading.replayed,
    new Set(),
    (id, config) => adopt(reading, id, makeLog(reading, id, config), false).home,
  )
  for (const file of journal.files) replay.file(file)
  replay.finish()
  for (const id of ended) reading.saved.delete(id)
  const streams = [...reading.saved.values()].sort((a, b) => a.id - b.id)
  return { streams, harms: journal.harms }
}

function makeLog({ makeHome, clock }: Reading, id: number, config: string): JournalHome {
  const home = makeHome()
  home.log = new Log({ id, config, home, clock })
  return home
}

function adopt(reading: Reading, id: number, home: JournalHome, isAnonymous: boolean): SavedStream {
  const stream = { id, home, extras: new Map(), isAnonymous, mayHoldRemoved: false, problems: [] }
  reading.saved.set(id, stream)
  return stream
}

async function readStream(reading: Reading, id: number): Promise<void> {
  const { fs, folder, configFor } = reading
  const own = streamFolder(`${folder}/streams`, id)
  const checkpoint = (await fs.exists(`${own}/checkpoint`)) ? await readCheckpoint(fs, own) : undefined
  if (checkpoint) {
    const home = makeLog(reading, id, checkpoint.config)
    const { served, problems } = await restoreStream(fs, own, checkpoint, home)
    if (served) {
      const stream = adopt(reading, id, home, false)
      stream.problems.push(...problems)
      for (const { name, dead } of home.damagedSegments) await readExtras(reading, stream, `${own}/${name}`, dead)
      reading.replayed.set(id, { ...checkpoint, home })
      return
    }
    await readLoose(reading, own, id, checkpoint, problems)
    return
  }
  const names = (await fs.list(own)).filter((name) => name.endsWith('.seg'))
  if (names.length === 0) return
  const stream = { ...adopt(reading, id, makeLog(reading, id, configFor(id)), true), mayHoldRemoved: true }
  reading.saved.set(id, stream)
  stream.problems.push(`${own}/checkpoint: is damaged or missing`)
  for (const name of names) await readExtras(reading, stream, `${own}/${name}`, undefined)
  reading.replayed.set(id, { home: stream.home, stateLsn: 0, lastSeq: 0, lastSeconds: 0, lastNanos: 0 })
}

/** The checkpoint holds, and the rest does not come out whole: every message that holds, with the consumers as they were. */
async function readLoose(
  reading: Reading,
  own: string,
  id: number,
  checkpoint: Checkpoint,
  problems: string[],
): Promise<void> {
  const home = makeLog(reading, id, checkpoint.config)
  await restoreStream(reading.fs, own, { ...checkpoint, segments: [], subjects: undefined }, home)
  const stream = adopt(reading, id, home, false)
  stream.problems.push(...problems)
  for (const { name, dead } of checkpoint.segments) await readExtras(reading, stream, `${own}/${name}`, dead)
  reading.replayed.set(id, { ...checkpoint, home })
}

/** Every message of a segment that holds; `dead` says per run which were removed, as far as the runs can be told apart. */
async function readExtras(
  reading: Reading,
  stream: SavedStream,
  path: string,
  dead: string[] | undefined,
): Promise<void> {
  const { fs, onFile } = reading
  if (!(await fs.exists(path))) return
  onFile(path)
  const bytes = await readWhole(fs, path)
  let start = 0
  for (let run = 0; dead && run < dead.length; run++) {
    const { end, seqs, positions, subjects } = walkRecords(bytes, start, stream.id)
    if (seqs.length === 0) break
    const bits = deadFromText(dead[run], seqs.length)
    for (const [i, seq] of seqs.entries()) {
      if (subjects[i] !== '' && !(bits && isSet(bits, i))) stream.extras.set(seq, { seq, bytes, at: positions[i] })
    }
    const next = end + indexBytes(seqs)
    // After a record that does not hold, entries cannot be counted any more.
    const isFollowed = next + RECORD_HEAD_BYTES > bytes.length || recordStream(viewOf(bytes), next) === stream.id
    start = isFollowed ? next : end
    if (!isFollowed) break
  }
  if (start < bytes.length) searchRecords(bytes, start, stream)
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

/** Looks for messages byte by byte: lengths cannot be followed here. */
function searchRecords(bytes: Uint8Array, from: number, stream: SavedStream): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  for (let at = from; at + RECORD_HEAD_BYTES <= bytes.length; ) {
    const isOurs = recordType(bytes, at) === TYPE_MESSAGE && recordStream(view, at) === stream.id
    const length = isOurs ? checkedLength(bytes, view, at, bytes.length) : 0
    if (length === 0 || isErased(bytes, view, at)) {
      at++
      continue
    }
    const seq = recordSeq(view, at)
    stream.extras.set(seq, { seq, bytes, at })
    at += length
  }
}

/** Streams of which only the journal speaks, and which it did not create; returns those that it says were deleted. */
function adoptUnknown(
  reading: Reading,
  files: readonly { bytes: Uint8Array; view: DataView; frames: readonly number[] }[],
): Set<number> {
  const ended = new Set<number>()
  const created = new Set<number>()
  const spoken = new Set<number>()
  for (const { bytes, view, frames } of files) {
    for (const frame of frames) {
      const at = frame + FRAME_HEAD_BYTES
      const id = recordStream(view, at)
      const type = recordType(bytes, at)
      if (type === TYPE_MESSAGE) spoken.add(id)
      if (type === TYPE_REMOVE) dropRemoved(reading.saved.get(id), view, at)
      const change = type === TYPE_OBJECT ? readObject<ObjectChange>(bytes, view, at) : undefined
      if (change?.what === 'stream-created') created.add(id)
      if (change?.what === 'stream-deleted') ended.add(id)
    }
  }
  // What the journal has from its beginning it has whole.
  for (const id of created) {
    if (!reading.saved.get(id)?.isAnonymous) continue
    reading.saved.delete(id)
    reading.replayed.delete(id)
  }
  for (const id of spoken) {
    if (reading.saved.has(id) || created.has(id) || ended.has(id)) continue
    const stream = adopt(reading, id, makeLog(reading, id, reading.configFor(id)), true)
    stream.problems.push(`streams/${id}: its folder is missing`)
    reading.replayed.set(id, { home: stream.home, stateLsn: 0, lastSeq: 0, lastSeconds: 0, lastNanos: 0 })
  }
  return ended
}

/** What the journal says was removed is not found again. */
function dropRemoved(stream: SavedStream | undefined, view: DataView, at: number): void {
  if (!stream || stream.extras.size === 0) return
  readRemoval(view, at, {
    removeBelow: (below) => {
      for (const seq of stream.extras.keys()) if (seq < below) stream.extras.delete(seq)
    },
    remove: (seq) => void stream.extras.delete(seq),
  })
}

/** Points `into` at a message that was found beside. */
export function viewFound({ bytes, at }: FoundMessage, into: MessageView): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  viewMessage(bytes, view, at, recordSubject(bytes, view, at), into)
}
