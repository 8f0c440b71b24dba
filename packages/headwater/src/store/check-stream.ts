/** Checks the folder of one stream: every record, column and foot of its segments, its subjects, and that they agree. */
import type { FileSystem } from '../base/fs.ts'
import { readWhole } from './atomic-file.ts'
import type { Finding, OnFile } from './check-report.ts'
import { type Checkpoint, deadFromText, type SegmentEntry } from './checkpoint.ts'
import { isSet } from './dead-bits.ts'
import { checkedLength, recordSeq, recordStream, recordSubject } from './record.ts'
import type { Run } from './run.ts'
import { openSegment, Segment, SegmentDamage } from './segment.ts'
import { rebuildRuns } from './segment-rebuild.ts'
import { decodeSubjects, subjectsName } from './subject-file.ts'

/** What was read, and what was found wrong. */
export interface StreamChecked {
  files: number
  bytes: number
  messages: number
  readonly findings: Finding[]
}

/** Checks everything that `checkpoint` names in `own`. */
export async function checkStream(
  fs: FileSystem,
  own: string,
  checkpoint: Checkpoint,
  stream: string,
  onFile: OnFile,
): Promise<StreamChecked> {
  const checked: StreamChecked = { files: 1, bytes: 0, messages: 0, findings: [] }
  const names = await checkSubjects(fs, own, checkpoint, stream, onFile, checked)
  const sorted = [...checkpoint.segments].sort((a, b) => (a.name < b.name ? -1 : 1))
  for (const [i, entry] of sorted.entries()) {
    const path = `${own}/${entry.name}`
    onFile(path)
    const range = rangeOf(entry, sorted[i + 1], checkpoint)
    const bytes = await bytesOf(fs, path).catch((error: Error) => error)
    if (!bytes || bytes instanceof Error) {
      const what = bytes ? `the segment cannot be read: ${bytes.message}` : 'the segment is missing'
      checked.findings.push(lostRange(path, undefined, stream, range, what))
      continue
    }
    checked.files++
    checked.bytes += bytes.length
    await checkSegment({ fs, path, entry, bytes, checkpoint, stream, range, names, checked })
  }
  return checked
}

type Range = readonly [first: number, last: number]

/** Which sequences a segment may hold: from its name to the next one's. */
function rangeOf(entry: SegmentEntry, next: SegmentEntry | undefined, checkpoint: Checkpoint): Range {
  const first = Number.parseInt(entry.name, 10)
  const last = next ? Number.parseInt(next.name, 10) - 1 : checkpoint.lastSeq
  return [first, Math.max(first, last)]
}

function lostRange(file: string, offset: number | undefined, stream: string, range: Range, what: string): Finding {
  const lost = `messages of ${stream} with sequences from ${range[0]} to at most ${range[1]}`
  return { severity: 'lost', file, ...(offset === undefined ? {} : { offset }), stream, sequences: range, what, lost }
}

async function bytesOf(fs: FileSystem, path: string): Promise<Uint8Array | undefined> {
  return (await fs.exists(path)) ? readWhole(fs, path) : undefined
}

/** The text of each number; undefined when the file does not hold. */
async function checkSubjects(
  fs: FileSystem,
  own: string,
  { subjects }: Checkpoint,
  stream: string,
  onFile: OnFile,
  checked: StreamChecked,
): Promise<Map<number, string> | undefined> {
  const names = new Map<number, string>()
  if (!subjects) return names
  const file = `${own}/${subjectsName(subjects.number)}`
  onFile(file)
  const bytes = await bytesOf(fs, file)
  const mendable = (what: string, offset?: number): undefined => {
    const lost = 'nothing: the subjects are read from the messages'
    checked.findings.push({
      severity: 'mendable',
      file,
      ...(offset === undefined ? {} : { offset }),
      stream,
      what,
      lost,
    })
  }
  if (!bytes) return mendable('the file of subjects is missing')
  checked.files++
  checked.bytes += bytes.length
  const bad = decodeSubjects(bytes.subarray(0, subjects.bytes), { restore: (id, text) => void names.set(id, text) })
  if (bad >= 0) return mendable('a block of subjects does not match its checksum', bad)
  if (bytes.length < subjects.bytes)
    return mendable(`the file ends, and should have ${subjects.bytes} bytes`, bytes.length)
  return names
}

