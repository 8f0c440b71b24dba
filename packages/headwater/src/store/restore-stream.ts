/** Brings a stream back from its folder: checkpoint, subjects, segments. What cannot be read is said, with its place. */
import { textOf } from '../base/bytes.ts'
import type { FileSystem, FileSystemError } from '../base/fs.ts'
import { readWhole, TMP_SUFFIX } from './atomic-file.ts'
import { CHECKPOINT_NAME, type Checkpoint, deadFromText, decodeCheckpoint, type SegmentEntry } from './checkpoint.ts'
import { ConsumerProgress } from './consumer-progress.ts'
import { isSet } from './dead-bits.ts'
import type { JournalHome } from './journal-home.ts'
import { idsOf } from './kept-ids.ts'
import { LoggedConsumer } from './logged-consumer.ts'
import { openSegment, Segment, SegmentDamage } from './segment.ts'
import { readSubjects, rebuildRuns } from './segment-rebuild.ts'
import { decodeSubjects, subjectsName } from './subject-file.ts'

/** The checkpoint in `own`; undefined when it is damaged. The folder has one. */
export async function readCheckpoint(fs: FileSystem, own: string): Promise<Checkpoint | undefined> {
  return decodeCheckpoint(await readWhole(fs, `${own}/${CHECKPOINT_NAME}`))
}

/**
 * The configuration that a damaged checkpoint seems to hold: never served, but good enough to keep others from taking the
 * stream's name and subjects.
 */
export async function configGuess(fs: FileSystem, own: string): Promise<string | undefined> {
  const text = textOf(await readWhole(fs, `${own}/${CHECKPOINT_NAME}`))
  const [, config] = /"config":("(?:[^"\\]|\\.)*")/.exec(text) ?? []
  try {
    return config === undefined ? undefined : (JSON.parse(config) as string)
  } catch {
    return undefined
  }
}

/** What is wrong with a stream, as sentences; `served` is false when what is left would not be right. */
export interface RestoreResult {
  readonly served: boolean
  readonly problems: string[]
  /** What was damaged and could be rebuilt whole from the records. */
  readonly repaired: string[]
}

interface Restoring {
  fs: FileSystem
  own: string
  checkpoint: Checkpoint
  home: JournalHome
  repaired: string[]
  /** The subjects file, as far as it counts. */
  subjectBytes: Uint8Array
  /** The newest number of each text in it: made when an index has to be rebuilt. */
  ids: Map<string, number> | undefined
  /** What is wrong with the subjects file. */
  subjectsHarm: string | undefined
}

/** Fills `home` and its log. An index that is damaged is rebuilt; a segment of which it cannot be is left out. */
export async function restoreStream(
  fs: FileSystem,
  own: string,
  checkpoint: Checkpoint,
  home: JournalHome,
  onRead: (bytes: number) => void = () => {},
): Promise<RestoreResult> {
  const { log } = home
  home.messagesLsn = checkpoint.messagesLsn
  home.hasFolder = true
  home.erasures = [...checkpoint.erasures]
  log.recoveredIds = checkpoint.ids ? idsOf(checkpoint.ids) : []
  for (const { id, config, progress } of checkpoint.consumers) {
    log.restoreConsumer(id, new LoggedConsumer(log, id, config, ConsumerProgress.restore(progress)))
  }
  log.nextConsumerId = checkpoint.nextConsumerId
  const restoring: Restoring = {
    fs,
    own,
    checkpoint,
    home,
    repaired: [],
    subjectBytes: new Uint8Array(0),
    ids: undefined,
    subjectsHarm: undefined,
  }
  try {
    await restoreSubjects(restoring)
    for (const entry of checkpoint.segments) {
      await restoreSegment(restoring, entry)
      onRead(entry.bytes)
    }
  } catch (error) {
    return { served: false, problems: [error instanceof Error ? error.message : String(error)], repaired: [] }
  }
  log.index.subjects.sweep()
  await sweepFolder(fs, own, home)
  const problems = home.damagedSegments.map((entry) => entry.damage ?? entry.name)
  return { served: true, problems, repaired: restoring.repaired }
}

async function restoreSubjects(restoring: Restoring): Promise<void> {
  const { fs, own, checkpoint, home } = restoring
  if (!checkpoint.subjects) return
  const { number, bytes, entries } = checkpoint.subjects
  const name = subjectsName(number)
  const found = await readIfThere(fs, `${own}/${name}`)
  restoring.subjectBytes = (found ?? new Uint8Array(0)).subarray(0, bytes)
  const bad = found && decodeSubjects(restoring.subjectBytes, home.log.index.subjects)
  if (!found) restoring.subjectsHarm = `${own}/${name}: is missing`
  else if (bad !== undefined && bad >= 0) {
    restoring.subjectsHarm = `${own}/${name}, byte ${bad}: does not match its checksum`
  } else if (found.length < bytes) {
    restoring.subjectsHarm = `${own}/${name}, byte ${found.length}: ends there, should have ${bytes} bytes`
  } else home.subjectsFile = { number, name, bytes, entries }
  // Without `subjectsFile` the next checkpoint writes all of them anew.
  if (restoring.subjectsHarm) restoring.repaired.push(`${restoring.subjectsHarm}; read from the messages instead`)
}

