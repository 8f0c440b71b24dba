/**
 * Reads a journal as far as it holds, around what does not: for the check and for the salvage. A start is stricter, and
 * refuses what is damaged (journal-files.ts); both know a frame by its head, and by the place that its LSN gives it.
 */
import type { FileSystem } from '../base/fs.ts'
import { readWhole } from './atomic-file.ts'
import {
  checkRecords,
  FRAME_HEAD_BYTES,
  type FrameHead,
  findFrameHead,
  readFrameHead,
  recordsHold,
  writeFrameHead,
} from './frame.ts'
import { journalNumber } from './journal.ts'
import type { JournalFile } from './journal-files.ts'
import { type Opened, readObject } from './object-record.ts'
import {
  checkedLength,
  RECORD_HEAD_BYTES,
  recordLength,
  recordSeq,
  recordStream,
  recordType,
  TYPE_MESSAGE,
  TYPE_OPENED,
} from './record.ts'

/** Bytes of a journal file that should be frames, and are not. */
export interface JournalHarm {
  readonly file: string
  readonly from: number
  readonly to: number
  /** Per stream, the sequences between the last message before the place and the first one after it. */
  readonly gaps: { stream: number; first: number; last: number }[]
}

/** A record that holds, and where it is. */
export interface JournalRecord {
  readonly bytes: Uint8Array
  readonly view: DataView
  readonly at: number
  readonly lsn: number
}

/** All that holds of a journal, and where it does not. */
export interface ScannedJournal {
  /** Oldest first; with every record that holds, those of damaged frames included. */
  readonly files: JournalFile[]
  readonly harms: JournalHarm[]
  readonly frames: number
  readonly records: number
  readonly bytes: number
  /** Of the newest frame. */
  readonly endLsn: number
  readonly storeId: string | undefined
}

interface Part {
  readonly name: string
  readonly bytes: Uint8Array
  readonly base: number
  readonly records: JournalRecord[]
  readonly harms: { from: number; to: number }[]
  frames: number
  endAt: number
}

/** Reads all files of the journal in `folder`. Throws a FileSystemError. */
export async function scanJournal(
  fs: FileSystem,
  folder: string,
  onFile: (path: string) => void,
): Promise<ScannedJournal> {
  const parts: Part[] = []
  let size = 0
  for (const name of await fs.list(folder)) {
    if (journalNumber(name) === undefined) continue
    onFile(`${folder}/${name}`)
    const bytes = await readWhole(fs, `${folder}/${name}`)
    size += bytes.length
    // Numbers ascend as LSNs do: a file with older frames was given its number and not begun, and holds a former life.
    const former = parts.at(-1)?.base ?? -1
    const base = baseOf(bytes, former)
    if (base !== undefined && base > former) parts.push(scanFile(name, bytes, base))
  }
  const opened = parts.map(openedOf)
  for (const [i, part] of parts.entries()) closeHole(part, opened[i + 1]?.formerEnd)
  const newest = parts.at(-1)
  return {
    files: parts.map((part, i) => rewritten(part, opened[i])),
    harms: withGaps(folder, parts),
    frames: parts.reduce((sum, part) => sum + part.frames, 0),
    records: parts.reduce((sum, part) => sum + part.records.length, 0),
    bytes: size,
    endLsn: newest ? newest.base + newest.endAt : 0,
    storeId: opened.find((one) => one !== undefined)?.storeId,
  }
}

/** Where byte 0 of the file stands in the endless journal: what its first frame says, else what most frames do. */
function baseOf(bytes: Uint8Array, former: number): number | undefined {
  const view = viewOf(bytes)
  const first = readFrameHead(bytes, view, 0)
  if (first) return first.lsn
  const votes = new Map<number, number>()
  for (let at = findFrameHead(bytes, view, 1); at >= 0; at = findFrameHead(bytes, view, at + 1)) {
    const base = (readFrameHead(bytes, view, at) as FrameHead).lsn - at
    if (base > former) votes.set(base, (votes.get(base) ?? 0) + 1)
  }
  return [...votes].sort((a, b) => b[1] - a[1] || b[0] - a[0])[0]?.[0]
}

function scanFile(name: string, bytes: Uint8Array, base: number): Part {
  const view = viewOf(bytes)
  const part: Part = { name, bytes, base, records: [], harms: [], frames: 0, endAt: 0 }
  let at = 0
  while (at < bytes.length) {
    const head = readFrameHead(bytes, view, at)
    if (head && head.lsn === base + at && recordsHold(bytes, view, at, head)) {
      takeRecords(part, view, at + FRAME_HEAD_BYTES, at + head.length)
      part.frames++
      at += head.length
      part.endAt = at
      continue
    }
    const next = nextFrame(bytes, view, at + 1, base, at)
    // Without a frame behind it that was synced later, it is the end: torn, or of a former life.
    if (next < 0) break
    takeRecords(part, view, at + FRAME_HEAD_BYTES, next)
    part.harms.push({ from: at, to: next })
    at = next
  }
  return part
}

