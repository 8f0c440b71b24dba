/** A file system through which nothing is changed: what only tidies up does nothing, what would write is refused. */
import type { FileSystem } from '../base/fs.ts'

/** A view of `fs` that never changes a file. */
export function readOnly(fs: FileSystem): FileSystem {
  const refused = (what: string): Promise<never> =>
    Promise.reject(Object.assign(new Error(`EROFS: ${what}, and nothing may be changed`), { code: 'EROFS' }))
  return {
    open: (path, mode) => (mode === 'read' ? fs.open(path, mode) : refused(`${path} was opened to be written`)),
    // A start makes the folders that are not there.
    list: async (folder) => ((await fs.exists(folder)) ? fs.list(folder) : []),
    exists: (path) => fs.exists(path),
    rename: (from) => refused(`${from} was to be renamed`),
    unlink: () => Promise.resolve(),
    makeFolder: (path) => refused(`${path} was to be made`),
    removeFolder: () => Promise.resolve(),
    syncDir: () => Promise.resolve(),
    freeBytes: (folder) => fs.freeBytes(folder),
    lock: (folder, note) => fs.lock(folder, note),
  }
}
