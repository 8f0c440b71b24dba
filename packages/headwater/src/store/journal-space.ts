/**
 * One file of the journal as it is written. Overwriting blocks that were written before needs no change of the file system,
 * which makes a synced write up to twice as fast; so a new file is filled with zeros a little ahead of its frames, and a
 * file whose records are all durable elsewhere is written again from its start.
 *
 *   | frames ......... | written blocks: zeros, or frames of a former life | a step of zeros under way |
 *                      position                                            written                     target
 *
 * A full disk: frames in written blocks go on. One that makes the file longer waits for room and is then written, or its rest
 * is: nothing about it is unknown. A short write that no full disk explains is a failure (I13).
 */
import { type File, type FileSystem, isNoRoom } from '../base/fs.ts'

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
  /** Called when the disk has no room for more zeros. */
  onNoRoom: () => void
  /** Called when it has none for a frame; resolves when to try again, rejects when not to. */
  waitForRoom: (cause: unknown) => Promise<void>
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
  readonly #onNoRoom: () => void
  readonly #waitForRoom: (cause: unknown) => Promise<void>

  private constructor(options: SpaceOptions, file: File, written: number) {
    this.name = options.name
    this.isReused = !options.isNew
    this.#folder = options.folder
    this.#fs = options.fs
    this.#isDurable = options.durable
    this.#bytesMax = options.bytesMax
    this.#onNoRoom = options.onNoRoom
    this.#waitForRoom = options.waitForRoom
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
    const grows = at + length > this.#written
    if (grows) await this.#stopFilling()
    const written = await (grows ? this.#writeGrowing(pieces, at, length) : this.#put(pieces, at))
    this.#written = Math.max(this.#written, at + written)
    if (this.#isDurable) this.#keepAhead(at + length)
    return written
  }

  /** Whether it is still the file of its name. */
  isThere(): Promise<boolean> {
    return this.#file.isAt(`${this.#folder}/${this.name}`)
  }

  #put(pieces: Uint8Array[], at: number): Promise<number> {
    return this.#isDurable ? this.#file.appendDurable(pieces, at) : this.#file.writeAt(pieces, at)
  }

  async #writeGrowing(pieces: Uint8Array[], at: number, length: number): Promise<number> {
    let written = 0
    let isUnexplained = false
    for (;;) {
      try {
        const more = await this.#put(written === 0 ? pieces : rest(pieces, written), at + written)
        if (written + more === length && !isUnexplained) return length
        // A full disk takes a part, and of the rest nothing.
        if (isUnexplained) return written
        written += more
        isUnexplained = true
      } catch (cause) {
        if (!isNoRoom(cause)) throw cause
        isUnexplained = false
        await this.#waitForRoom(cause)
      }
    }
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
      if (isNoRoom(error)) this.#onNoRoom()
    } finally {
      this.#filling = undefined
    }
  }
}

/** What is left of the pieces after their first `bytes`. */
function rest(pieces: Uint8Array[], bytes: number): Uint8Array[] {
  const left: Uint8Array[] = []
  let skip = bytes
  for (const piece of pieces) {
    if (skip < piece.length) left.push(piece.subarray(skip))
    skip = Math.max(0, skip - piece.length)
  }
  return left
}
