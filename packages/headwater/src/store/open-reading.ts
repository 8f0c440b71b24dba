/** Recovers a data folder in memory, as a start does, and changes nothing: what a server would serve. */
import { type Clock, SystemTurn } from '../base/clock.ts'
import type { FileSystem } from '../base/fs.ts'
import { CommitQueue } from './commit-queue.ts'
import { streamFolder } from './flush-context.ts'
import { readFormat } from './format.ts'
import { Journal } from './journal.ts'
import { corrupt, type JournalFound, readJournal } from './journal-files.ts'
import { JournalHome } from './journal-home.ts'
import { checkFrom, checkReached, REACHED_NAME, readKnownState } from './known-state.ts'
import { Reader } from './reader.ts'
import { type Recovered, recover } from './recovery.ts'

const NOTHING_IS_WRITTEN = 1

/** What makes homes of streams that can be read, and are never written to. */
export function readingHomes(
  fs: FileSystem,
  folder: string,
  clock: Clock,
): { makeHome(): JournalHome; reader: Reader } {
  const streams = `${folder}/streams`
  const reader = new Reader(fs, (stream, segment) => `${streamFolder(streams, stream)}/${segment.name}`)
  const journal = new Journal({
    folder: `${folder}/journal`,
    fs,
    sync: 'never',
    fileBytesMax: NOTHING_IS_WRITTEN,
    storeId: '',
    firstLsn: 0,
    formerEnd: 0,
    firstNumber: 1,
    now: () => 0,
    nextStreamId: () => 1,
  })
  const queue = new CommitQueue({ journal, turn: new SystemTurn(), realClock: clock, openBytesMax: NOTHING_IS_WRITTEN })
  return { makeHome: () => new JournalHome(queue, reader), reader }
}

/** Throws what a start would: HW_DATA_CORRUPT with the place, HW_DATA_NEWER. */
export async function openReading(options: {
  fs: FileSystem
  folder: string
  clock: Clock
}): Promise<{ recovered: Recovered; found: JournalFound }> {
  const { fs, folder, clock } = options
  const storeId = await readFormat(fs, folder)
  if (storeId === undefined) throw corrupt(`${folder}/FORMAT: is missing, and the folder has data`)
  const journalFolder = `${folder}/journal`
  const streamsFolder = `${folder}/streams`
  if (!(await fs.exists(journalFolder))) throw corrupt(`${journalFolder}: the folder of the journal is missing`)
  const found = await readJournal(fs, journalFolder, storeId)
  const known = await readKnownState(fs, folder)
  if (known) {
    checkFrom(journalFolder, found, known.from)
    checkReached(journalFolder, found, known.reached, `${folder}/${REACHED_NAME}`)
  }
  const { makeHome } = readingHomes(fs, folder, clock)
  const recovered = await recover({ fs, clock, streamsFolder, journalFolder, known, makeHome }, found)
  return { recovered, found }
}
