/** One process's view of a simulated disk. What the disk does to it is told in sim-disk.ts. */
import type { File, FileSystem, FolderLock, OpenMode } from '../fs.ts'
import type { SimDisk } from './sim-disk.ts'
import { fileSystemError, SimFile } from './sim-file.ts'
import { SimFileData } from './sim-file-data.ts'
import { SimFolder, type SimNode } from './sim-folder.ts'

export class SimFileSystem implements FileSystem {
  readonly #disk: SimDisk
  readonly #life: number

  constructor(disk: SimDisk, life: number) {
    this.#disk = disk
    this.#life = life
  }

  open(path: string, mode: OpenMode): Promise<File> {
    return this.#submit(() => {
      const { folder, name } = this.#place(path)
      let node = folder.get(name)
      if (mode === 'create' || mode === 'create-durable') {
        if (node) throw fileSystemError('EEXIST', path)
        if (this.#disk.freeBytes() <= 0) throw fileSystemError('ENOSPC', path)
        node = new SimFileData()
        folder.change({ [name]: node })
      }
      if (!node) throw fileSystemError('ENOENT', path)
      if (node instanceof SimFolder) throw fileSystemError('EISDIR', path)
      node.opened++
      return new SimFile(this.#disk, this.#life, node, mode)
    })
  }

  list(path: string): Promise<string[]> {
    return this.#submit(() => this.#folder(path).names())
  }

  exists(path: string): Promise<boolean> {
    return this.#submit(() => this.#find(path) !== undefined)
  }

  rename(from: string, to: string): Promise<void> {
    return this.#submit(() => {
      const source = this.#place(from)
      const target = this.#place(to)
      const node = source.folder.get(source.name)
      if (!node) throw fileSystemError('ENOENT', from)
      const replaced = target.folder.get(target.name)
      if (replaced instanceof SimFileData) this.#disk.unlinked.add(replaced)
      if (source.folder === target.folder) {
        if (source.name !== target.name) source.folder.change({ [source.name]: undefined, [target.name]: node })
      } else {
        target.folder.change({ [target.name]: node })
        source.folder.change({ [source.name]: undefined })
      }
    })
  }

  unlink(path: string): Promise<void> {
    return this.#submit(() => {
      const { folder, name } = this.#place(path)
      const node = folder.get(name)
      if (!node) throw fileSystemError('ENOENT', path)
      if (node instanceof SimFolder) throw fileSystemError('EISDIR', path)
      this.#disk.unlinked.add(node)
      folder.change({ [name]: undefined })
    })
  }

  makeFolder(path: string): Promise<void> {
    return this.#submit(() => {
      let folder = this.#disk.root
      for (const name of partsOf(path)) {
        const node = folder.get(name) ?? new SimFolder()
        if (!(node instanceof SimFolder)) throw fileSystemError('ENOTDIR', path)
        if (!folder.get(name)) folder.change({ [name]: node })
        folder = node
      }
    })
  }

  removeFolder(path: string): Promise<void> {
    return this.#submit(() => {
      if (this.#folder(path).names().length > 0) throw fileSystemError('ENOTEMPTY', path)
      const { folder, name } = this.#place(path)
      folder.change({ [name]: undefined })
    })
  }

  syncDir(path: string): Promise<void> {
    let folder: SimFolder | undefined
    let promised = 0
    try {
      folder = this.#folder(path)
      promised = folder.lastChange
    } catch {
      // It may come to be before the operation takes effect; then nothing of it is promised.
    }
    return this.#submit(() => {
      if (this.#folder(path) !== folder) return
      if (this.#disk.fails('sync', this.#disk.faults.syncError)) throw fileSystemError('EIO', `sync of ${path}`)
      folder.persist(promised)
    }, this.#disk.syncDelayMs())
  }

  freeBytes(_folder: string): Promise<number> {
    return this.#submit(() => this.#disk.freeBytes())
  }

  lock(path: string, note: string): Promise<FolderLock> {
    return this.#submit(() => {
      this.#folder(path)
      const holder = this.#disk.locks.get(path)
      if (holder !== undefined) {
        throw Object.assign(fileSystemError('ELOCKED', path), { holder: `held by ${holder}` })
      }
      this.#disk.locks.set(path, note)
      return {
        release: () =>
          this.#submit(() => {
            this.#disk.locks.delete(path)
          }),
      }
    })
  }

  #submit<T>(effect: () => T, extraMs = 0): Promise<T> {
    return this.#disk.submit(this.#life, effect, { extraMs })
  }

  #find(path: string): SimNode | undefined {
    let node: SimNode | undefined = this.#disk.root
    for (const name of partsOf(path)) node = node instanceof SimFolder ? node.get(name) : undefined
    return node
  }

  #folder(path: string): SimFolder {
    const node = this.#find(path)
    if (!node) throw fileSystemError('ENOENT', path)
    if (!(node instanceof SimFolder)) throw fileSystemError('ENOTDIR', path)
    return node
  }

  #place(path: string): { folder: SimFolder; name: string } {
    const parts = partsOf(path)
    return { folder: this.#folder(parts.slice(0, -1).join('/')), name: parts[parts.length - 1] }
  }
}

const partsOf = (path: string): string[] => path.split('/').filter((part) => part !== '' && part !== '.')
