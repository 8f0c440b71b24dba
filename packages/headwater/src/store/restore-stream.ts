/** Brings a stream back from its folder: checkpoint, subjects, segments. What cannot be read is said, with its place. */
import type { FileSystem } from '../base/fs.ts'
import { readWhole, TMP_SUFFIX } from './atomic-file.ts'
import { CHECKPOINT_NAME, type Checkpoint, deadFromText, decodeCheckpoint } from './checkpoint.ts'
import { ConsumerProgress } from './consumer-progress.ts'
import type { JournalHome } from './journal-home.ts'
import { LoggedConsumer } from './logged-consumer.ts'
import { openSegment, Segment } from './segment.ts'
import { decodeSubjects, subjectsName } from './subject-file.ts'

/** The checkpoint in `own`; undefined when it is damaged. The folder has one. */
export async function readCheckpoint(fs: FileSystem, own: string): Promise<Checkpoint | undefined> {
  return decodeCheckpoint(await readWhole(fs, `${own}/${CHECKPOINT_NAME}`))
}

/** Fills `home` and its log. Returns sentences about what is damaged; when there are any, the stream must not be served. */
export async function restoreStream(
  fs: FileSystem,
  own: string,
  checkpoint: Checkpoint,
  home: JournalHome,
): Promise<string[]> {
  const { log } = home
  home.messagesLsn = checkpoint.messagesLsn
  home.hasFolder = true
  for (const { id, config, progress } of checkpoint.consumers) {
    log.restoreConsumer(id, new LoggedConsumer(log, id, config, ConsumerProgress.restore(progress)))
  }
  log.nextConsumerId = checkpoint.nextConsumerId
  try {
    await restoreSubjects(fs, own, checkpoint, home)
    for (const entry of checkpoint.segments) await restoreSegment(fs, own, entry, home)
  } catch (error) {
    return [error instanceof Error ? error.message : String(error)]
  }
  log.index.subjects.sweep()
  await sweepFolder(fs, own, home)
  return []
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

async function restoreSegment(
  fs: FileSystem,
  own: string,
  entry: Checkpoint['segments'][number],
  home: JournalHome,
): Promise<void> {
  const path = `${own}/${entry.name}`
  const segment = new Segment(entry.name, entry.bytes)
  const file = await fs.open(path, 'read')
  try {
    await openSegment(file, path, segment)
  } finally {
    await file.close()
  }
  if (segment.runs.length !== entry.dead.length) {
    throw new Error(`${path}: has ${segment.runs.length} runs, should have ${entry.dead.length}`)
  }
  for (const [i, run] of segment.runs.entries()) {
    const positions = run.filePositions as Uint32Array
    home.log.index.restoreRun(run, deadFromText(entry.dead[i], run.n), (k) => positions[k + 1] - positions[k] - 2)
  }
  home.segments.push(segment)
}

/** Unlinks what no checkpoint names: left by a flush that did not come to its end. */
async function sweepFolder(fs: FileSystem, own: string, home: JournalHome): Promise<void> {
  const named = new Set([CHECKPOINT_NAME, home.subjectsFile?.name, ...home.segments.map((s) => s.name)])
  for (const name of await fs.list(own)) {
    const ours = name.endsWith(TMP_SUFFIX) || name.endsWith('.seg') || name.startsWith('subjects')
    if (ours && !named.has(name)) await fs.unlink(`${own}/${name}`)
  }
}
