/** One process a folder: takes it, or says who has it. */
import { HeadwaterError } from '../base/errors.ts'
import type { FileSystem, FolderLock } from '../base/fs.ts'

export async function lockData(fs: FileSystem, folder: string): Promise<FolderLock> {
  try {
    return await fs.lock(folder, `process ${process.pid}`)
  } catch (cause) {
    const { code, holder } = cause as { code?: string; holder?: string }
    if (code !== 'ELOCKED') throw cause
    const hint = 'Stop the other one, or give this one a data folder of its own.'
    throw new HeadwaterError('HW_DATA_LOCKED', `${folder} is ${holder ?? 'held by another process'}`, { hint, cause })
  }
}
