/**
 * A segment: a file of one stream, in which runs follow each other. A run that was written never changes (I9).
 *
 *  | records | pos u32[n] | subject id u32[n] | [seq offset u32[n] if sparse] | foot 64 | records | ...
 *
 *  foot:  0       4       8          16     20  24           28      32          36            40      44       48
 *         | magic | crc32 | first u64| span | n | columns at | flags | run start | columns crc | bytes | 0 ...   64
 *
 * crc32 of the foot is over bytes 8..64. `columns at` and `run start` are positions in the file: the foot before this one
 * ends at `run start`, so a file is opened at its last foot and walked back. Records end where the columns begin.
 */
import { readU64, writeU64 } from '../base/bytes.ts'
import { crc32 } from '../base/crc32.ts'
import type { File, FileSystem } from '../base/fs.ts'
import { Run } from './run.ts'

export const FOOT_BYTES = 64
/** 'HWS1' */
const MAGIC = 0x31535748
const FLAG_SPARSE = 1

export class Segment {
  /** Its name in the stream's folder: the sequence of its first entry when it was made. */
  readonly name: string
  /** Length of what is whole in it. */
  bytes: number
  /** In file order. */
  readonly runs: Run[] = []
  /** A run is being written to it: it must not go. */
  growing = false

  constructor(name: string, bytes: number) {
    this.name = name
    this.bytes = bytes
  }
}

/** The name of a segment that begins with `firstSeq`; names sort as their sequences do. */
export function segmentName(firstSeq: number): string {
  return `${String(firstSeq).padStart(16, '0')}.seg`
}

/** Columns and foot of a run whose records lie in [runStart, filePositions[n]). */
export function encodeColumns(run: Run, runStart: number): Uint8Array {
  const { n, ids, offsets } = run
  const positions = run.filePositions as Uint32Array
  const columnsAt = positions[n]
  const columnBytes = 4 * n * (offsets ? 3 : 2)
  const bytes = new Uint8Array(columnBytes + FOOT_BYTES)
  const view = new DataView(bytes.buffer)
  for (let i = 0; i < n; i++) {
    view.setUint32(4 * i, positions[i], true)
    view.setUint32(4 * (n + i), ids[i], true)
    if (offsets) view.setUint32(4 * (2 * n + i), offsets[i], true)
  }
  const foot = columnBytes
  view.setUint32(foot, MAGIC, true)
  writeU64(view, foot + 8, run.first)
  view.setUint32(foot + 16, run.endSeq - run.first, true)
  view.setUint32(foot + 20, n, true)
  view.setUint32(foot + 24, columnsAt, true)
  view.setUint32(foot + 28, offsets ? FLAG_SPARSE : 0, true)
  view.setUint32(foot + 32, runStart, true)
  view.setUint32(foot + 36, crc32(bytes, 0, columnBytes), true)
  view.setUint32(foot + 40, columnsAt - runStart, true)
  view.setUint32(foot + 4, crc32(bytes, foot + 8, foot + FOOT_BYTES), true)
  return bytes
}

/** Thrown when a file is not what a checkpoint says; the text names the place. */
export class SegmentDamage extends Error {}

/**
 * Reads the runs of a segment that a checkpoint names with `runsExpected` of them. Resolves with what is wrong with the file,
 * undefined when nothing is; rejects with a FileSystemError.
 */
export async function openSegment(
  fs: FileSystem,
  path: string,
  segment: Segment,
  runsExpected: number,
): Promise<SegmentDamage | undefined> {
  const file = await fs.open(path, 'read')
  try {
    await readRuns(file, path, segment)
    const runs = segment.runs.length
    if (runs === runsExpected) return undefined
    return new SegmentDamage(`${path}: has ${runs} runs, should have ${runsExpected}`)
  } catch (error) {
    if (error instanceof SegmentDamage) return error
    throw error
  } finally {
    await file.close()
  }
}

async function readRuns(file: File, path: string, segment: Segment): Promise<void> {
  let end = segment.bytes
  while (end > 0) {
    const { run, runStart } = await readRun(file, path, end)
    run.segment = segment
    segment.runs.unshift(run)
    end = runStart
  }
}

/** What a foot says; see the drawing. */
export interface Foot {
  first: number
  n: number
  columnsAt: number
  sparse: boolean
  runStart: number
  columnsCrc: number
}

/** The foot at `at`; undefined when there is none that is whole and unharmed. */
export function readFoot(bytes: Uint8Array, at: number): Foot | undefined {
  if (at < 0 || at + FOOT_BYTES > bytes.length) return undefined
  const view = new DataView(bytes.buffer, bytes.byteOffset + at, FOOT_BYTES)
  if (view.getUint32(0, true) !== MAGIC) return undefined
  if (view.getUint32(4, true) !== crc32(bytes, at + 8, at + FOOT_BYTES)) return undefined
  return {
    first: readU64(view, 8),
    n: view.getUint32(20, true),
    columnsAt: view.getUint32(24, true),
    sparse: (view.getUint32(28, true) & FLAG_SPARSE) !== 0,
    runStart: view.getUint32(32, true),
    columnsCrc: view.getUint32(36, true),
  }
}

async function readRun(file: File, path: string, end: number): Promise<{ run: Run; runStart: number }> {
  const at = end - FOOT_BYTES
  const foot = readFoot(await exactly(file, path, at, FOOT_BYTES), 0)
  if (!foot) throw new SegmentDamage(`${path}: no run ends at byte ${end}`)
  const { n, columnsAt, sparse, runStart } = foot
  const columns = await exactly(file, path, columnsAt, at - columnsAt)
  if (columns.length !== 4 * n * (sparse ? 3 : 2) || crc32(columns, 0, columns.length) !== foot.columnsCrc) {
    throw new SegmentDamage(`${path}: the index at byte ${columnsAt} does not match its checksum`)
  }
  const words = new DataView(columns.buffer)
  const run = new Run(foot.first, n)
  const positions = new Uint32Array(n + 1)
  if (sparse) run.offsets = new Uint32Array(n)
  for (let i = 0; i < n; i++) {
    positions[i] = words.getUint32(4 * i, true)
    run.ids[i] = words.getUint32(4 * (n + i), true)
    if (run.offsets) run.offsets[i] = words.getUint32(4 * (2 * n + i), true)
  }
  positions[n] = columnsAt
  run.filePositions = positions
  run.positions = new Uint32Array(0)
  run.n = n
  run.live = n
  return { run, runStart }
}

async function exactly(file: File, path: string, at: number, length: number): Promise<Uint8Array> {
  if (at < 0 || length < 0) throw new SegmentDamage(`${path}: an index points outside of the file`)
  const bytes = new Uint8Array(length)
  const read = length === 0 ? 0 : await file.readAt(bytes, at)
  if (read !== length) throw new SegmentDamage(`${path}: ends before byte ${at + length}`)
  return bytes
}
