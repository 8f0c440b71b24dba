/**
 * The journal: the one file that makes everything durable, written frame by frame, read only by recovery.
 * Its files follow each other without a hole: each says in its first frame where the former one ended.
 *
 *   0000000007  full, being flushed; then nothing in it counts: it is renamed to
 *   spare       read by nobody; the next file: it gets a number, and is written from its start
 *   0000000008  written now
 *
 * Positions, in bytes of the endless journal: syncedLsn <= writtenLsn <= nextLsn (I1). One write is in flight (I4).
 */
import { assert } from '../base/assert.ts'
import { utf8 } from '../base/bytes.ts'
import { type FileSystem, mayPass } from '../base/fs.ts'
import { checkRecords, FRAME_HEAD_BYTES, writeFrameHead } from './frame.ts'
import { JournalSpace } from './journal-space.ts'
import { FORMAT_VERSION, type Opened } from './object-record.ts'
import { RECORD_HEAD_BYTES, sealRecord, TYPE_OPENED, writeHead } from './record.ts'
import type { SyncMode } from './store.ts'
import { folderGone } from './sync-failed.ts'

const NAME_DIGITS = 10
const SPARE = 'spare'
/** Zeros that a first file begins with, a part of a whole one: room for acks and removals when the disk is full. */
const FIRST_ROOM = 1 / 32
/** How often at most a write looks whether the file is still in its place. */
const LOOK_MS = 1000
/** The first LSN of a run of the server is a multiple of this. */
export const RUN_STEP: number = 1 << 20

/** What a journal is made of. */
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
  /** Milliseconds of connection time. */
  now(): number
}

/** The name of a journal file. Later files have higher numbers. */
export function journalName(number: number): string {
  return String(number).padStart(NAME_DIGITS, '0')
}

/** The number in a name; undefined when it is not a journal file's. */
export function journalNumber(name: string): number | undefined {
  return /^\d{10}$/.test(name) ? Number(name) : undefined
}

export class Journal {
  readonly #options: JournalOptions
  #file!: JournalSpace
  /** What the next file will be: nothing in it counts. */
  #spare: JournalSpace | undefined
  /** Makes a spare when there was no file yet to write again; tried once a file. */
  #preparing: Promise<void> | undefined
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
  /** The disk has no room for the zeros that are written ahead of the frames. */
  onNoRoom: (() => void) | undefined
  /**
   * Called when something cannot be done yet, and nothing was done: no room, no descriptor. Resolves when to try again,
   * rejects when not to. Without it, and so while a store is opened, nothing is waited for.
   */
  onWait: ((cause: unknown) => Promise<void>) | undefined
  #lookedMs = Number.NEGATIVE_INFINITY
  /** Called before a file is begun. */
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
    if (await this.#options.fs.exists(`${this.#options.folder}/${SPARE}`)) this.#spare = await this.#open(SPARE, false)
    this.startFile()
    const first = this.#starting as Uint8Array
    await this.#beginFile()
    await this.#put([first], 0, first.length)
    this.#moveWritten(this.#nextLsn)
    if (this.#options.sync === 'always') this.#file.fill(this.#options.fileBytesMax * FIRST_ROOM)
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
    const inPlace = this.#look()
    if (first) {
      await this.#mustBe(inPlace)
      await this.#turnOver()
      this.#fileBytes = first.length + length
      await this.#put([first, ...pieces], 0, first.length + length)
    } else {
      const at = this.#fileBytes
      this.#fileBytes += length
      await this.#put(pieces, at, length)
      await this.#mustBe(inPlace)
    }
    this.#moveWritten(lsn + length)
    if (!this.#spare && !this.#preparing && !this.blocked && this.#fileBytes > this.#options.fileBytesMax / 2) {
      this.#preparing = this.#prepare()
    }
  }

  /** Throws when the file that is written is not in its place any more: the folder was removed, moved or replaced. */
  async mustBeThere(): Promise<void> {
    this.#lookedMs = Number.NEGATIVE_INFINITY
    await this.#mustBe(this.#look())
  }

  /** Beside a write, now and then, and always at a turn-over: whether the file is in its place. One that cannot be asked is. */
  #look(): Promise<boolean> | undefined {
    const nowMs = this.#options.now()
    if (this.#starting === undefined && nowMs - this.#lookedMs < LOOK_MS) return undefined
    this.#lookedMs = nowMs
    return this.#file.isThere().catch(() => true)
  }

  async #mustBe(inPlace: Promise<boolean> | undefined): Promise<void> {
    if (inPlace && !(await inPlace)) throw folderGone(`${this.#options.folder}/${this.#file.name}`)
  }

