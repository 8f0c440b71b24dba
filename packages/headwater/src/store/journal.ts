/**
 * The journal: the one file that makes everything durable, written frame by frame, read only by recovery.
 * Its files follow each other without a hole: each says in its first frame where the former one ended.
 *
 * Positions, in bytes of the endless journal: syncedLsn <= writtenLsn <= nextLsn (I1). One write is in flight (I4).
 */
import { assert } from '../base/assert.ts'
import { utf8 } from '../base/bytes.ts'
import type { File, FileSystem } from '../base/fs.ts'
import { FRAME_HEAD_BYTES, writeFrameHead } from './frame.ts'
import { FORMAT_VERSION, type Opened } from './object-record.ts'
import { RECORD_HEAD_BYTES, sealRecord, TYPE_OPENED, writeHead } from './record.ts'
import type { SyncMode } from './store.ts'

const NAME_DIGITS = 10

export interface JournalOptions {
  folder: string
  fs: FileSystem
  sync: SyncMode
  fileBytesMax: number
  storeId: string
  /** Where this run's journal begins, above every LSN that was ever used (I15). */
  firstLsn: number
  /** Where the frames found at the start ended. */
  formerEnd: number
  /** Number of the first file: above every name in the folder. */
  firstNumber: number
  nextStreamId(): number
}

/** The name of a journal file. Carries no meaning: the first frame's LSN orders the files. */
export function journalName(number: number): string {
  return String(number).padStart(NAME_DIGITS, '0')
}

/** The number in a name; undefined when it is not a journal file's. */
export function journalNumber(name: string): number | undefined {
  return /^\d{10}$/.test(name) ? Number(name) : undefined
}

export class Journal {
  readonly #options: JournalOptions
  #file!: File
  #name = ''
  #number: number
  /** Bytes of the current file, what is being written included. */
  #fileBytes = 0
  #formerEnd: number
  /** The first frame of a file that is decided and not made yet. */
  #starting: Uint8Array | undefined
  #nextLsn: number
  #writtenLsn: number
  #syncedLsn: number
  /** A sync that may still run on the current file: it is not closed before. */
  #syncing: Promise<void> = Promise.resolve()
  /** Set while the file must not be changed: the former one is still being flushed. */
  blocked = false
  /** Called when a full file is synced whole and another one begins; `endLsn` is where it ended. */
  onFileFull: ((name: string, endLsn: number) => void) | undefined
  /** Called before a file is made. */
  onBeforeFile: (() => Promise<void>) | undefined

  constructor(options: JournalOptions) {
    this.#options = options
    this.#number = options.firstNumber
    this.#formerEnd = options.formerEnd
    this.#nextLsn = options.firstLsn
    this.#writtenLsn = options.firstLsn
    this.#syncedLsn = options.firstLsn
  }

  /** Where the next frame begins. */
  get nextLsn(): number {
    return this.#nextLsn
  }

  get syncedLsn(): number {
    return this.#syncedLsn
  }

  get writtenLsn(): number {
    return this.#writtenLsn
  }

  get fileIsFull(): boolean {
    return this.#fileBytes >= this.#options.fileBytesMax
  }

  /** Makes the first file. */
  async begin(): Promise<void> {
    this.startFile()
    const first = this.#starting as Uint8Array
    await this.#makeFile()
    await this.#put([first], 0, first.length)
    this.#moveWritten(this.#nextLsn)
  }

  wantsTurnOver(): boolean {
    return this.fileIsFull && !this.blocked && this.#starting === undefined
  }

  /** Decides that what comes next goes to another file. */
  startFile(): void {
    const lsn = this.#nextLsn
    this.#starting = this.#openedFrame(lsn)
    this.#formerEnd = lsn
    this.#fileBytes = this.#starting.length
    this.#nextLsn += this.#starting.length
  }

