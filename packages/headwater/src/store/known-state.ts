/**
 * REACHED: what is known of a data folder beside its journal. From where to where the journal was on disk, and which streams
 * there were then. A journal that ends earlier or begins later has lost a file, and a stream that is neither there nor deleted
 * has lost its folder: without this page all three would look like a store in which less had happened. Written when a store is
 * made, when a journal file is full, before it goes, and at a clean stop; an old page is true as well. One line: JSON, a space,
 * the crc32 of the JSON.
 */
import { textOf, utf8 } from '../base/bytes.ts'
import { crc32 } from '../base/crc32.ts'
import type { FileSystem } from '../base/fs.ts'
import { putInPlace, readWhole, writeAside } from './atomic-file.ts'
import { corrupt, type JournalFound } from './journal-files.ts'

/** The file's name in the data folder. */
export const REACHED_NAME = 'REACHED'

/** What the page says. */
export interface KnownState {
  /** Everything before this LSN is in segments, or gone: files that end here may be missing. */
  readonly from: number
  /** Frames up to this LSN were on disk. */
  readonly reached: number
  /** Ids of the streams that were on disk then. */
  readonly streams: readonly number[]
}

/** What the page says; undefined when there is none, or it is damaged: then nothing is known. */
export async function readKnownState(fs: FileSystem, folder: string): Promise<KnownState | undefined> {
  const path = `${folder}/${REACHED_NAME}`
  if (!(await fs.exists(path))) return undefined
  const [, json, sum] = /^(\{.*\}) ([0-9a-f]{8})\n$/.exec(textOf(await readWhole(fs, path))) ?? []
  return json !== undefined && sum === sumOf(json) ? (JSON.parse(json) as KnownState) : undefined
}

/** Writes the page durably. What it says must be on disk already. */
export async function writeKnownState(fs: FileSystem, folder: string, state: KnownState): Promise<void> {
  const path = `${folder}/${REACHED_NAME}`
  const json = JSON.stringify(state)
  await writeAside(fs, path, utf8(`${json} ${sumOf(json)}\n`))
  await putInPlace(fs, folder, path)
}

function sumOf(json: string): string {
  const bytes = utf8(json)
  return crc32(bytes, 0, bytes.length).toString(16).padStart(8, '0')
}

/** Throws HW_DATA_CORRUPT when an older file is missing than those that were found. */
export function checkFrom(folder: string, found: JournalFound, from: number): void {
  const oldest = found.files[0]
  if (!oldest || oldest.opened.formerEnd <= from) return
  const place = `${folder}/${oldest.name}, byte 0`
  throw corrupt(
    `${place}: continues from ${oldest.opened.formerEnd}, and what came before, from ${from} on, is missing`,
  )
}

/** Throws HW_DATA_CORRUPT when the journal ends before `reached`, which `witness` says that it had come to. */
export function checkReached(folder: string, found: JournalFound, reached: number, witness: string): void {
  const newest = found.files.at(-1)
  if ((newest?.endLsn ?? 0) >= reached) return
  const place = newest ? `${folder}/${newest.name}, byte ${newest.endAt}` : folder
  const end = newest ? `the journal ends there, at ${newest.endLsn}` : 'the journal is missing'
  throw corrupt(`${place}: ${end}, but ${witness} says that it was on disk up to ${reached}`)
}