/** What lies between the frames of a file and those of the next one was on disk. */
function closeHole(part: Part, endLsn: number | undefined): void {
  const to = Math.min(part.bytes.length, (endLsn ?? 0) - part.base)
  if (to <= part.endAt && (endLsn ?? 0) <= part.base + part.endAt) return
  takeRecords(part, viewOf(part.bytes), part.endAt, to)
  part.harms.push({ from: part.endAt, to: Math.max(to, part.endAt) })
}

/** The next frame from `from` on, if it or a later one says that byte `lostAt` was on disk; else -1. */
function nextFrame(bytes: Uint8Array, view: DataView, from: number, base: number, lostAt: number): number {
  let next = -1
  for (let at = findFrameHead(bytes, view, from); at >= 0; at = findFrameHead(bytes, view, at + 1)) {
    const head = readFrameHead(bytes, view, at)
    if (head?.lsn !== base + at) continue
    if (next < 0) next = at
    if (head.syncedLsn > base + lostAt) return next
  }
  return -1
}

/** Every record in [from, to) that holds; a length that is damaged is searched past. */
function takeRecords(part: Part, view: DataView, from: number, to: number): void {
  const { bytes, base, records } = part
  for (let at = from; at + RECORD_HEAD_BYTES <= to; ) {
    const type = recordType(bytes, at)
    const length = type >= TYPE_MESSAGE && type <= TYPE_OPENED ? checkedLength(bytes, view, at, to) : 0
    if (length === 0) {
      at++
      continue
    }
    records.push({ bytes, view, at, lsn: base + at })
    at += length
  }
}

function openedOf({ records }: Part): Opened | undefined {
  const first = records[0]
  if (!first || recordType(first.bytes, first.at) !== TYPE_OPENED) return undefined
  return readObject<Opened>(first.bytes, first.view, first.at)
}

/** The records that hold as a file of whole frames, one record each, every one at its LSN: what a replay can read. */
function rewritten(part: Part, opened: Opened | undefined): JournalFile {
  const kept = part.records.filter(({ bytes, at }) => recordType(bytes, at) !== TYPE_OPENED)
  const length = kept.reduce((sum, { view, at }) => sum + FRAME_HEAD_BYTES + recordLength(view, at), 0)
  const bytes = new Uint8Array(Math.max(1, length))
  const view = viewOf(bytes)
  const frames: number[] = []
  let to = 0
  for (const record of kept) {
    const recordBytes = recordLength(record.view, record.at)
    const frameBytes = FRAME_HEAD_BYTES + recordBytes
    bytes.set(record.bytes.subarray(record.at, record.at + recordBytes), to + FRAME_HEAD_BYTES)
    const check = checkRecords(view, to + FRAME_HEAD_BYTES, to + frameBytes)
    const lsn = record.lsn - FRAME_HEAD_BYTES
    writeFrameHead(bytes, view, to, { lsn, syncedLsn: 0, length: frameBytes, records: 1, check })
    frames.push(to)
    to += frameBytes
  }
  return {
    name: part.name,
    bytes,
    view,
    firstLsn: part.base,
    opened: opened ?? { format: 0, storeId: '', formerEnd: 0, isReused: false, nextStreamId: 1 },
    frames,
    endAt: part.endAt,
    endLsn: part.base + part.endAt,
  }
}

/** Says of each harm which sequences may have been in it, from the messages around it. */
function withGaps(folder: string, parts: readonly Part[]): JournalHarm[] {
  const places = parts.flatMap((part) => part.harms.map((harm) => ({ part, harm, lsn: part.base + harm.from })))
  const messages = parts.flatMap((part) =>
    part.records.filter(({ bytes, at }) => recordType(bytes, at) === TYPE_MESSAGE),
  )
  return places.map(({ part, harm, lsn }) => {
    const before = new Map<number, number>()
    const gaps = new Map<number, { stream: number; first: number; last: number }>()
    for (const record of messages) {
      const stream = recordStream(record.view, record.at)
      const seq = recordSeq(record.view, record.at)
      const last = before.get(stream)
      if (record.lsn < lsn) before.set(stream, seq)
      else if (!gaps.has(stream) && last !== undefined) gaps.set(stream, { stream, first: last + 1, last: seq - 1 })
    }
    const file = `${folder}/${part.name}`
    return { file, from: harm.from, to: harm.to, gaps: [...gaps.values()].filter((gap) => gap.last >= gap.first) }
  })
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
