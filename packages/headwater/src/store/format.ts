/**
 * FORMAT: the version and the id of a data folder. The first thing that is written, and the first that is read.
 *
 * A new version is needed when an older Headwater would read what is written now wrongly, or refuse it as damage; a file or a
 * field that it passes over needs none. To add one: raise FORMAT_VERSION, go on reading the older ones (a start then writes
 * FORMAT anew, once it has read everything), and run server/formats.test.ts once with HEADWATER_MAKE_FORMAT=1, which keeps a
 * folder of the new version in test-data; that test opens all of them. A folder that is kept there never changes.
 */
import { textOf, utf8 } from '../base/bytes.ts'
import type { FileSystem } from '../base/fs.ts'
import { putInPlace, readWhole, writeAside } from './atomic-file.ts'
import { corrupt, newer } from './journal-files.ts'
import { FORMAT_VERSION } from './object-record.ts'

const NAME = 'FORMAT'

/** The store's id; undefined in a folder without FORMAT. Throws HW_DATA_NEWER or HW_DATA_CORRUPT. */
export async function readFormat(fs: FileSystem, folder: string): Promise<string | undefined> {
  const path = `${folder}/${NAME}`
  if (!(await fs.exists(path))) return undefined
  const [, version, id] = /^headwater ([0-9]+) ([0-9a-f]+)\n$/.exec(textOf(await readWhole(fs, path))) ?? []
  if (version === undefined) throw corrupt(`${path} is not what this store writes there`)
  if (Number(version) > FORMAT_VERSION) throw newer(path, Number(version))
  return id
}

/** Writes FORMAT durably. */
export async function writeFormat(fs: FileSystem, folder: string, storeId: string): Promise<void> {
  const path = `${folder}/${NAME}`
  await writeAside(fs, path, utf8(`headwater ${FORMAT_VERSION} ${storeId}\n`))
  await putInPlace(fs, folder, path)
}
