/**
 * The file system as a seam. One real implementation (node-fs.ts) and one simulated (testing/sim-fs.ts), which loses and
 * tears what was not synced. Paths are absolute or relative to the process, with `/` between their parts.
 *
 * A short write is no error here: whoever writes compares. What a failure means is the caller's to say, by `mayPass` and
 * `isNoRoom`: all other failures of a write or a sync leave the bytes on disk unknown, and are not repaired by trying again.
 *
 * What is durable: bytes after `appendDurable` or `sync` resolved; a name (create, rename, unlink) after `syncDir` of its folder.
 */

/** `read`: must exist. `write`: must exist, read and write. `create`: must not exist, read and write, mode 0600. `durable`: as `write`, for appendDurable. `create-durable`: as `create`, for appendDurable. */
export type OpenMode = 'read' | 'write' | 'create' | 'durable' | 'create-durable'

/** An error of the file system; `code` is the system's (ENOSPC, EIO, ENOENT, EACCES, EROFS, EMFILE ...). */
export interface FileSystemError extends Error {
  code?: string
}

/** Whether the disk has no room, or this user no share of it left. */
export function isNoRoom(error: unknown): boolean {
  const { code } = (error ?? {}) as FileSystemError
  return code === 'ENOSPC' || code === 'EDQUOT'
}

/** Whether an operation was not begun for want of something that others may give back: descriptors, memory, room. */
export function mayPass(error: unknown): boolean {
  const { code } = (error ?? {}) as FileSystemError
  return isNoRoom(error) || code === 'EMFILE' || code === 'ENFILE' || code === 'ENOMEM' || code === 'EAGAIN'
}

/** An open file. Every method rejects with a FileSystemError. */
export interface File {
  /**
   * Writes the chunks one after the other from byte `at`; resolves when they are on disk: written and synced, one step.
   * Resolves with the number of bytes written, which is smaller than asked for on a full disk: always compare.
   */
  appendDurable(chunks: Uint8Array[], at: number): Promise<number>
  /** Writes without syncing; resolves with the number of bytes written. */
  writeAt(chunks: Uint8Array[], at: number): Promise<number>
  /** Reads up to `into.length` bytes from `at` into `into`; resolves with the number read (0 at the end of the file). */
  readAt(into: Uint8Array, at: number): Promise<number>
  /** Resolves when everything written so far is on disk. */
  sync(): Promise<void>
  truncate(bytes: number): Promise<void>
  /** The file's length in bytes. */
  size(): Promise<number>
  /** Whether `path` names this very file still: false once it was removed, moved, or another one put in its place. */
  isAt(path: string): Promise<boolean>
  close(): Promise<void>
}

/** Held by one process at a time, and freed by the system when that process ends, however it ends. */
export interface FolderLock {
  release(): Promise<void>
}

/** The file operations that the store is built on. Every method rejects with a FileSystemError. */
export interface FileSystem {
  open(path: string, mode: OpenMode): Promise<File>
  /** The names in a folder, sorted. */
  list(folder: string): Promise<string[]>
  /** True when the path exists, a file or a folder. */
  exists(path: string): Promise<boolean>
  rename(from: string, to: string): Promise<void>
  unlink(path: string): Promise<void>
  /** Creates the folder and its parents, mode 0700; fine when it is there. */
  makeFolder(path: string): Promise<void>
  /** Removes an empty folder. */
  removeFolder(path: string): Promise<void>
  /** Makes the names in a folder durable (nothing to do on Windows). */
  syncDir(folder: string): Promise<void>
  /** Free bytes for the folder's disk. */
  freeBytes(folder: string): Promise<number>
  /** Takes the folder for this process; rejects with code ELOCKED and `holder` (a sentence that says who has it). `note` is what others are told of us. */
  lock(folder: string, note: string): Promise<FolderLock>
}
