/** An open file on a simulated disk. What the disk does to it is told in sim-disk.ts. */
import type { File, OpenMode } from '../fs.ts'
import type { SimDisk } from './sim-disk.ts'
import type { SimFileData } from './sim-file-data.ts'

/** An error as the system gives them. */
export function fileSystemError(code: string, text: string): Error {
  return Object.assign(new Error(`${code}: ${text}`), { code })
}

export class SimFile implements File {
  readonly #disk: SimDisk
  readonly #life: number
  readonly #data: SimFileData
  readonly #mode: OpenMode
  #open = true

  constructor(disk: SimDisk, life: number, data: SimFileData, mode: OpenMode) {
    this.#disk = disk
    this.#life = life
    this.#data = data
    this.#mode = mode
  }

  appendDurable(chunks: Uint8Array[], at: number): Promise<number> {
    return this.#submit(
      () => {
        const written = this.#write(chunks, at)
        if (this.#disk.fails('sync', this.#disk.faults.syncError)) {
          this.#data.forgetRange(at, at + written)
          throw fileSystemError('EIO', 'the sync of a write')
        }
        this.#data.persistRange(at, at + written)
        return written
      },
      { extraMs: this.#disk.syncDelayMs(), interrupted: () => this.#writePart(chunks, at) },
    )
  }

  writeAt(chunks: Uint8Array[], at: number): Promise<number> {
    return this.#submit(() => this.#write(chunks, at), { interrupted: () => this.#writePart(chunks, at) })
  }

  readAt(into: Uint8Array, at: number): Promise<number> {
    return this.#submit(() => {
      if (this.#disk.fails('read', this.#disk.faults.readError)) throw fileSystemError('EIO', 'a read')
      return this.#data.read(into, at)
    })
  }

  sync(): Promise<void> {
    const promised = this.#data.dirtySectors()
    return this.#submit(
      () => {
        if (this.#disk.fails('sync', this.#disk.faults.syncError)) {
          this.#data.forget()
          throw fileSystemError('EIO', 'a sync')
        }
        this.#data.persist(promised)
      },
      { extraMs: this.#disk.syncDelayMs() },
    )
  }

  truncate(bytes: number): Promise<void> {
    return this.#submit(() => this.#data.truncate(bytes))
  }

  size(): Promise<number> {
    return this.#submit(() => this.#data.length)
  }

  /** Known without asking the disk: it takes no time. */
  isAt(path: string): Promise<boolean> {
    if (this.#life !== this.#disk.life) return new Promise(() => {})
    const named = path.split('/').filter((part) => part !== '' && part !== '.')
    const whole = `/${named.join('/')}`
    return Promise.resolve(this.#disk.files().some((file) => file.path === whole && file.data === this.#data))
  }

  close(): Promise<void> {
    return this.#submit(() => {
      this.#open = false
      this.#data.opened--
    })
  }

  #submit<T>(effect: () => T, options: { extraMs?: number; interrupted?: () => void } = {}): Promise<T> {
    return this.#disk.submit(
      this.#life,
      () => {
        if (!this.#open) throw fileSystemError('EBADF', 'the file is closed')
        return effect()
      },
      options,
    )
  }

  /** Writes what fits and what the faults allow. */
  #write(chunks: Uint8Array[], at: number): number {
    if (this.#mode === 'read') throw fileSystemError('EBADF', 'the file was opened for reading')
    const asked = chunks.reduce((sum, chunk) => sum + chunk.length, 0)
    const fitting = Math.min(asked, Math.max(0, this.#data.length - at) + this.#disk.freeBytes())
    if (fitting <= 0 && asked > 0) throw fileSystemError('ENOSPC', 'the disk is full')
    if (this.#disk.fails('write', this.#disk.faults.writeError)) {
      const part = this.#data.write(chunks, at, this.#disk.random.below(fitting + 1))
      this.#data.forgetRange(at, at + part)
      throw fileSystemError('EIO', 'a write')
    }
    const short = asked > 1 && this.#disk.fails('short', this.#disk.faults.shortWrite)
    return this.#data.write(chunks, at, short ? Math.min(fitting, this.#disk.random.between(1, asked - 1)) : fitting)
  }

  /** A crash during a write: all of it or a first part is in the cache, and may be lost with the power. */
  #writePart(chunks: Uint8Array[], at: number): void {
    const asked = chunks.reduce((sum, chunk) => sum + chunk.length, 0)
    this.#data.write(chunks, at, this.#disk.random.chance(0.5) ? asked : this.#disk.random.below(asked + 1))
  }
}
