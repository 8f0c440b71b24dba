/**
 * Reads the journal at a start: which files there are, in what order, and up to where their frames hold.
 * One write is in flight at a time, so only the end of the newest file can be torn. Anything else is damage, and is refused.
 *
 * Files are written again when nothing in them counts any more; they get a new number before. In the order of their numbers
 * the frames of files follow each other without a hole; one whose first frame is torn, or older than that of a file with a
 * lower number, was given its number and not begun: nothing in it counts.
 */
import { HeadwaterError } from '../base/errors.ts'
import type { FileSystem } from '../base/fs.ts'
import { readWhole } from './atomic-file.ts'
import { FRAME_HEAD_BYTES, findFrameHead, readFrameHead, recordsHold } from './frame.ts'
import { journalNumber, RUN_STEP } from './journal.ts'
import { FORMAT_VERSION, type Opened, readObject } from './object-record.ts'
import { recordType, TYPE_OPENED } from './record.ts'

/** One file whose frames hold up to `endAt`. */
export interface JournalFile {
  readonly name: string
  readonly bytes: Uint8Array
  readonly view: DataView
  /** Of its first frame. */
  readonly firstLsn: number
  readonly opened: Opened
  /** Offsets of its frames, the first one (which says that the file was opened) left out. */
  readonly frames: number[]
  /** Where its frames end. */
  endLsn: number
  endAt: number
}

/** What the folder of the journal holds. */
export interface JournalFound {
  /** Oldest first. */
  readonly files: JournalFile[]
  /** Names of files that were not begun, whatever they hold of a former life. */
  readonly empty: string[]
  readonly tornBytes: number
  /** Above every LSN in any file. */
  readonly lsnBound: number
  readonly numberBound: number
  /** The last frame says that nothing was in flight. */
  readonly clean: boolean
}

/** Reads all files of the journal. Throws HW_DATA_CORRUPT with the place of any damage, HW_DATA_NEWER. */
export async function readJournal(fs: FileSystem, folder: string, storeId: string): Promise<JournalFound> {
  const files: JournalFile[] = []
  const empty: string[] = []
  let tornBytes = 0
  let numberBound = 1
  let lsnBound = 0
  let emptyBytes = 0
  // Names have their digits in front of them: their order is that of the numbers.
  for (const name of await fs.list(folder)) {
    const number = journalNumber(name)
    if (number === undefined) continue
    numberBound = Math.max(numberBound, number + 1)
    const bytes = await readWhole(fs, `${folder}/${name}`)
    const file = openFile(folder, name, bytes, storeId)
    const former = files.at(-1)
    if (file && (!former || file.firstLsn > former.firstLsn)) {
      walk(file)
      if (former && former.endLsn !== file.opened.formerEnd) throw hole(folder, former, file)
      files.push(file)
      lsnBound = Math.max(lsnBound, file.firstLsn + bytes.length)
    } else {
      empty.push(name)
      emptyBytes += bytes.length
      lsnBound = Math.max(lsnBound, notBegun(folder, name, bytes, former?.endLsn))
      if (!file) tornBytes += tornStart(bytes)
    }
  }
  const newest = files.at(-1)
  if (newest) tornBytes += checkTorn(folder, newest)
  // A file that was not begun continued the newest one, at most by its length.
  const bound = lsnBound + emptyBytes
  return { files, empty, tornBytes, lsnBound: bound, numberBound, clean: newest !== undefined && endsClean(newest) }
}

function openFile(folder: string, name: string, bytes: Uint8Array, storeId: string): JournalFile | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const head = readFrameHead(bytes, view, 0)
  if (!head || !recordsHold(bytes, view, 0, head)) return undefined
  const opened = readObject<Opened>(bytes, view, FRAME_HEAD_BYTES)
  if (!opened || recordType(bytes, FRAME_HEAD_BYTES) !== TYPE_OPENED) {
    throw corrupt(`${folder}/${name}, byte 0: the file does not say how it was opened`)
  }
  if (opened.format > FORMAT_VERSION) throw newer(`${folder}/${name}`, opened.format)
  if (opened.storeId !== storeId)
    throw corrupt(`${folder}/${name}, byte 0: a journal file of another store than FORMAT says`)
  return {
    name,
    bytes,
    view,
    firstLsn: head.lsn,
    opened,
    frames: [],
    endLsn: head.lsn + head.length,
    endAt: head.length,
  }
}