/** The newest number of each text. A whole map of them is dear, and mostly not needed. */
function idsByText(restoring: Restoring): Map<string, number> {
  const ids = new Map<string, number>()
  if (!restoring.ids) decodeSubjects(restoring.subjectBytes, { restore: (id, text) => void ids.set(text, id) })
  restoring.ids ??= ids
  return restoring.ids
}

async function readIfThere(fs: FileSystem, path: string): Promise<Uint8Array | undefined> {
  try {
    return await readWhole(fs, path)
  } catch (error) {
    if ((error as FileSystemError).code === 'ENOENT') return undefined
    throw error
  }
}

async function restoreSegment(restoring: Restoring, entry: SegmentEntry): Promise<void> {
  const { home, own } = restoring
  if (entry.damage !== undefined) {
    home.damagedSegments.push(entry)
    return
  }
  const segment = new Segment(entry.name, entry.bytes)
  try {
    await readSegment(restoring, `${own}/${entry.name}`, entry, segment)
  } catch (error) {
    // Any other error may be gone at the next start: what it hides must not be taken for lost.
    const lost = error instanceof SegmentDamage || (error as FileSystemError).code === 'ENOENT'
    if (!lost) throw error
    const damage = `${(error as Error).message}; ${lostText(restoring.checkpoint, entry)}`
    home.damagedSegments.push({ ...entry, damage })
    return
  }
  for (const [i, run] of segment.runs.entries()) {
    const positions = run.filePositions as Uint32Array
    home.log.index.restoreRun(run, deadFromText(entry.dead[i], run.n), (k) => positions[k + 1] - positions[k] - 2)
  }
  home.segments.push(segment)
}

async function readSegment(restoring: Restoring, path: string, entry: SegmentEntry, segment: Segment): Promise<void> {
  const { fs, checkpoint } = restoring
  const harm = await openSegment(fs, path, segment, entry.dead.length)
  if (!harm && !restoring.subjectsHarm) return
  const bytes = (await readWhole(fs, path)).subarray(0, entry.bytes)
  if (harm) rebuildIndex(restoring, bytes, path, entry, segment, harm)
  else restoreTexts(restoring, bytes, path, entry, segment, checkpoint.stream)
}

/** Throws SegmentDamage with what was wrong first. */
function rebuildIndex(
  restoring: Restoring,
  bytes: Uint8Array,
  path: string,
  entry: SegmentEntry,
  segment: Segment,
  harm: SegmentDamage,
): void {
  const { checkpoint, repaired, subjectsHarm } = restoring
  if (subjectsHarm || bytes.length < entry.bytes) throw harm
  const ids = idsByText(restoring)
  try {
    rebuildRuns(bytes, path, segment, checkpoint.stream, (subject) => ids.get(subject) ?? 0)
  } catch (error) {
    if (error instanceof SegmentDamage) throw new SegmentDamage(`${harm.message}; and ${error.message}`)
    throw error
  }
  const isRight = segment.runs.length === entry.dead.length && everyLivingKnown(entry, segment)
  if (!isRight) throw harm
  repaired.push(`${harm.message}; its index was rebuilt from its messages`)
}

function everyLivingKnown(entry: SegmentEntry, segment: Segment): boolean {
  return segment.runs.every((run, r) => {
    const dead = deadFromText(entry.dead[r], run.n)
    for (let i = 0; i < run.n; i++) if (run.ids[i] === 0 && !(dead && isSet(dead, i))) return false
    return true
  })
}

/** The texts of the numbers in `segment`, from its messages. Throws when one cannot be read: its subject is told nowhere else. */
function restoreTexts(
  { home, subjectsHarm }: Restoring,
  bytes: Uint8Array,
  path: string,
  entry: SegmentEntry,
  segment: Segment,
  stream: number,
): void {
  for (const [r, run] of segment.runs.entries()) {
    const dead = deadFromText(entry.dead[r], run.n)
    const isDead = (i: number): boolean => dead !== undefined && isSet(dead, i)
    const restore = (id: number, subject: string): void => home.log.index.subjects.restore(id, subject)
    const [harmed] = readSubjects(bytes, run, stream, isDead, restore)
    if (harmed !== undefined) {
      throw new Error(`${subjectsHarm}; and ${path}, byte ${harmed}: the message does not match its checksum`)
    }
  }
}

/** Which sequences a segment held that is left out: from its name to the next one's. */
function lostText(checkpoint: Checkpoint, entry: SegmentEntry): string {
  const first = Number.parseInt(entry.name, 10)
  const nextName = checkpoint.segments
    .map(({ name }) => name)
    .filter((name) => name > entry.name)
    .sort()[0]
  const last = nextName === undefined ? checkpoint.lastSeq : Number.parseInt(nextName, 10) - 1
  return `its messages, with sequences from ${first} to at most ${Math.max(first, last)}, are missing`
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
