/**
 * The flush of one stream: copies what still lives in memory of a full journal file into the stream's segment, and takes a
 * checkpoint past it. Small steps, one write at a time; whatever happens in between, the former checkpoint still holds.
 */
import { assert } from '../base/assert.ts'
import type { File, FileSystem } from '../base/fs.ts'
import { noSpace, putInPlace, writeAside } from './atomic-file.ts'
import { CHECKPOINT_NAME, type Checkpoint, deadToText, encodeCheckpoint } from './checkpoint.ts'
import type { Chunks } from './chunk.ts'
import type { JournalHome } from './journal-home.ts'
import type { Reader } from './reader.ts'
import { RECORD_HEAD_BYTES, recordLength } from './record.ts'
import { Run } from './run.ts'
import { encodeColumns, Segment, segmentName } from './segment.ts'
import { encodeSubjects, type SubjectsFile, subjectsName } from './subject-file.ts'

/** One step of copying: larger ones make commits wait behind them. */
const STEP_BYTES = 256 * 1024
/** A subjects file with more replaced entries than living ones, and more than this, is written anew. */
const SUBJECTS_SLACK = 1024

/** What a flush needs of the store. */
export interface FlushContext {
  readonly fs: FileSystem
  /** The folder of all streams. */
  readonly folder: string
  readonly segmentBytes: number
  readonly reader: Reader
  /** Where the next journal record goes. */
  lsn(): number
  /** Resolves when everything recorded so far is synced; rejects when it never will be. */
  synced(): Promise<void>
  /** Throws when the store is closing: a flush stops between two steps. */
  checkGoingOn(): void
}

/** The folder of a stream, in the folder of all streams. */
export function streamFolder(folder: string, stream: number): string {
  return `${folder}/${stream}`
}

/**
 * Flushes the runs of `home` whose records lie in `from.chunks`, and takes a checkpoint that includes all journal records
 * of messages below `messagesLsn`. The new runs, still readable from memory, go to `from.hot`. Throws when the disk is full.
 */
export async function flushStream(
  context: FlushContext,
  home: JournalHome,
  messagesLsn: number,
  from?: { chunks: Chunks; hot: Run[] },
): Promise<void> {
  const { index } = home.log
  const former = from?.chunks
  if (former && index.tail.chunks === former && index.tail.n > 0) index.startTail()
  const runs = former ? index.runs.filter((r) => r.chunks === former && !r.segment && r !== index.tail) : []
  await makeStreamFolder(context, home)
  for (const run of runs) {
    if (home.deleted) return
    const written = await writeRun(context, home, run)
    if (written) from?.hot.push(written)
  }
  if (!home.deleted) await takeCheckpoint(context, home, messagesLsn)
}

async function makeStreamFolder({ fs, folder }: FlushContext, home: JournalHome): Promise<void> {
  if (home.hasFolder) return
  await fs.makeFolder(streamFolder(folder, home.log.id))
  await fs.syncDir(folder)
  home.hasFolder = true
}

/** Copies one run to the newest segment and puts the copy in its place; undefined when nothing of it lived long enough. */
async function writeRun(context: FlushContext, home: JournalHome, run: Run): Promise<Run | undefined> {
  if (run.live === 0) return undefined
  const { file, segment } = await openForAppend(context, home, run)
  try {
    const runStart = segment.bytes
    const copy = await copyRecords(context, file, segment, run)
    if (!copy) return undefined
    const columns = encodeColumns(copy, runStart)
    const columnsAt = (copy.filePositions as Uint32Array)[copy.n]
    await append(file, segment.name, columns, columnsAt)
    // No await from here on: what died until now is carried over, and the copy takes the run's place.
    if (run.live === 0 || home.deleted) return undefined
    segment.bytes = columnsAt + columns.length
    segment.runs.push(copy)
    copy.segment = segment
    if (!home.segments.includes(segment)) home.segments.push(segment)
    home.log.index.replace(run, copy)
    return copy
  } finally {
    segment.growing = false
    await file.close()
  }
}

