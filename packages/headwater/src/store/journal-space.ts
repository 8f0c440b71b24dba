/**
 * One file of the journal as it is written. Overwriting blocks that were written before needs no change of the file system,
 * which makes a synced write up to twice as fast; so a new file is filled with zeros a little ahead of its frames, and a
 * file whose records are all durable elsewhere is written again from its start.
 *
 *   | frames ......... | written blocks: zeros, or frames of a former life | a step of zeros under way |
 *                      position                                            written                     target
 */
import type { File, FileSystem } from '../base/fs.ts'

const STEP_BYTES_MIN = 4 * 1024
const STEP_BYTES_MAX = 256 * 1024
/** Steps of a full file, and steps that the zeros are ahead of the frames at most. */
const STEPS = 128
const STEPS_AHEAD = 8

/** What a file is opened with; `bytesMax` is how long a full one is. */
export interface SpaceOptions {
  fs: FileSystem
  folder: string
  name: string
  isNew: boolean
  durable: boolean
  bytesMax: number
  onNoRoom: () => void
}

export class JournalSpace {
  name: string
  /** It may hold frames of a former life. */
  readonly isReused: boolean
  readonly #folder: string
  readonly #fs: FileSystem
  readonly #file: File
  /** Zeros are written through a descriptor of their own: each one is told of failed writes once. */
  #filler: File | undefined
  readonly #isDurable: boolean
  readonly #stepBytes: number
  readonly #bytesMax: number
  /** Bytes from the start that stand in written blocks. */
  #written: number
  #target = 0
  #filling: Promise<void> | undefined
  /** Called when the disk has no room for more zeros. */
  readonly #onNoRoom: () => void

  private constructor(options: SpaceOptions, file: File, written: number) {
    this.name = options.name
    this.isReused = !options.isNew
    this.#folder = options.folder
    this.#fs = options.fs
    this.#isDurable = options.durable
    this.#bytesMax = options.bytesMax
    this.#onNoRoom = options.onNoRoom
    this.#stepBytes = Math.min(STEP_BYTES_MAX, Math.max(STEP_BYTES_MIN, Math.floor(options.bytesMax / STEPS)))
    this.#file = file
    this.#written = written
  }

  /** Opens `folder/name`, which is made when `isNew`; `durable` when every write is to be a sync. */
  static async open(options: SpaceOptions): Promise<JournalSpace> {
    const { fs, folder, name, isNew, durable } = options
    const mode = isNew ? (durable ? 'create-durable' : 'create') : durable ? 'durable' : 'write'
    const file = await fs.open(`${folder}/${name}`, mode)
    return new JournalSpace(options, file, isNew ? 0 : await file.size())
  }

  /** The file's length. */
  get bytes(): number {
    return this.#written
  }

  /** Writes from byte `at`, and syncs when the file is `durable`; resolves with the number of bytes written. */
  async write(pieces: Uint8Array[], at: number, length: number): Promise<number> {
    if (at + length > this.#written) await this.#stopFilling()
    const written = await (this.#isDurable ? this.#file.appendDurable(pieces, at) : this.#file.writeAt(pieces, at))
    this.#written = Math.max(this.#written, at + written)
    if (this.#isDurable) this.#keepAhead(at + length)
    return written
  }

  /** Gives it another name, which is durable after the next sync of the folder. */
  async rename(name: string): Promise<void> {
    await this.#fs.rename(`${this.#folder}/${this.name}`, `${this.#folder}/${name}`)
    this.name = name
  }

  sync(): Promise<void> {
    return this.#file.sync()
  }

  /** Fills with zeros, in the background, until `bytes` stand in written blocks. Not further than a full file is long. */
  fill(bytes: number): void {
    this.#target = Math.max(this.#target, Math.min(bytes, this.#bytesMax))
    if (this.#target > this.#written) this.#filling ??= this.#fill()
  }

  /** Resolves when no zeros are being written. */
  async settled(): Promise<void> {
    await this.#filling
  }

  async close(): Promise<void> {
    await this.#stopFilling()
    await this.#filler?.close()
    await this.#file.close()
  }

  /** A little file stays little: the zeros are as far ahead as the frames have come, up to a bound. */
  #keepAhead(position: number): void {
    const step = this.#stepBytes
    if (this.#written - position >= Math.min(position, (STEPS_AHEAD / 2) * step)) return
    this.fill(position + Math.max(step, Math.min(position, STEPS_AHEAD * step)))
  }

  /** No byte is written by both at a time: frames that come to where zeros are being written wait for that step. */
  async #stopFilling(): Promise<void> {
    this.#target = 0
    await this.#filling
  }

  async #fill(): Promise<void> {
    try {
      const zeros = new Uint8Array(this.#stepBytes)
      this.#filler ??= await this.#fs.open(`${this.#folder}/${this.name}`, 'durable')
      while (this.#written < this.#target) {
        const written = await this.#filler.appendDurable([zeros], this.#written)
        this.#written += written
        if (written < zeros.length) throw Object.assign(new Error('the disk is full'), { code: 'ENOSPC' })
      }
    } catch (error) {
      // Nothing is lost: frames go on making the file longer, and whatever harms them is told to them too.
      this.#target = 0
      if ((error as { code?: string }).code === 'ENOSPC') this.#onNoRoom()
    } finally {
      this.#filling = undefined
    }
  }
}
