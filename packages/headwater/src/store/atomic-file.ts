/** Files that are whole or absent: written aside, synced, renamed, and the folder synced. And files read whole. */
import type { FileSystem } from '../base/fs.ts'

export const TMP_SUFFIX = '.tmp'

/** Writes `bytes` aside and makes them durable there. Throws when the disk takes less. */
export async function writeAside(fs: FileSystem, path: string, bytes: Uint8Array): Promise<void> {
  const tmp = `${path}${TMP_SUFFIX}`
  if (await fs.exists(tmp)) await fs.unlink(tmp)
  const file = await fs.open(tmp, 'create')
  try {
    const written = await file.writeAt([bytes], 0)
    if (written !== bytes.length) throw noSpace(path, written, bytes.length)
    await file.sync()
  } finally {
    await file.close()
  }
}

/** Puts what was written aside in place; the old file is gone only after this resolved. */
export async function putInPlace(fs: FileSystem, folder: string, path: string): Promise<void> {
  await fs.rename(`${path}${TMP_SUFFIX}`, path)
  await fs.syncDir(folder)
}

/** A short write is a full disk: it succeeds with fewer bytes. */
export function noSpace(path: string, written: number, asked: number): Error {
  return Object.assign(new Error(`ENOSPC: wrote ${written} of ${asked} bytes to ${path}`), { code: 'ENOSPC' })
}

/** All bytes of a file. Throws a FileSystemError. */
export async function readWhole(fs: FileSystem, path: string): Promise<Uint8Array> {
  const file = await fs.open(path, 'read')
  try {
    const bytes = Buffer.allocUnsafeSlow(await file.size())
    let at = 0
    while (at < bytes.length) {
      const read = await file.readAt(bytes.subarray(at), at)
      if (read === 0) break
      at += read
    }
    return bytes.subarray(0, at)
  } finally {
    await file.close()
  }
}
