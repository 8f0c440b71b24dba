/** Brings a stream back from its folder: checkpoint, subjects, segments. What cannot be read is said, with its place. */
import type { FileSystem, FileSystemError } from '../base/fs.ts'
import { readWhole, TMP_SUFFIX } from './atomic-file.ts'
import { CHECKPOINT_NAME, type Checkpoint, deadFromText, decodeCheckpoint, type SegmentEntry } from './checkpoint.ts'
import { ConsumerProgress } from './consumer-progress.ts'
import type { JournalHome } from './journal-home.ts'
import { LoggedConsumer } from './logged-consumer.ts'
import { openSegment, Segment, SegmentDamage } from './segment.ts'
import { decodeSubjects, subjectsName } from './subject-file.ts'

/** The checkpoint in `own`; undefined when it is damaged. The folder has one. */
export async function readCheckpoint(fs: FileSystem, own: string): Promise<Checkpoint | undefined> {
  return decodeCheckpoint(await readWhole(fs, `${own}/${CHECKPOINT_NAME}`))
}

/** What is wrong with a stream, as sentences; `served` is false when what is left would not be right. */
export interface RestoreResult {
  readonly served: boolean
  readonly problems: string[]
}

/** Fills `home` and its log. A segment that is damaged is left out, and the rest is served. */
export async function restoreStream(
  fs: FileSystem,
  own: string,
  checkpoint: Checkpoint,
  home: JournalHome,
): Promise<RestoreResult> {
  const { log } = home
  home.messagesLsn = checkpoint.messagesLsn
  home.hasFolder = true
  home.erasures = [...checkpoint.erasures]
  for (const { id, config, progress } of checkpoint.consumers) {
    log.restoreConsumer(id, new LoggedConsumer(log, id, config, ConsumerProgress.restore(progress)))
  }
  log.nextConsumerId = checkpoint.nextConsumerId
  try {
    await restoreSubjects(fs, own, checkpoint, home)
    for (const entry of checkpoint.segments) await restoreSegment(fs, own, entry, home)
  } catch (error) {
    return { served: false, problems: [error instanceof Error ? error.message : String(error)] }
  }
  log.index.subjects.sweep()
  await sweepFolder(fs, own, home)
  return { served: true, problems: home.damagedSegments.map((entry) => entry.damage ?? entry.name) }
}

async function restoreSubjects(fs: FileSystem, own: string, checkpoint: Checkpoint, home: JournalHome): Promise<void> {
  if (!checkpoint.subjects) return
  const { number, bytes, entries } = checkpoint.subjects
  const name = subjectsName(number)
  const found = await readWhole(fs, `${own}/${name}`)
  if (found.length < bytes) throw new Error(`${own}/${name}: ends at byte ${found.length}, should have ${bytes}`)
  const bad = decodeSubjects(found.subarray(0, bytes), home.log.index.subjects)
  if (bad >= 0) throw new Error(`${own}/${name}, byte ${bad}: does not match its checksum`)
  home.subjectsFile = { number, name, bytes, entries }
}

async function restoreSegment(fs: FileSystem, own: string, entry: SegmentEntry, home: JournalHome): Promise<void> {
  if (entry.damage !== undefined) {
    home.damagedSegments.push(entry)
    return
  }
  const segment = new Segment(entry.name, entry.bytes)
  try {
    await readSegment(fs, `${own}/${entry.name}`, entry, segment)
  } catch (error) {
    // Any other error may be gone at the next start: what it hides must not be taken for lost.
    const lost = error instanceof SegmentDamage || (error as FileSystemError).code === 'ENOENT'
    if (!lost) throw error
    home.damagedSegments.push({ ...entry, damage: (error as Error).message })
    return
  }
  for (const [i, run] of segment.runs.entries()) {
    const positions = run.filePositions as Uint32Array
    home.log.index.restoreRun(run, deadFromText(entry.dead[i], run.n), (k) => positions[k + 1] - positions[k] - 2)
  }
  home.segments.push(segment)
}

async function readSegment(fs: FileSystem, path: string, entry: SegmentEntry, segment: Segment): Promise<void> {
  const file = await fs.open(path, 'read')
  try {
    await openSegment(file, path, segment)
  } finally {
    await file.close()
  }
  if (segment.runs.length !== entry.dead.length) {
    throw new SegmentDamage(`${path}: has ${segment.runs.length} runs, should have ${entry.dead.length}`)
  }
}

/** Unlinks what no checkpoint names: left by a flush that did not come to its end. */
async function sweepFolder(fs: FileSystem, own: string, home: JournalHome): Promise<void> {
  const named = new Set([CHECKPOINT_NAME, home.subjectsFile?.name, ...home.segments.map((s) => s.name)])
  for (const { name } of home.damagedSegments) named.add(name)
  for (const name of await fs.list(own)) {
    const ours = name.endsWith(TMP_SUFFIX) || name.endsWith('.seg') || name.startsWith('subjects')
    if (ours && !named.has(name)) await fs.unlink(`${own}/${name}`)
  }
}
