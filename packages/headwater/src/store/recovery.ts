/**
 * The one way to start: read the journal, bring the streams back from their checkpoints, replay the journal over them.
 * A clean stop is a crash with nothing in flight. Nothing is changed on disk before all of this held.
 */
import type { Clock } from '../base/clock.ts'
import type { FileSystem } from '../base/fs.ts'
import type { Checkpoint } from './checkpoint.ts'
import { CHECKPOINT_NAME } from './checkpoint.ts'
import { streamFolder } from './flush-context.ts'
import { RUN_STEP } from './journal.ts'
import { corrupt, type JournalFound } from './journal-files.ts'
import type { JournalHome } from './journal-home.ts'
import { checkReached, type KnownState } from './known-state.ts'
import { Log } from './log.ts'
import { Replay, type Replayed } from './replay.ts'
import { configGuess, readCheckpoint, restoreStream } from './restore-stream.ts'
import type { StartProgress } from './start-progress.ts'

/** What recovery needs of the store that is being made. */
export interface RecoveryContext {
  fs: FileSystem
  clock: Clock
  /** The folder of all streams, and of the journal. */
  streamsFolder: string
  journalFolder: string
  known: KnownState | undefined
  progress?: StartProgress | undefined
  makeHome(): JournalHome
}

/** What a start found. */
export interface Recovered {
  replay: Replay
  /** Streams that are served. */
  homes: JournalHome[]
  damage: string[]
  /** Of the streams that are not served, what can be read of their configurations. */
  unserved: string[]
  /** What was damaged and is whole again. */
  repaired: string[]
  /** Folders without a checkpoint: of streams that never had one, or were being deleted. */
  rubbish: number[]
}

/** Where this run's journal begins: above whatever an old file may hold (I15). */
export function firstLsnAfter(found: JournalFound): number {
  return (Math.ceil(found.lsnBound / RUN_STEP) + 1) * RUN_STEP
}

/** Brings all streams back. Throws HW_DATA_CORRUPT when the journal, or its end, is missing beside streams. */
export async function recover(context: RecoveryContext, found: JournalFound): Promise<Recovered> {
  const { fs, streamsFolder } = context
  const streams = new Map<number, Replayed>()
  const damaged = new Set<number>()
  const damage: string[] = []
  const repaired: string[] = []
  const unserved: string[] = []
  /** Streams without a checkpoint that could be read, and those of them that have a damaged one. */
  const bare: number[] = []
  const harmed = new Set<number>()
  let highestId = 0
  const read: { id: number; own: string; checkpoint: Checkpoint }[] = []
  for (const id of await idsIn(fs, streamsFolder)) {
    const own = streamFolder(streamsFolder, id)
    highestId = Math.max(highestId, id)
    const isThere = await fs.exists(`${own}/${CHECKPOINT_NAME}`)
    const checkpoint = isThere ? await readCheckpoint(fs, own) : undefined
    if (!checkpoint) {
      bare.push(id)
      if (isThere) harmed.add(id)
      continue
    }
    const reached = Math.max(checkpoint.stateLsn, checkpoint.messagesLsn)
    if (found.files.length > 0) checkReached(context.journalFolder, found, reached, `${own}/${CHECKPOINT_NAME}`)
    read.push({ id, own, checkpoint })
    context.progress?.expect(checkpoint.segments.reduce((sum, { bytes }) => sum + bytes, 0))
  }
  for (const file of found.files) context.progress?.expect(file.endAt)
  for (const [i, { id, own, checkpoint }] of read.entries()) {
    const home = createLog(context, id, checkpoint.config)
    const doing = `reading the index of stream ${i + 1} of ${read.length}`
    const onRead = (bytes: number): void => context.progress?.step(bytes, doing)
    onRead(0)
    const { served, problems, repaired: rebuilt } = await restoreStream(fs, own, checkpoint, home, onRead)
    repaired.push(...rebuilt)
    const effect = served ? 'the stream serves the others' : 'the stream is not served'
    damage.push(...problems.map((problem) => `${problem}; ${effect}`))
    if (!served) {
      damaged.add(id)
      unserved.push(checkpoint.config)
      continue
    }
    streams.set(id, { ...checkpoint, home })
  }
  if (found.files.length === 0 && streams.size + damaged.size > 0) {
    throw corrupt(`${streamsFolder} has streams, and the journal beside it is missing`)
  }
  const replay = new Replay(streams, damaged, (id, config) => createLog(context, id, config))
  replay.nextStreamId = highestId + 1
  for (const file of found.files) {
    replay.file(file)
    context.progress?.step(file.endAt, 'replaying the journal')
  }
  replay.finish()
  const { lost, made, rubbish, without } = sortOut(context, { bare, harmed, damaged }, replay)
  for (const id of without) {
    const guess = harmed.has(id) ? await configGuess(fs, streamFolder(streamsFolder, id)) : undefined
    if (guess !== undefined) unserved.push(guess)
  }
  damage.push(...lost)
  repaired.push(...made)
  const homes = [...streams.values()].map((stream) => stream.home).sort((a, b) => a.log.id - b.log.id)
  return { replay, homes, damage, unserved, repaired, rubbish }
}

/**
 * A folder without a checkpoint is rubbish when the journal says why: the stream was made and has none yet, or is being
 * deleted. So it is when the checkpoint is damaged and the journal has the stream from its beginning. Any other has lost it:
 * its files stay where they are.
 */
function sortOut(
  { streamsFolder, known }: RecoveryContext,
  found: { bare: readonly number[]; harmed: ReadonlySet<number>; damaged: ReadonlySet<number> },
  { unknown, streams, ended }: Replay,
): { lost: string[]; made: string[]; rubbish: number[]; without: number[] } {
  const { bare, harmed, damaged } = found
  const place = (id: number): string => `${streamFolder(streamsFolder, id)}/${CHECKPOINT_NAME}`
  const isRubbish = (id: number): boolean => streams.has(id) || ended.has(id)
  const without = bare.filter((id) => !isRubbish(id))
  const isThere = (id: number): boolean => isRubbish(id) || damaged.has(id) || without.includes(id)
  const gone = [...new Set([...unknown, ...(known?.streams ?? [])])].filter((id) => !isThere(id))
  const why = (id: number): string =>
    harmed.has(id) ? 'does not match its checksum' : 'is missing, and nothing deleted it'
  const lost = [
    ...without.map((id) => `${place(id)}: ${why(id)}`),
    ...gone.map((id) => `${streamFolder(streamsFolder, id)}: its folder is missing, and nothing deleted it`),
  ]
  return {
    lost: lost.map((text) => `${text}; the stream is not served`),
    made: [...harmed]
      .filter((id) => streams.has(id))
      .map((id) => `${place(id)}: ${why(id)}; the journal has the whole stream`),
    rubbish: bare.filter(isRubbish),
    without,
  }
}

async function idsIn(fs: FileSystem, streamsFolder: string): Promise<number[]> {
  return (await fs.list(streamsFolder)).filter((name) => /^[1-9][0-9]*$/.test(name)).map(Number)
}

function createLog({ clock, makeHome }: RecoveryContext, id: number, config: string): JournalHome {
  const home = makeHome()
  home.log = new Log({ id, config, home, clock })
  home.log.index.subjects.unsaved = new Set()
  return home
}
