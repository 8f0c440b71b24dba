/**
 * The flush of one stream: copies what still lives in memory of a full journal file into the stream's segment, and takes a
 * checkpoint past it. Small steps, one write at a time; whatever happens in between, the former checkpoint still holds.
 */
import type { File } from '../base/fs.ts'
import { CHECKPOINT_NAME } from './checkpoint.ts'
import type { Chunks } from './chunk.ts'
import { append, type FlushContext, streamFolder } from './flush-context.ts'
import type { JournalHome } from './journal-home.ts'
import { recordLength } from './record.ts'
import type { Run } from './run.ts'
import { RunWriter } from './run-writer.ts'
import { encodeColumns, Segment, segmentName } from './segment.ts'
import { takeCheckpoint } from './take-checkpoint.ts'

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

async function makeStreamFolder(context: FlushContext, home: JournalHome): Promise<void> {
  if (home.hasFolder) return
  // A folder that outlives the record of its stream would look like one that lost its checkpoint.
  await context.synced()
  const { fs, folder } = context
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
  const writer = new RunWriter(file, segment.name, segment.bytes, run.live)
  for (let i = run.nextLiving(0); i < run.n; i = run.nextLiving(i + 1)) {
    const chunk = chunks.at(run.positions[i])
    const start = run.positions[i] - chunk.base
    const length = recordLength(chunk.view, start)
    if (!writer.hasRoom(length)) {
      await writer.step()
      context.checkGoingOn()
      // What died while this step was written is not needed on disk.
      if (run.live === 0) return undefined
      if (run.isDead(i)) continue
    }
    writer.add(run.seqOf(i), run.positions[i], run.ids[i], chunk.bytes, start, length)
  }
  const copy = await writer.end()
  context.checkGoingOn()
  if (copy) copy.chunks = chunks
  return copy
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
