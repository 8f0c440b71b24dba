/** Takes the checkpoint of one stream: one moment of it, put in place when the frames that it saw are synced. */
import { assert } from '../base/assert.ts'
import { putInPlace, writeAside } from './atomic-file.ts'
import { CHECKPOINT_NAME, type Checkpoint, deadToText, encodeCheckpoint } from './checkpoint.ts'
import { append, type FlushContext, streamFolder } from './flush-context.ts'
import type { JournalHome } from './journal-home.ts'
import { columnsOf } from './kept-ids.ts'
import { RECORD_HEAD_BYTES } from './record.ts'
import type { KeptId } from './stream-log.ts'
import { encodeSubjects, type SubjectsFile, subjectsName } from './subject-file.ts'

/** A subjects file with more replaced entries than living ones, and more than this, is written anew. */
const SUBJECTS_SLACK = 1024

/** Writes the checkpoint of this moment, and then unlinks what it no longer names. */
export async function takeCheckpoint(context: FlushContext, home: JournalHome, messagesLsn: number): Promise<void> {
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

/**
 * The ids that would be lost with the journal below `messagesLsn`. Whether the checkpoint, or the replay over it, has the id
 * of a message depends on where the message stands at this moment:
 * - alive and in no segment: its record is at or after `messagesLsn`, and every replay meets it, even if its removal follows;
 * - in a segment: a later removal is replayed, but it tells no id, and the record is behind us. It is kept here;
 * - gone: its record may be on either side of `messagesLsn`. It is kept here;
 * - appended after this moment: its record is after `stateLsn`, and so after `messagesLsn`.
 * Every id kept is of a record that is written by now: the checkpoint is put in place when that one is synced. Until the
 * engine took in what the start found, its window is not whole, and no id is added to it: what was found is all there is.
 */
function idsNow({ log }: JournalHome): KeptId[] {
  if (log.recoveredIds.length > 0) return log.recoveredIds
  const isReplayed = (seq: number): boolean => {
    const run = log.index.runOf(seq)
    if (!run || run.segment) return false
    const i = run.find(seq)
    return i >= 0 && !run.isDead(i)
  }
  return log.keptIds?.(isReplayed) ?? []
}

function snapshot(
  home: JournalHome,
  stateLsn: number,
  messagesLsn: number,
  subjects: SubjectsFile | undefined,
): Checkpoint {
  const { log } = home
  const ids = idsNow(home)
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
    ...(ids.length > 0 && { ids: columnsOf(ids) }),
    consumers: log.consumers().map((c) => ({ id: c.id, config: c.config, progress: c.progress.snapshot() })),
    segments: [
      ...home.damagedSegments,
      ...home.segments.map((s) => ({ name: s.name, bytes: s.bytes, dead: s.runs.map((r) => deadToText(r.dead, r.n)) })),
    ],
    subjects: subjects && { number: subjects.number, bytes: subjects.bytes, entries: subjects.entries },
  }
}