  /** Writes one frame; resolves when it is as safe as the mode promises. Rejects when the outcome is unknown. */
  async write(pieces: Uint8Array[], lsn: number, length: number): Promise<void> {
    assert(lsn === this.#nextLsn, 'frames follow each other without a hole')
    this.#nextLsn += length
    const first = this.#starting
    if (first) {
      await this.#turnOver()
      this.#fileBytes = first.length + length
      await this.#put([first, ...pieces], 0, first.length + length)
    } else {
      const at = this.#fileBytes
      this.#fileBytes += length
      await this.#put(pieces, at, length)
    }
    this.#moveWritten(lsn + length)
  }

  /** Puts everything written so far on disk. */
  async sync(): Promise<void> {
    const lsn = this.#writtenLsn
    const syncing = this.#file.sync()
    this.#syncing = syncing
    await syncing
    if (lsn > this.#syncedLsn) this.#moveSynced(lsn)
  }

  /** Deletes a file whose every record is durable elsewhere (I6). */
  async retire(name: string): Promise<void> {
    const { fs, folder } = this.#options
    // Asked again after a failure, the name may be gone already.
    if (await fs.exists(`${folder}/${name}`)) await fs.unlink(`${folder}/${name}`)
    // One name at a time: if an older file came back after a crash and a younger one did not, there would be a hole.
    await fs.syncDir(folder)
  }

  /** Moves a file to another folder instead of deleting it. */
  async setAside(name: string, to: string): Promise<void> {
    const { fs, folder } = this.#options
    await fs.makeFolder(to)
    if (await fs.exists(`${folder}/${name}`)) await fs.rename(`${folder}/${name}`, `${to}/${name}`)
    await fs.syncDir(to)
    await fs.syncDir(folder)
  }

  /** Writes the frame that says: nothing was in flight. Everything before it must be written. */
  async end(): Promise<void> {
    await this.sync()
    if (this.#starting) return
    const bytes = new Uint8Array(FRAME_HEAD_BYTES)
    const lsn = this.#nextLsn
    const head = { lsn, syncedLsn: this.#syncedLsn, length: bytes.length, records: 0 }
    writeFrameHead(bytes, new DataView(bytes.buffer), 0, head)
    await this.write([bytes], lsn, bytes.length)
    await this.sync()
  }

  close(): Promise<void> {
    return this.#file.close()
  }

  async #turnOver(): Promise<void> {
    if (this.#options.sync !== 'always') await this.sync()
    const former = this.#file
    const name = this.#name
    const endLsn = this.#formerEnd
    assert(this.#syncedLsn === endLsn, 'I6: a file is left when all of it is synced')
    await this.#makeFile()
    await this.#syncing
    await former.close()
    this.onFileFull?.(name, endLsn)
  }

  async #makeFile(): Promise<void> {
    const { fs, folder, sync } = this.#options
    await this.onBeforeFile?.()
    const name = journalName(this.#number++)
    this.#file = await fs.open(`${folder}/${name}`, sync === 'always' ? 'create-durable' : 'create')
    await fs.syncDir(folder)
    this.#name = name
    this.#starting = undefined
  }

  async #put(pieces: Uint8Array[], at: number, length: number): Promise<void> {
    const always = this.#options.sync === 'always'
    const written = await (always ? this.#file.appendDurable(pieces, at) : this.#file.writeAt(pieces, at))
    if (written !== length) throw new Error(`wrote ${written} of ${length} bytes to journal file ${this.#name}`)
  }

  #moveWritten(lsn: number): void {
    assert(lsn >= this.#writtenLsn && lsn <= this.#nextLsn, 'I1: written is between synced and dirty')
    this.#writtenLsn = lsn
    if (this.#options.sync === 'always') this.#moveSynced(lsn)
  }

  #moveSynced(lsn: number): void {
    assert(lsn >= this.#syncedLsn && lsn <= this.#writtenLsn, 'I1: synced is never beyond written')
    this.#syncedLsn = lsn
  }

  #openedFrame(lsn: number): Uint8Array {
    const opened: Opened = {
      format: FORMAT_VERSION,
      storeId: this.#options.storeId,
      formerEnd: this.#nextLsn === this.#options.firstLsn ? this.#formerEnd : lsn,
      nextStreamId: this.#options.nextStreamId(),
    }
    const body = utf8(JSON.stringify(opened))
    const length = RECORD_HEAD_BYTES + body.length
    const bytes = new Uint8Array(FRAME_HEAD_BYTES + length)
    const view = new DataView(bytes.buffer)
    writeHead(bytes, view, FRAME_HEAD_BYTES, TYPE_OPENED, 0, 0, 0)
    bytes.set(body, FRAME_HEAD_BYTES + RECORD_HEAD_BYTES)
    sealRecord(bytes, view, FRAME_HEAD_BYTES, length)
    writeFrameHead(bytes, view, 0, { lsn, syncedLsn: this.#syncedLsn, length: bytes.length, records: 1 })
    return bytes
  }
}
