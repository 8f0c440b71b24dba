/**
 * Compaction: segments in which few messages live are written anew, together, as one run in one file. The old files go when
 * a checkpoint names the new one; until then a crash finds everything as it was.
 */
import { assert } from '../base/assert.ts'
import type { File } from '../base/fs.ts'
import { Chunk } from './chunk.ts'
import { append, type FlushContext, streamFolder } from './flush-context.ts'
import type { JournalHome } from './journal-home.ts'
import { checkedLength, recordSeq } from './record.ts'
import type { Run } from './run.ts'
import { RunWriter, STEP_BYTES } from './run-writer.ts'
import { encodeColumns, Segment, SegmentDamage, segmentName } from './segment.ts'
import { takeCheckpoint } from './take-checkpoint.ts'

/** A segment with fewer living entries than this share is rewritten: storage.md T8 weighs disk against rewriting. */
const LIVE_SHARE_MIN = 0.5
/** Slow streams of a busy server write a small run at each flush; more than these in a file are made one. */
const RUNS_MAX = 64
/** Smaller files than this share of a full segment are not rewritten for their dead. */
const SMALL_SHARE = 1 / 8
/** Offsets within a run are 32 bit. */
const SPAN_MAX = 0xffff_ffff

/** Neighbouring segments that are worth rewriting as one; empty when there are none. */
export function sparseSegments(home: JournalHome, segmentBytes: number): Segment[] {
  const group: Segment[] = []
  let bytes = 0
  for (const segment of home.segments) {
    const { live, n } = entriesOf(segment)
    const liveBytes = n === 0 ? 0 : (segment.bytes * live) / n
    const isSparse = live < n * LIVE_SHARE_MIN && segment.bytes >= segmentBytes * SMALL_SHARE
    const wanted = (isSparse || segment.runs.length > RUNS_MAX) && !home.uncompactable.has(segment)
    const fits = group.length === 0 || (bytes + liveBytes <= segmentBytes && spanOf([...group, segment]) <= SPAN_MAX)
    if (wanted && fits && spanOf([segment]) <= SPAN_MAX) {
      group.push(segment)
      bytes += liveBytes
    } else if (group.length > 0) break
  }
  return group
}

function entriesOf(segment: Segment): { live: number; n: number } {
  let live = 0
  let n = 0
  for (const run of segment.runs) {
    live += run.live
    n += run.n
  }
  return { live, n }
}

function spanOf(segments: Segment[]): number {
  const runs = segments.flatMap((segment) => segment.runs)
  return runs.length === 0 ? 0 : runs[runs.length - 1].endSeq - runs[0].first
}

/** Rewrites `group` (from sparseSegments) and takes a checkpoint. Throws when the disk is full. */
export async function compact(context: FlushContext, home: JournalHome, group: Segment[]): Promise<void> {
  const { fs, folder } = context
  const own = streamFolder(folder, home.log.id)
  const segment = new Segment(freeName(home, group), 0)
  const path = `${own}/${segment.name}`
  // Before anything is awaited: a segment of the group that dies meanwhile stays in its place until the swap.
  for (const old of group) old.growing = true
  try {
    // Left by an attempt that did not come to its end; no checkpoint names it.
    if (await fs.exists(path)) await fs.unlink(path)
    const file = await fs.open(path, 'create-durable')
    try {
      await fs.syncDir(own)
      const runs = group.flatMap((old) => old.runs)
      const copy = await copyLiving(context, home, file, segment, runs)
      if (home.deleted) return
      if (copy) {
        const columnsAt = (copy.filePositions as Uint32Array)[copy.n]
        const columns = encodeColumns(copy, 0)
        await append(file, segment.name, columns, columnsAt)
        segment.bytes = columnsAt + columns.length
      }
      swap(home, group, runs, segment, copy)
    } finally {
      await file.close()
    }
  } catch (error) {
    if (!(error instanceof SegmentDamage)) throw error
    // What is damaged stays where it is: its neighbours can be read, and a copy could not say more.
    for (const old of group) home.uncompactable.add(old)
    await fs.unlink(path)
    return
  } finally {
    for (const old of group) old.growing = false
  }
  await takeCheckpoint(context, home, home.messagesLsn)
}

/** A name that no file of the stream has: the first sequence, and a number behind it. */
function freeName(home: JournalHome, group: Segment[]): string {
  const taken = new Set([...home.segments, ...home.gone, ...home.damagedSegments].map((s) => s.name))
  const base = segmentName(group[0].runs[0]?.first ?? 0)
  for (let k = 1; ; k++) {
    const name = base.replace('.seg', `-${k}.seg`)
    if (!taken.has(name)) return name
  }
}

async function copyLiving(
  context: FlushContext,
  home: JournalHome,
  file: File,
  segment: Segment,
  runs: Run[],
): Promise<Run | undefined> {
  const writer = new RunWriter(
    file,
    segment.name,
    0,
    runs.reduce((sum, run) => sum + run.live, 0),
  )
  let source: File | undefined
  let opened: Segment | undefined
  try {
    for (const run of runs) {
      if (!source || opened !== run.segment) {
        await source?.close()
        opened = run.segment as Segment
        source = await context.fs.open(`${streamFolder(context.folder, home.log.id)}/${opened.name}`, 'read')
      }
      await copyRun(context, source, run, writer)
    }
    return await writer.end()
  } finally {
    await source?.close()
  }
}

async function copyRun(context: FlushContext, source: File, run: Run, writer: RunWriter): Promise<void> {
  const positions = run.filePositions as Uint32Array
  for (let i = run.nextLiving(0); i < run.n; ) {
    const start = positions[i]
    let end = i + 1
    while (end < run.n && positions[end + 1] - start <= STEP_BYTES) end++
    const chunk = new Chunk(Buffer.allocUnsafeSlow(positions[end] - start), 0)
    const read = await source.readAt(chunk.bytes, start)
    context.checkGoingOn()
    for (; i < end; i = run.nextLiving(i + 1)) {
      if (run.isDead(i)) continue
      const at = positions[i] - start
      // I12, and a damaged record is never copied as if it were good.
      const length = checkedLength(chunk.bytes, chunk.view, at, read)
      if (length !== positions[i + 1] - positions[i] || recordSeq(chunk.view, at) !== run.seqOf(i)) {
        throw new SegmentDamage(`message ${run.seqOf(i)} does not match its checksum`)
      }
      if (!writer.hasRoom(length)) {
        await writer.step()
        context.checkGoingOn()
        if (run.isDead(i)) continue
      }
      writer.add(run.seqOf(i), 0, run.ids[i], chunk.bytes, at, length)
    }
  }
}

/** One moment: the copy takes the place of all runs of the group, with what died meanwhile dead in it too. */
function swap(home: JournalHome, group: Segment[], runs: Run[], segment: Segment, copy: Run | undefined): void {
  const at = home.segments.indexOf(group[0])
  assert(at >= 0 && group.every((old, k) => home.segments[at + k] === old), 'I8: segments leave only by name')
  home.log.index.replaceAll(runs, copy)
  const lives = copy !== undefined && copy.live > 0
  if (copy) {
    copy.positions = new Uint32Array(0)
    copy.segment = segment
    segment.runs.push(copy)
  }
  home.segments.splice(at, group.length, ...(lives ? [segment] : []))
  home.gone.push(...group, ...(lives ? [] : [segment]))
}
