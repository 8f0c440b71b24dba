/** What the work behind the commits needs of the store, and the one way in which it writes to a stream's files. */
import type { File, FileSystem } from '../base/fs.ts'
import { noSpace } from './atomic-file.ts'
import type { Reader } from './reader.ts'

/** What a flush needs of the store. */
export interface FlushContext {
  readonly fs: FileSystem
  /** The folder of all streams. */
  readonly folder: string
  readonly segmentBytes: number
  readonly reader: Reader
  /** Where the next journal record goes. */
  lsn(): number
  /** Resolves when everything recorded so far is synced; rejects when it never will be. */
  synced(): Promise<void>
  /** Throws when the store is closing: a flush stops between two steps. */
  checkGoingOn(): void
}

/** The folder of a stream, in the folder of all streams. */
export function streamFolder(folder: string, stream: number): string {
  return `${folder}/${stream}`
}

/** Writes `bytes` durably at `at`. Throws ENOSPC when the disk takes less. */
export async function append(file: File, name: string, bytes: Uint8Array, at: number): Promise<void> {
  const written = await file.appendDurable([bytes], at)
  if (written !== bytes.length) throw noSpace(name, written, bytes.length)
}