  /** Puts everything written so far on disk. */
  async sync(): Promise<void> {
    const lsn = this.#writtenLsn
    const syncing = this.#file.sync()
    this.#syncing = syncing
    await syncing
    if (lsn > this.#syncedLsn) this.#moveSynced(lsn)
  }

  /** Lets go of a file whose every record is durable elsewhere (I6): it becomes the spare, or is deleted. */
  async retire(name: string): Promise<void> {
    const { fs, folder, fileBytesMax } = this.#options
    // Asked again after a failure, the name may be gone already.
    const isThere = await fs.exists(`${folder}/${name}`)
    const isKept = isThere && !this.#spare && !this.#preparing
    if (isKept) await fs.rename(`${folder}/${name}`, `${folder}/${SPARE}`)
    else if (isThere) await fs.unlink(`${folder}/${name}`)
    // One name at a time: if an older file came back after a crash and a younger one did not, there would be a hole.
    await fs.syncDir(folder)
    if (!isKept) return
    const spare = await this.#open(SPARE, false)
    if (spare.bytes <= 2 * fileBytesMax) {
      this.#spare = spare
      return
    }
    // It took in a very large message: that much is not kept for good.
    await spare.close()
    await fs.unlink(`${folder}/${SPARE}`)
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
    const head = { lsn, syncedLsn: this.#syncedLsn, length: bytes.length, records: 0, check: 0 }
    writeFrameHead(bytes, new DataView(bytes.buffer), 0, head)
    await this.write([bytes], lsn, bytes.length)
    await this.sync()
  }

  /** Resolves when nothing is done in the background. */
  async settled(): Promise<void> {
    await this.#preparing
    await this.#spare?.settled()
    await this.#file.settled()
  }

  async close(): Promise<void> {
    await this.#preparing
    await this.#spare?.close()
    await this.#file.close()
  }

  /** Lets go of the files of a start that failed; one that was made and holds nothing does not stay. */
  async abandon(): Promise<void> {
    const { fs, folder } = this.#options
    const made = this.#file
    const isEmpty = made && !made.isReused && this.#writtenLsn === this.#options.firstLsn
    await Promise.allSettled([this.#spare?.close(), made?.close()])
    if (isEmpty) await fs.unlink(`${folder}/${made.name}`).catch(() => {})
  }

  async #turnOver(): Promise<void> {
    if (this.#options.sync !== 'always') await this.sync()
    const former = this.#file
    const endLsn = this.#formerEnd
    assert(this.#syncedLsn === endLsn, 'I6: a file is left when all of it is synced')
    await this.#beginFile()
    await this.#syncing
    await former.close()
    this.onFileFull?.(former.name, endLsn)
  }

  async #beginFile(): Promise<void> {
    await this.onBeforeFile?.()
    await this.#preparing
    this.#preparing = undefined
    const spare = this.#spare ?? (await this.#patiently(() => this.#makeSpare()))
    this.#spare = undefined
    const name = journalName(this.#number++)
    await this.#patiently(() => spare.rename(name))
    await this.#patiently(() => this.#options.fs.syncDir(this.#options.folder))
    this.#file = spare
    this.#starting = undefined
  }

  /** For steps that leave nothing behind when they cannot be begun. */
  async #patiently<T>(step: () => Promise<T>): Promise<T> {
    for (;;) {
      try {
        return await step()
      } catch (cause) {
        if (!mayPass(cause)) throw cause
        await this.#wait(cause)
      }
    }
  }

  #wait(cause: unknown): Promise<void> {
    return this.onWait ? this.onWait(cause) : Promise.reject(cause)
  }

  async #makeSpare(): Promise<JournalSpace> {
    const { fs, folder } = this.#options
    // Left by a retirement that failed half-way.
    if (await fs.exists(`${folder}/${SPARE}`)) await fs.unlink(`${folder}/${SPARE}`)
    return this.#open(SPARE, true)
  }

  async #prepare(): Promise<void> {
    try {
      this.#spare = await this.#makeSpare()
      this.#spare.fill(this.#options.fileBytesMax)
    } catch {
      // The turn-over makes the file then, and tells why it cannot.
    }
  }

  #open(name: string, isNew: boolean): Promise<JournalSpace> {
    const { fs, folder, sync, fileBytesMax } = this.#options
    const onNoRoom = (): void => this.onNoRoom?.()
    const waitForRoom = (cause: unknown): Promise<void> => this.#wait(cause)
    const durable = sync === 'always'
    return JournalSpace.open({ fs, folder, name, isNew, durable, bytesMax: fileBytesMax, onNoRoom, waitForRoom })
  }

  async #put(pieces: Uint8Array[], at: number, length: number): Promise<void> {
    const written = await this.#file.write(pieces, at, length)
    if (written !== length) throw new Error(`wrote ${written} of ${length} bytes to journal file ${this.#file.name}`)
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
      isReused: this.#spare?.isReused ?? false,
      nextStreamId: this.#options.nextStreamId(),
    }
    const body = utf8(JSON.stringify(opened))
    const length = RECORD_HEAD_BYTES + body.length
    const bytes = new Uint8Array(FRAME_HEAD_BYTES + length)
    const view = new DataView(bytes.buffer)
    writeHead(bytes, view, FRAME_HEAD_BYTES, TYPE_OPENED, 0, 0, 0)
    bytes.set(body, FRAME_HEAD_BYTES + RECORD_HEAD_BYTES)
    sealRecord(bytes, view, FRAME_HEAD_BYTES, length)
    const check = checkRecords(view, FRAME_HEAD_BYTES, bytes.length)
    writeFrameHead(bytes, view, 0, { lsn, syncedLsn: this.#syncedLsn, length: bytes.length, records: 1, check })
    return bytes
  }
}