async function openForAppend(
  { fs, folder, segmentBytes }: FlushContext,
  home: JournalHome,
  run: Run,
): Promise<{ file: File; segment: Segment }> {
  const own = streamFolder(folder, home.log.id)
  const newest = home.segments.at(-1)
  if (newest && newest.bytes < segmentBytes) {
    const file = await fs.open(`${own}/${newest.name}`, 'durable')
    // All of it may have died meanwhile, and a checkpoint may be about to let it go.
    if (home.segments.includes(newest)) {
      newest.growing = true
      return { file, segment: newest }
    }
    await file.close()
  }
  const segment = new Segment(segmentName(run.seqOf(run.nextLiving(0))), 0)
  const path = `${own}/${segment.name}`
  // Left by a flush that did not come to its end; no checkpoint names it.
  if (await fs.exists(path)) await fs.unlink(path)
  const file = await fs.open(path, 'create-durable')
  await fs.syncDir(own)
  segment.growing = true
  return { file, segment }
}

/** The living records of `run`, one after the other, and a run that says where they are. */
async function copyRecords(context: FlushContext, file: File, segment: Segment, run: Run): Promise<Run | undefined> {
  const chunks = run.chunks as Chunks
  const room = run.live
  const copy = new Run(run.seqOf(run.nextLiving(0)), room)
  const offsets = new Uint32Array(room)
  const positions = new Uint32Array(room + 1)
  let step = Buffer.allocUnsafeSlow(STEP_BYTES)
  let filled = 0
  let at = segment.bytes
  for (let i = run.nextLiving(0); i < run.n; i = run.nextLiving(i + 1)) {
    const chunk = chunks.at(run.positions[i])
    const start = run.positions[i] - chunk.base
    const length = recordLength(chunk.view, start)
    if (filled + length > step.length && filled > 0) {
      await append(file, segment.name, step.subarray(0, filled), at)
      context.checkGoingOn()
      at += filled
      filled = 0
      // What died while this step was written is not needed on disk.
      if (run.live === 0) return undefined
      if (run.isDead(i)) continue
    }
    if (length > step.length) step = Buffer.allocUnsafeSlow(length)
    step.set(chunk.bytes.subarray(start, start + length), filled)
    offsets[copy.n] = run.seqOf(i) - copy.first
    positions[copy.n] = at + filled
    copy.push(run.positions[i], run.ids[i])
    filled += length
  }
  if (copy.n === 0) return undefined
  await append(file, segment.name, step.subarray(0, filled), at)
  context.checkGoingOn()
  positions[copy.n] = at + filled
  copy.chunks = chunks
  copy.filePositions = positions.subarray(0, copy.n + 1)
  if (offsets[copy.n - 1] !== copy.n - 1) copy.offsets = offsets.subarray(0, copy.n)
  return copy
}

async function append(file: File, name: string, bytes: Uint8Array, at: number): Promise<void> {
  const written = await file.appendDurable([bytes], at)
  if (written !== bytes.length) throw noSpace(name, written, bytes.length)
}

/** Writes the checkpoint of this moment, and then unlinks what it no longer names. */
async function takeCheckpoint(context: FlushContext, home: JournalHome, messagesLsn: number): Promise<void> {
  const { fs, folder, reader } = context
  const own = streamFolder(folder, home.log.id)
  assert(messagesLsn >= home.messagesLsn, 'I7: a checkpoint never goes back')
  sortOutDeadSegments(home)
  // A copy: what dies from now on is still named by this checkpoint.
  const gone = [...home.gone]
  // From here to `encodeCheckpoint` nothing is awaited: it is one moment.
  const subjects = nextSubjects(home)
  const checkpoint = snapshot(home, context.lsn(), messagesLsn, subjects.file)
  const bytes = encodeCheckpoint(checkpoint)
  const erasures = [...home.erasures]
  const synced = context.synced()
  // Awaited below; a failure in between must not be one that nobody heard of.
  synced.catch(() => {})
  try {
    await writeSubjects(context, own, subjects)
    await writeAside(fs, `${own}/${CHECKPOINT_NAME}`, bytes)
    await synced
    context.checkGoingOn()
    await putInPlace(fs, own, `${own}/${CHECKPOINT_NAME}`)
  } catch (error) {
    const { unsaved, counts } = home.log.index.subjects
    for (const id of subjects.ids) if (counts[id] > 0) unsaved?.add(id)
    throw error
  }
  const former = home.subjectsFile
  home.messagesLsn = messagesLsn
  home.subjectsFile = subjects.file
  home.gone = home.gone.filter((segment) => !gone.includes(segment))
  for (const segment of gone) {
    reader.forget(segment)
    await fs.unlink(`${own}/${segment.name}`)
  }
  for (const seq of erasures) await eraseMessage(context, home, seq)
  home.erasures = home.erasures.filter((seq) => !erasures.includes(seq))
  if (former && former.name !== subjects.file?.name) await fs.unlink(`${own}/${former.name}`)
}

