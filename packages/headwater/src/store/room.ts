/** Whether the disk has room: looked at before each journal file, and again and again while it has none. */
import type { Clock, Timer } from '../base/clock.ts'
import { type FileSystem, isNoRoom } from '../base/fs.ts'
import type { Logger } from '../base/log.ts'
import type { Troubles } from './troubles.ts'

/** Publishes are refused when fewer journal files than this fit on the disk. */
const FREE_JOURNALS = 3
const RECHECK_MS = 5000
/** How soon a write that waits for room, or for a descriptor, is tried again. */
const WAIT_MS = 1000

/** What is looked at, and who is told. */
export interface RoomOptions {
  readonly fs: FileSystem
  readonly folder: string
  readonly journalBytes: number
  readonly realClock: Clock
  readonly log: Logger
  readonly troubles: Troubles
}

export class Room {
  /** True while publishes must be refused. */
  isFull = false
  readonly #options: RoomOptions
  #recheck: Timer | undefined
  #closed = false
  /** Gives up what a write waits for. */
  #stopWaiting: ((cause: Error) => void) | undefined

  constructor(options: RoomOptions) {
    this.#options = options
  }

  /** Is there room for what may come before the next journal file? */
  async check(): Promise<void> {
    const { fs, folder, journalBytes, log } = this.#options
    const free = await fs.freeBytes(folder).catch((cause) => {
      log.error({ err: cause }, 'the free bytes of the disk are unknown')
      return Number.POSITIVE_INFINITY
    })
    const wasFull = this.isFull
    this.isFull = free < FREE_JOURNALS * journalBytes
    if (this.isFull !== wasFull)
      log.warn({ freeBytes: free }, this.isFull ? 'the disk is full: publishes are refused' : 'there is room again')
    if (this.isFull) this.#recheckLater()
  }

  /** The disk said so itself, whatever is free by its own count. */
  foundFull(): void {
    if (!this.isFull) this.#options.log.warn({}, 'the disk is full: publishes are refused')
    this.isFull = true
    this.#recheckLater()
  }

  /** For a write of which nothing is unknown: resolves when to try again, rejects when the store closes before. */
  async wait(cause: unknown): Promise<void> {
    const { realClock, log, troubles } = this.#options
    if (isNoRoom(cause)) this.foundFull()
    log.error({ err: cause }, 'a write to the journal waits and is tried again')
    troubles.writeWaits(cause)
    if (this.#closed) throw closing()
    await new Promise<void>((resolve, reject) => {
      this.#stopWaiting = reject
      realClock.after(WAIT_MS, resolve)
    })
    this.#stopWaiting = undefined
  }

  /** Nothing is looked at any more, and what waits gives up. */
  close(): void {
    this.#closed = true
    this.#recheck?.cancel()
    this.#stopWaiting?.(closing())
  }

  #recheckLater(): void {
    if (this.#closed) return
    this.#recheck ??= this.#options.realClock.after(RECHECK_MS, () => {
      this.#recheck = undefined
      if (!this.#closed) void this.check()
    })
  }
}

function closing(): Error {
  return new Error('the server closed while a write waited for room on the disk')
}
