/** A file system that counts what the store does with it: flushes, recycling, compaction, erasing, cold reads. It changes nothing. */
import type { File, FileSystem, OpenMode } from '../packages/headwater/src/base/fs.ts'

const sizeOf = (chunks: Uint8Array[]): number => chunks.reduce((sum, chunk) => sum + chunk.length, 0)

/** `count` is told the name of each branch as it is taken; `isServing` says whether the store has been opened. */
export function watched(fs: FileSystem, count: (what: string) => void, isServing: () => boolean): FileSystem {
  return {
    open: async (path, mode) => {
      const file = await fs.open(path, mode)
      return watchedFile(file, path, mode, count, isServing)
    },
    rename: (from, to) => {
      if (from.endsWith('/spare')) count('store: journal file recycled')
      if (to.endsWith('/checkpoint')) count('store: checkpoint replaced')
      return fs.rename(from, to)
    },
    unlink: (path) => {
      if (path.endsWith('.seg')) count('store: segment unlinked')
      if (path.includes('/journal/')) count('store: journal file unlinked')
      return fs.unlink(path)
    },
    removeFolder: (path) => {
      if (/\/streams\/\d+$/.test(path)) count('store: stream folder removed')
      return fs.removeFolder(path)
    },
    freeBytes: (folder) => fs.freeBytes(folder),
    list: (path) => fs.list(path),
    exists: (path) => fs.exists(path),
    makeFolder: (path) => fs.makeFolder(path),
    syncDir: (path) => fs.syncDir(path),
    lock: (path, note) => fs.lock(path, note),
  }
}

function watchedFile(
  file: File,
  path: string,
  mode: OpenMode,
  count: (what: string) => void,
  isServing: () => boolean,
): File {
  const isSegment = path.endsWith('.seg')
  const isCompacted = /-\d+\.seg$/.test(path)
  if (isSegment && mode === 'create-durable') count(isCompacted ? 'store: compaction' : 'store: segment begun')
  if (/\/subjects/.test(path) && mode === 'create-durable') count('store: subjects file anew')
  if (path.includes('/journal/') && mode.startsWith('create')) count('store: journal file made')
  return {
    appendDurable: (chunks, at) => {
      if (isSegment) {
        const zeros = mode === 'durable' && chunks.every((chunk) => chunk.every((byte) => byte === 0))
        count(zeros ? 'store: message erased' : 'store: segment written')
      } else if (path.includes('/journal/') && isServing()) count('store: frame written')
      return file.appendDurable(chunks, at).then((written) => {
        if (written < sizeOf(chunks)) count('disk: short write')
        return written
      })
    },
    writeAt: (chunks, at) => file.writeAt(chunks, at),
    readAt: (into, at) => {
      if (isSegment && isServing()) count('store: cold read')
      return file.readAt(into, at)
    },
    sync: () => file.sync(),
    truncate: (bytes) => file.truncate(bytes),
    size: () => file.size(),
    isAt: (whole) => file.isAt(whole),
    close: () => file.close(),
  }
}
