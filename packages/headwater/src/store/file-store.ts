/**
 * Opens the durable store: takes the folder, recovers what is in it, and puts the parts together. What runs then is
 * running-store.ts.
 */
import { HeadwaterError } from '../base/errors.ts'
import { type FileSystem, type FolderLock, isNoRoom, mayPass } from '../base/fs.ts'
import { CommitQueue } from './commit-queue.ts'
import { lockData } from './data-lock.ts'
import { streamFolder } from './flush-context.ts'
import { readFormat, writeFormat } from './format.ts'
import { type FrameHead, readFrameHead } from './frame.ts'
import { Journal } from './journal.ts'
import { corrupt, type JournalFound, readJournal } from './journal-files.ts'
import { JournalHome } from './journal-home.ts'
import { checkFrom, checkReached, REACHED_NAME, readKnownState, writeKnownState } from './known-state.ts'
import { Reader } from './reader.ts'
import { firstLsnAfter, recover } from './recovery.ts'
import { FileStore, JOURNAL_BYTES } from './running-store.ts'
import { StartProgress } from './start-progress.ts'
import type { RecoveryReport, StoreOptions } from './store.ts'

const OPEN_BYTES_MAX = 8 * 1024 * 1024

function streamsOf(folder: string): string {
  return `${folder}/streams`
}

function journalOf(folder: string): string {
  return `${folder}/journal`
}

/**
 * Opens the store in a folder, made when it is not there. Throws HW_DATA_LOCKED when another process has it, HW_DATA_NEWER
 * when a later version wrote it, HW_DATA_CORRUPT when the journal is damaged, HW_DATA_UNUSABLE when it cannot be used.
 */
export async function openFileStore(options: StoreOptions): Promise<FileStore> {
  const { fs, folder } = options
  const startedMs = options.realClock.now()
  try {
    await makeDurably(fs, folder)
    const lock = await lockData(fs, folder)
    try {
      return await openLocked(options, lock, startedMs)
    } catch (error) {
      await lock.release()
      throw error
    }
  } catch (cause) {
    throw cause instanceof HeadwaterError ? cause : unusable(folder, cause)
  }
}

async function openLocked(options: StoreOptions, lock: FolderLock, startedMs: number): Promise<FileStore> {
  const { fs, folder, clock, realClock } = options
  const progress = new StartProgress(realClock, options.log)
  const storeId = await prepareFolder(fs, folder, realClock.now())
  const found = await readJournal(fs, journalOf(folder), storeId)
  const known = await readKnownState(fs, folder)
  if (known) {
    checkFrom(journalOf(folder), found, known.from)
    checkReached(journalOf(folder), found, known.reached, `${folder}/${REACHED_NAME}`)
  }
  const firstLsn = firstLsnAfter(found)
  const reader = new Reader(fs, (stream, segment) => `${streamFolder(streamsOf(folder), stream)}/${segment.name}`)
  let store: FileStore | undefined
  let nextStreamId = 1
  const journal = new Journal({
    folder: journalOf(folder),
    fs,
    sync: options.sync,
    fileBytesMax: options.journalBytes ?? JOURNAL_BYTES,
    storeId,
    firstLsn,
    formerEnd: found.files.at(-1)?.endLsn ?? 0,
    firstNumber: found.numberBound,
    nextStreamId: () => store?.nextId ?? nextStreamId,
    now: () => realClock.now(),
  })
  const queue = new CommitQueue({
    journal,
    turn: options.turn,
    realClock,
    openBytesMax: options.openBytesMax ?? OPEN_BYTES_MAX,
  })
  const makeHome = (): JournalHome => new JournalHome(queue, reader)
  const recovered = await recover(
    { fs, clock, streamsFolder: streamsOf(folder), journalFolder: journalOf(folder), known, progress, makeHome },
    found,
  )
  nextStreamId = recovered.replay.nextStreamId
  await syncFound(fs, folder, found)
  try {
    await journal.begin()
    if (!known) {
      await journal.sync()
      const streams = recovered.homes.map((home) => home.log.id)
      const from = found.files[0]?.opened.formerEnd ?? 0
      await writeKnownState(fs, folder, { from, reached: found.files.at(-1)?.endLsn ?? firstLsn, streams })
    }
  } catch (error) {
    await journal.abandon()
    throw error
  }
  const report: RecoveryReport = {
    tookMs: realClock.now() - startedMs,
    streams: recovered.homes.length,
    messages: recovered.homes.reduce((sum, home) => sum + home.log.index.messages, 0),
    replayedRecords: recovered.replay.records,
    tornBytes: found.tornBytes,
    clean: found.clean || found.files.length === 0,
    damage: recovered.damage,
    unserved: recovered.unserved,
    repaired: recovered.repaired,
  }
  store = new FileStore({ options, lock, journal, queue, reader, recovered, report })
  await store.begin(recovered, found, firstLsn, known?.from)
  return store
}