/**
 * Looks through a file that was not begun; `formerEnd` is where the frames before it end. Throws when it was: a frame that
 * belongs behind them says that the first one was on disk. Returns a bound above every LSN of a frame that does.
 */
function notBegun(folder: string, name: string, bytes: Uint8Array, formerEnd: number | undefined): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  let bound = 0
  for (let at = findFrameHead(bytes, view, 0); at >= 0; at = findFrameHead(bytes, view, at + 1)) {
    const head = readFrameHead(bytes, view, at)
    if (!head) continue
    // An LSN is a byte position, so that any frame tells where its file began: right behind the frames before, or where a
    // run does. Anything else is of a former life, or somebody's payload.
    const firstLsn = head.lsn - at
    if (formerEnd !== undefined && firstLsn !== formerEnd && (firstLsn < formerEnd || firstLsn % RUN_STEP !== 0))
      continue
    bound = Math.max(bound, firstLsn + bytes.length)
    if (head.syncedLsn <= firstLsn) continue
    throw corrupt(`${folder}/${name}, byte 0: damaged, and what follows at byte ${at} was synced after it`)
  }
  return bound
}

/** What a file that has no whole first frame holds of one: zeros are none, and so are frames of a former life. */
function tornStart(bytes: Uint8Array): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const former = findFrameHead(bytes, view, 1)
  return lengthWithoutZeros(bytes, 0, former < 0 ? bytes.length : former)
}

/** Finds the frames that hold, one after the other. */
function walk(file: JournalFile): void {
  const { bytes, view } = file
  for (;;) {
    const head = readFrameHead(bytes, view, file.endAt)
    if (!head || head.lsn !== file.endLsn || !recordsHold(bytes, view, file.endAt, head)) return
    file.frames.push(file.endAt)
    file.endAt += head.length
    file.endLsn += head.length
  }
}

/** The bytes of the torn end of the newest file. Throws when it is no torn end: something behind it was synced later. */
function checkTorn(folder: string, file: JournalFile): number {
  const { bytes, view, endAt, endLsn } = file
  for (let at = findFrameHead(bytes, view, endAt + 1); at >= 0; at = findFrameHead(bytes, view, at + 1)) {
    const head = readFrameHead(bytes, view, at)
    // The LSN is the byte position in the endless journal: a frame where it does not belong is somebody's payload.
    if (!head || head.lsn - endLsn !== at - endAt || head.syncedLsn <= endLsn) continue
    throw corrupt(`${folder}/${file.name}, byte ${endAt}: damaged, and what follows at byte ${at} was synced after it`)
  }
  return tornLength(file)
}

/** Bytes of the frame that was in flight; in a file with a former life only a whole head tells how many. */
function tornLength({ bytes, view, endAt, endLsn, opened }: JournalFile): number {
  const head = readFrameHead(bytes, view, endAt)
  if (head?.lsn === endLsn) return Math.min(head.length, lengthWithoutZeros(bytes, endAt, bytes.length))
  return opened.isReused ? 0 : lengthWithoutZeros(bytes, endAt, bytes.length)
}

function lengthWithoutZeros(bytes: Uint8Array, from: number, to: number): number {
  let last = to
  while (last > from && bytes[last - 1] === 0) last--
  return last - from
}

function endsClean(file: JournalFile): boolean {
  const last = file.frames.at(-1)
  return last !== undefined && readFrameHead(file.bytes, file.view, last)?.records === 0
}

function hole(folder: string, former: JournalFile, next: JournalFile): HeadwaterError {
  const place = `${folder}/${former.name}, byte ${former.endAt}`
  return corrupt(
    `${place}: its frames end there, at ${former.endLsn}, but ${next.name} continues from ${next.opened.formerEnd}`,
  )
}

/** The error for damage that keeps the store from starting; `text` names the place. */
export function corrupt(text: string): HeadwaterError {
  const hint =
    'Nothing was changed. `headwater check DIR` says what is lost; restore a backup to another folder, or save what is left with `headwater check DIR --repair TO`.'
  return new HeadwaterError('HW_DATA_CORRUPT', text, { hint })
}

/** The error for a folder of a later version. */
export function newer(path: string, version: number): HeadwaterError {
  const hint = 'Start it with the version of Headwater that wrote it, or a later one.'
  return new HeadwaterError('HW_DATA_NEWER', `${path} has format ${version}; this version reads ${FORMAT_VERSION}`, {
    hint,
  })
}
