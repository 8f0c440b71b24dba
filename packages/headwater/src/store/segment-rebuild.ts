/**
 * Rebuilds what can be derived from the records of a segment: its index when a foot or a column is damaged, and the texts
 * of subjects when their file is. A record carries its own checksum, sequence and subject, so nothing is guessed: what does
 * not come out whole is refused, and the segment is left out.
 */
import { readU64 } from '../base/bytes.ts'
import { checkedLength, RECORD_HEAD_BYTES, recordLength, recordSeq, recordStream, recordSubject } from './record.ts'
import { Run } from './run.ts'
import { FOOT_BYTES, readFoot, type Segment, SegmentDamage } from './segment.ts'

/** What a walk over the records of one run found. */
export interface WalkedRun {
  readonly start: number
  /** Where its records end, and its columns begin. */
  readonly end: number
  readonly positions: number[]
  readonly seqs: number[]
  /** '' for a message that was overwritten. */
  readonly subjects: string[]
}

/** Walks the records of stream `stream` from byte `start` to the first place that is none. Never throws. */
export function walkRecords(bytes: Uint8Array, start: number, stream: number): WalkedRun {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const positions: number[] = []
  const seqs: number[] = []
  const subjects: string[] = []
  let at = start
  while (at + RECORD_HEAD_BYTES <= bytes.length && recordStream(view, at) === stream) {
    const isWhole = checkedLength(bytes, view, at, bytes.length) > 0
    if (!isWhole && !isErased(bytes, view, at)) break
    const seq = recordSeq(view, at)
    if (seqs.length > 0 && seq <= seqs[seqs.length - 1]) break
    positions.push(at)
    seqs.push(seq)
    subjects.push(isWhole ? recordSubject(bytes, view, at) : '')
    at += recordLength(view, at)
  }
  return { start, end: at, positions, seqs, subjects }
}

/** True for a message whose bytes were overwritten: its head stands, and all after it is zero. */
export function isErased(bytes: Uint8Array, view: DataView, at: number): boolean {
  const end = at + recordLength(view, at)
  if (end <= at + RECORD_HEAD_BYTES || end > bytes.length) return false
  for (let p = at + RECORD_HEAD_BYTES; p < end; p++) if (bytes[p] !== 0) return false
  return true
}

/** Bytes of columns and foot of a run with these sequences. */
export function indexBytes(seqs: readonly number[]): number {
  const isSparse = seqs[seqs.length - 1] - seqs[0] !== seqs.length - 1
  return 4 * seqs.length * (isSparse ? 3 : 2) + FOOT_BYTES
}

/**
 * Fills `segment.runs` from its records alone; `idOf` gives the number of a subject, 0 for one that is not known.
 * Throws SegmentDamage with the first place that does not hold.
 */
export function rebuildRuns(
  bytes: Uint8Array,
  path: string,
  segment: Segment,
  stream: number,
  idOf: (subject: string) => number,
): void {
  segment.runs.length = 0
  for (let start = 0; start < segment.bytes; ) {
    const walked = walkRecords(bytes, start, stream)
    const { end, positions, seqs, subjects } = walked
    if (seqs.length === 0) throw new SegmentDamage(`${path}, byte ${start}: no record begins there`)
    const next = end + indexBytes(seqs)
    if (next > segment.bytes || !indexAgrees(bytes, walked, next)) {
      throw new SegmentDamage(`${path}, byte ${end}: neither a record nor the index of those before it`)
    }
    const run = new Run(seqs[0], seqs.length)
    run.filePositions = Uint32Array.from([...positions, end])
    run.positions = new Uint32Array(0)
    if (next - end !== 8 * seqs.length + FOOT_BYTES) run.offsets = Uint32Array.from(seqs, (seq) => seq - seqs[0])
    for (let i = 0; i < seqs.length; i++) run.ids[i] = subjects[i] === '' ? 0 : idOf(subjects[i])
    run.n = seqs.length
    run.live = seqs.length
    run.segment = segment
    segment.runs.push(run)
    start = next
  }
}

/** One of the two halves of an index that is damaged in one place still holds: the foot, or the column of positions. */
function indexAgrees(bytes: Uint8Array, { start, end, positions, seqs }: WalkedRun, next: number): boolean {
  const foot = readFoot(bytes, next - FOOT_BYTES)
  if (foot) {
    return foot.n === seqs.length && foot.columnsAt === end && foot.runStart === start && foot.first === seqs[0]
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return positions.every((position, i) => view.getUint32(end + 4 * i, true) === position)
}

/** Calls `restore` with the subject of every living entry of `run` whose record holds; returns the positions of the others. */
export function readSubjects(
  bytes: Uint8Array,
  run: Run,
  stream: number,
  isDead: (i: number) => boolean,
  restore: (id: number, subject: string) => void,
): number[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const positions = run.filePositions as Uint32Array
  const harmed: number[] = []
  for (let i = 0; i < run.n; i++) {
    if (isDead(i)) continue
    const at = positions[i]
    const length = checkedLength(bytes, view, at, bytes.length)
    const right = length === positions[i + 1] - at && recordStream(view, at) === stream
    if (right && readU64(view, at + 16) === run.seqOf(i)) restore(run.ids[i], recordSubject(bytes, view, at))
    else harmed.push(at)
  }
  return harmed
}
