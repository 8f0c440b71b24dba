/**
 * The real file system: node:fs behind the seam, and the only use of it. One thread-pool hop per operation.
 *
 * Durable writes: on Linux the file is opened with O_DSYNC, so that one write is also the sync, and one call can fail.
 * Elsewhere a write is followed by fdatasync: O_DSYNC does not reach the platter on macOS (where libuv's fdatasync is a full
 * flush) and does not exist on Windows. `durableBy: 'sync'` takes that way on Linux too, so that it can be tested here.
 */
import * as fs from 'node:fs'
import type { File, FileSystem, FolderLock, OpenMode } from './fs.ts'
import { lockFolder } from './node-lock.ts'

const onLinux = process.platform === 'linux'
const onWindows = process.platform === 'win32'
const { O_RDONLY, O_RDWR, O_CREAT, O_EXCL } = fs.constants

const flagsOf: Record<OpenMode, number> = {
  read: O_RDONLY,
  write: O_RDWR,
  create: O_RDWR | O_CREAT | O_EXCL,
  durable: O_RDWR,
  'create-durable': O_RDWR | O_CREAT | O_EXCL,
}

/** Settles with what a node:fs callback says. */
function called<T>(call: (done: (error: Error | null, value?: T) => void) => void): Promise<T> {
  return new Promise((resolve, reject) => call((error, value) => (error ? reject(error) : resolve(value as T))))
}

class NodeFile implements File {
  readonly #descriptor: number
  /** Opened with O_DSYNC: a write that returned is on disk. */
  readonly #writesSync: boolean

  constructor(descriptor: number, writesSync: boolean) {
    this.#descriptor = descriptor
    this.#writesSync = writesSync
  }

  async appendDurable(chunks: Uint8Array[], at: number): Promise<number> {
    const written = await this.writeAt(chunks, at)
    if (!this.#writesSync) await this.sync()
    return written
  }

  writeAt(chunks: Uint8Array[], at: number): Promise<number> {
    if (chunks.length === 1)
      return called((done) => fs.write(this.#descriptor, chunks[0], 0, chunks[0].length, at, done))
    return called((done) => fs.writev(this.#descriptor, chunks, at, done))
  }

  readAt(into: Uint8Array, at: number): Promise<number> {
    return called((done) => fs.read(this.#descriptor, into, 0, into.length, at, done))
  }

  sync(): Promise<void> {
    return called((done) => fs.fdatasync(this.#descriptor, done))
  }

  truncate(bytes: number): Promise<void> {
    return called((done) => fs.ftruncate(this.#descriptor, bytes, done))
  }

  async size(): Promise<number> {
    return (await called<fs.Stats>((done) => fs.fstat(this.#descriptor, done))).size
  }

  async isAt(path: string): Promise<boolean> {
    const own = called<fs.BigIntStats>((done) => fs.fstat(this.#descriptor, { bigint: true }, done))
    try {
      const [{ dev, ino }, there] = await Promise.all([own, fs.promises.stat(path, { bigint: true })])
      return there.dev === dev && there.ino === ino
    } catch (error) {
      if (isAbsent(error)) return false
      throw error
    }
  }

  close(): Promise<void> {
    return called((done) => fs.close(this.#descriptor, done))
  }
}

/** What NodeFileSystem may be told: how a durable write becomes durable. */
export interface NodeFileSystemOptions {
  /** `write`: by the write itself (O_DSYNC; Linux, and the default there). `sync`: by an fdatasync that follows. */
  readonly durableBy?: 'write' | 'sync'
}

/** The file system of this machine. Holds nothing open: instances may be made freely. */
export class NodeFileSystem implements FileSystem {
  readonly #durableFlag: number

  constructor({ durableBy = 'write' }: NodeFileSystemOptions = {}) {
    this.#durableFlag = onLinux && durableBy === 'write' ? fs.constants.O_DSYNC : 0
  }

  async open(path: string, mode: OpenMode): Promise<File> {
    const isDurable = mode === 'durable' || mode === 'create-durable'
    const flags = flagsOf[mode] | (isDurable ? this.#durableFlag : 0)
    const descriptor = await called<number>((done) => fs.open(path, flags, 0o600, done))
    return new NodeFile(descriptor, isDurable && this.#durableFlag !== 0)
  }

  async list(folder: string): Promise<string[]> {
    return (await fs.promises.readdir(folder)).sort()
  }

  async exists(path: string): Promise<boolean> {
    try {
      await fs.promises.access(path)
      return true
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false
      throw error
    }
  }

  rename(from: string, to: string): Promise<void> {
    return fs.promises.rename(from, to)
  }

  unlink(path: string): Promise<void> {
    return fs.promises.unlink(path)
  }

  async makeFolder(path: string): Promise<void> {
    await fs.promises.mkdir(path, { recursive: true, mode: 0o700 })
  }

  removeFolder(path: string): Promise<void> {
    return fs.promises.rmdir(path)
  }

  async syncDir(folder: string): Promise<void> {
    // Windows has no way to sync a folder; NTFS journals its names in order.
    if (onWindows) return
    const descriptor = await called<number>((done) => fs.open(folder, O_RDONLY, done))
    try {
      await called<void>((done) => fs.fsync(descriptor, done))
    } finally {
      await called<void>((done) => fs.close(descriptor, done))
    }
  }

  async freeBytes(folder: string): Promise<number> {
    const disk = await fs.promises.statfs(folder)
    return disk.bavail * disk.bsize
  }

  /**
   * Takes `folder` itself and its file LOCK, made if need be, and leaves `note` in that for whoever is refused. The folder, so
   * that nobody gets in who finds LOCK removed.
   */
  async lock(folder: string, note: string): Promise<FolderLock> {
    const path = `${folder}/LOCK`
    const descriptors: number[] = []
    const open = async (what: string, flags: number): Promise<number> => {
      const descriptor = await called<number>((done) => fs.open(what, flags, 0o600, done))
      descriptors.push(descriptor)
      return descriptor
    }
    const closeAll = async (): Promise<void> => {
      for (const descriptor of descriptors.splice(0)) await called<void>((done) => fs.close(descriptor, done))
    }
    try {
      const file = await open(path, O_RDWR | O_CREAT)
      const descriptorsToLock = onWindows ? [file] : [file, await open(folder, O_RDONLY)]
      const held = await lockFolder(await fs.promises.realpath(folder), descriptorsToLock, this)
      if (!held) {
        const holder = (await fs.promises.readFile(path, 'utf8')).trim() || 'another process, which left no note'
        const error = new Error(`ELOCKED: ${folder} is held by ${holder}`)
        throw Object.assign(error, { code: 'ELOCKED', holder: `held by ${holder}` })
      }
      await called<void>((done) => fs.ftruncate(file, 0, done))
      await called<number>((done) => fs.write(file, note, 0, 'utf8', done))
      return {
        release: async () => {
          await held.release()
          await closeAll()
        },
      }
    } catch (error) {
      await closeAll()
      throw error
    }
  }
}

function isAbsent(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException
  return code === 'ENOENT' || code === 'ENOTDIR'
}