/** Makes the folder, and its name durable: a folder whose name is lost takes all that was synced in it along. */
async function makeDurably(fs: FileSystem, folder: string): Promise<void> {
  const parents = [parentOf(folder)]
  while (!(await fs.exists(parents[0]))) parents.unshift(parentOf(parents[0]))
  await fs.makeFolder(folder)
  for (const parent of parents) await fs.syncDir(parent)
}

function parentOf(path: string): string {
  const at = path.lastIndexOf('/')
  return at < 0 ? '.' : at === 0 ? '/' : path.slice(0, at)
}

/** The folders and FORMAT; returns the store's id. */
async function prepareFolder(fs: FileSystem, folder: string, nowMs: number): Promise<string> {
  const known = await readFormat(fs, folder)
  const id = known ?? Math.floor(nowMs * 1000).toString(16)
  if (!known) {
    const others = (await fs.list(folder)).filter((name) => name === 'journal' || name === 'streams')
    for (const name of others) {
      if ((await fs.list(`${folder}/${name}`)).length > 0) throw corrupt(`${folder} has data, and no FORMAT`)
    }
    await writeFormat(fs, folder, id)
  }
  await fs.makeFolder(journalOf(folder))
  await fs.makeFolder(streamsOf(folder))
  await fs.syncDir(folder)
  return id
}

/**
 * What was found may have been written and not synced, by a process that was killed: it is served now, so it must stay.
 * The end of the newest file is written again, in place: after a sync that failed the system holds its pages for clean, and
 * another sync would succeed without writing them.
 */
async function syncFound(fs: FileSystem, folder: string, found: JournalFound): Promise<void> {
  for (const { name, bytes, view, frames, endAt, endLsn } of found.files) {
    const newest = name === found.files.at(-1)?.name
    const file = await fs.open(`${journalOf(folder)}/${name}`, newest ? 'durable' : 'write')
    try {
      const last = readFrameHead(bytes, view, frames.at(-1) ?? 0) as FrameHead
      const from = Math.max(0, endAt - (endLsn - last.syncedLsn))
      if (newest && from < endAt && (await file.appendDurable([bytes.subarray(from, endAt)], from)) < endAt - from) {
        throw new Error(`the end of journal file ${name} could not be written again`)
      }
      await file.sync()
    } finally {
      await file.close()
    }
  }
  await fs.syncDir(journalOf(folder))
}

function unusable(folder: string, cause: unknown): HeadwaterError {
  if (isNoRoom(cause)) {
    const hint = 'Nothing was changed. Free some space on that disk (64 MiB are enough to begin) and start again.'
    return new HeadwaterError('HW_DISK_FULL', `${folder} is on a full disk: ${(cause as Error).message}`, {
      hint,
      cause,
    })
  }
  const hint = mayPass(cause)
    ? 'The process has no file descriptor or memory left: raise its limit (ulimit -n), and start again.'
    : 'Check that the folder exists, belongs to this user, and can be written.'
  const text = `${folder} cannot be used: ${cause instanceof Error ? cause.message : String(cause)}`
  return new HeadwaterError('HW_DATA_UNUSABLE', text, { hint, cause })
}