interface SegmentCheck {
  fs: FileSystem
  path: string
  entry: SegmentEntry
  bytes: Uint8Array
  checkpoint: Checkpoint
  stream: string
  range: Range
  names: Map<number, string> | undefined
  checked: StreamChecked
}

async function checkSegment(check: SegmentCheck): Promise<void> {
  const { fs, path, entry, bytes, checkpoint, stream, range, checked } = check
  if (entry.damage !== undefined) {
    checked.findings.push(lostRange(path, undefined, stream, range, `left out since a former start: ${entry.damage}`))
    return
  }
  if (bytes.length < entry.bytes) {
    checked.findings.push(
      lostRange(path, bytes.length, stream, range, `the segment ends, and should have ${entry.bytes} bytes`),
    )
    return
  }
  const segment = new Segment(entry.name, entry.bytes)
  const harm = await openSegment(fs, path, segment, entry.dead.length)
  if (harm && !mended(check, segment, harm)) return
  for (const [r, run] of segment.runs.entries()) checkRun(check, run, deadFromText(entry.dead[r], run.n), checkpoint)
}

/** Whether the index can be made from the records; says either. */
function mended(
  { path, entry, bytes, checkpoint, stream, range, checked }: SegmentCheck,
  segment: Segment,
  harm: Error,
): boolean {
  const what = harm.message.replace(`${path}: `, '')
  try {
    rebuildRuns(bytes.subarray(0, entry.bytes), path, segment, checkpoint.stream, () => 1)
  } catch (error) {
    if (!(error instanceof SegmentDamage)) throw error
    const offset = Number(/byte (\d+)/.exec(error.message)?.[1] ?? 0)
    checked.findings.push(lostRange(path, offset, stream, range, `${what}; and it cannot be made from the messages`))
    return false
  }
  if (segment.runs.length !== entry.dead.length) {
    checked.findings.push(lostRange(path, undefined, stream, range, what))
    return false
  }
  for (const run of segment.runs) run.ids.fill(0)
  const offset = Number(/byte (\d+)/.exec(harm.message)?.[1] ?? entry.bytes)
  const lost = 'nothing: the index is made from the messages'
  checked.findings.push({ severity: 'mendable', file: path, offset, stream, what, lost })
  return true
}

/** Every living record: whole, where the index says, with the sequence and the subject that the index says. */
function checkRun(
  { path, bytes, stream, names, checked }: SegmentCheck,
  run: Run,
  dead: Uint32Array | undefined,
  checkpoint: Checkpoint,
): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const positions = run.filePositions as Uint32Array
  for (let i = 0; i < run.n; i++) {
    if (dead && isSet(dead, i)) continue
    const at = positions[i]
    const seq = run.seqOf(i)
    const length = checkedLength(bytes, view, at, bytes.length)
    const isRight =
      length === positions[i + 1] - at && recordSeq(view, at) === seq && recordStream(view, at) === checkpoint.stream
    const name = names?.get(run.ids[i])
    const isNamed = !isRight || name === undefined || run.ids[i] === 0 || recordSubject(bytes, view, at) === name
    if (isRight && isNamed) {
      checked.messages++
      continue
    }
    const what = isRight
      ? 'the message has another subject than its index says'
      : 'the message does not match its checksum'
    const lost = `message ${seq} of ${stream}${name === undefined ? '' : `, subject ${name}`}`
    checked.findings.push({ severity: 'lost', file: path, offset: at, stream, sequences: [seq, seq], what, lost })
  }
}
