/** The file of `-P`: this process's id while it runs. For people and process managers; never a lock. */
import { HeadwaterError } from '../base/errors.ts'
import { NodeFileSystem } from '../base/node-fs.ts'

/** Writes the file, replacing what an earlier process left; the result removes it. Throws HW_CONFIG when it cannot be written. */
export async function writePidFile(path: string): Promise<() => Promise<void>> {
  const fs = new NodeFileSystem()
  try {
    if (await fs.exists(path)) await fs.unlink(path)
    const file = await fs.open(path, 'create')
    await file.writeAt([new TextEncoder().encode(`${process.pid}\n`)], 0)
    await file.close()
  } catch (cause) {
    throw new HeadwaterError('HW_CONFIG', `The pid file ${path} cannot be written: ${(cause as Error).message}`, {
      hint: 'Choose a file in a folder that exists and may be written.',
      cause,
    })
  }
  return async () => {
    if (await fs.exists(path)) await fs.unlink(path)
  }
}