/** Overwrites a dead message in its segment. In the journal it goes with its file; what never reached a segment is not there. */
async function eraseMessage({ fs, folder, reader }: FlushContext, home: JournalHome, seq: number): Promise<void> {
  for (const segment of home.segments) {
    const run = segment.runs.find((r) => r.find(seq) >= 0)
    if (!run) continue
    const i = run.find(seq)
    assert(run.isDead(i), 'only a removed message is erased')
    const positions = run.filePositions as Uint32Array
    const at = positions[i] + RECORD_HEAD_BYTES
    const file = await fs.open(`${streamFolder(folder, home.log.id)}/${segment.name}`, 'durable')
    try {
      await append(file, segment.name, new Uint8Array(positions[i + 1] - at), at)
    } finally {
      await file.close()
    }
    reader.forget(segment)
    return
  }
}

/** Segments in which nothing lives any more leave the list. */
function sortOutDeadSegments(home: JournalHome): void {
  const dead = home.segments.filter((s) => !s.growing && s.runs.every((run) => run.live === 0))
  if (dead.length === 0) return
  home.segments = home.segments.filter((s) => !dead.includes(s))
  home.gone = [...home.gone, ...dead]
}

interface NextSubjects {
  /** The file as it will be. */
  file: SubjectsFile | undefined
  ids: Set<number>
  block: Uint8Array | undefined
  at: number
  /** True when a file of its own is begun. */
  anew: boolean
}

function nextSubjects(home: JournalHome): NextSubjects {
  const table = home.log.index.subjects
  const former = home.subjectsFile
  const unsaved = table.unsaved ?? new Set<number>()
  const anew = !former || former.entries + unsaved.size > 2 * table.size + SUBJECTS_SLACK
  const ids = anew ? new Set(table.ids()) : unsaved
  table.unsaved = new Set()
  if (ids.size === 0 && !anew) return { file: former, ids, block: undefined, at: 0, anew: false }
  const { bytes, entries } = encodeSubjects(table, ids)
  const number = anew ? (former?.number ?? 0) + 1 : former.number
  const at = anew ? 0 : former.bytes
  const before = anew ? 0 : former.entries
  const file = { number, name: subjectsName(number), bytes: at + bytes.length, entries: before + entries }
  return { file, ids, block: bytes, at, anew }
}

async function writeSubjects({ fs }: FlushContext, own: string, next: NextSubjects): Promise<void> {
  if (!next.block || !next.file) return
  const path = `${own}/${next.file.name}`
  if (next.anew && (await fs.exists(path))) await fs.unlink(path)
  const file = await fs.open(path, next.anew ? 'create-durable' : 'durable')
  try {
    await append(file, next.file.name, next.block, next.at)
  } finally {
    await file.close()
  }
  if (next.anew) await fs.syncDir(own)
}

function snapshot(
  home: JournalHome,
  stateLsn: number,
  messagesLsn: number,
  subjects: SubjectsFile | undefined,
): Checkpoint {
  const { log } = home
  return {
    stream: log.id,
    config: log.config,
    messagesLsn,
    stateLsn,
    lastSeq: log.index.lastSeq,
    lastSeconds: log.lastSeconds,
    lastNanos: log.lastNanos,
    nextConsumerId: log.nextConsumerId,
    erasures: home.erasures,
    consumers: log.consumers().map((c) => ({ id: c.id, config: c.config, progress: c.progress.snapshot() })),
    segments: [
      ...home.damagedSegments,
      ...home.segments.map((s) => ({ name: s.name, bytes: s.bytes, dead: s.runs.map((r) => deadToText(r.dead, r.n)) })),
    ],
    subjects: subjects && { number: subjects.number, bytes: subjects.bytes, entries: subjects.entries },
  }
}

/** Removes the folder of a deleted stream. The checkpoint goes first: without it the rest is rubbish. */
export async function removeStreamFolder({ fs, folder }: FlushContext, stream: number): Promise<void> {
  const own = streamFolder(folder, stream)
  if (!(await fs.exists(own))) return
  const names = await fs.list(own)
  if (names.includes(CHECKPOINT_NAME)) {
    await fs.unlink(`${own}/${CHECKPOINT_NAME}`)
    await fs.syncDir(own)
  }
  for (const name of names) if (name !== CHECKPOINT_NAME) await fs.unlink(`${own}/${name}`)
  await fs.removeFolder(own)
  await fs.syncDir(folder)
}
