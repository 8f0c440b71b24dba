/**
 * The durable store while it runs: creates and deletes streams, turns journal files over, and closes. It only composes: the
 * parts are commit-queue (when), journal (where), log (what), flush (moving on).
 */
import { assert } from '../base/assert.ts'
import type { FolderLock } from '../base/fs.ts'
import { Background } from './background.ts'
import type { Chunks } from './chunk.ts'
import type { CommitQueue } from './commit-queue.ts'
import { compact, sparseSegments } from './compaction.ts'
import { flushStream, removeStreamFolder } from './flush.ts'
import type { FlushContext } from './flush-context.ts'
import type { Journal } from './journal.ts'
import type { JournalFound } from './journal-files.ts'
import { JournalHome } from './journal-home.ts'
import { writeKnownState } from './known-state.ts'
import { Log } from './log.ts'
import { MemoryHome } from './memory-home.ts'
import type { Reader } from './reader.ts'
import type { Recovered } from './recovery.ts'
import { Room } from './room.ts'
import type { Run } from './run.ts'
import { Scrub } from './scrub.ts'
import type { RecoveryReport, Store, StoreOptions } from './store.ts'
import type { StreamLog, Waiter } from './stream-log.ts'
import { syncFailed } from './sync-failed.ts'
import { Troubles } from './troubles.ts'

/** Bytes of a journal file when nothing else is asked for. */
export const JOURNAL_BYTES: number = 32 * 1024 * 1024
const SEGMENT_BYTES = 64 * 1024 * 1024

/** What one journal file holds: the memory of its records, and the streams that have some. */
interface Generation {
  chunks: Chunks
  readonly dirty: Set<JournalHome>
  /** Runs that were flushed and can still be read from memory. */
  readonly hot: Run[]
  readonly flushed: Set<JournalHome>
  /** The files hold records of streams that are damaged: they are set aside, not deleted. */
  readonly keep: boolean
}

/** A store in a folder. Made by openFileStore. */
export class FileStore implements Store {
  recovery: RecoveryReport
  onRelieved: (() => void) | undefined
  onPoisoned: ((cause: Error) => void) | undefined
  readonly #options: StoreOptions
  readonly #lock: FolderLock
  readonly #journal: Journal
  readonly #queue: CommitQueue
  readonly #reader: Reader
  readonly #background: Background
  readonly #flush: FlushContext
  readonly #logs: Map<number, Log> = new Map()
  #nextId: number
  /** Of the file that is written now, of the one being flushed, and of the last one that was. */
  #current: Generation
  #flushing: Generation | undefined
  #flushed: Generation | undefined
  /** Somebody was told of congestion, and not yet of relief. */
  #wasCongested = false
  #closing: Promise<void> | undefined
  /** Where what the journal alone holds begins. */
  #from = 0
  #syncTimer = false
  readonly #troubles = new Troubles()
  readonly #room: Room
  /** Reads cold segments again; undefined when nobody asked for it. */
  readonly scrub: Scrub | undefined
  onDamage: ((place: string) => void) | undefined
  readonly #damaged = new Set<string>()

  constructor(parts: {
    options: StoreOptions
    lock: FolderLock
    journal: Journal
    queue: CommitQueue
    reader: Reader
    recovered: Recovered
    report: RecoveryReport
  }) {
    const { options, queue, journal, reader, recovered } = parts
    this.#options = options
    this.#lock = parts.lock
    this.#journal = journal
    this.#queue = queue
    this.#reader = reader
    this.recovery = parts.report
    this.#nextId = recovered.replay.nextStreamId
    this.#current = { chunks: queue.chunks, dirty: new Set(), hot: [], flushed: new Set(), keep: false }
    const { fs, folder, realClock, log } = options
    const journalBytes = options.journalBytes ?? JOURNAL_BYTES
    this.#room = new Room({ fs, folder, journalBytes, realClock, log, troubles: this.#troubles })
    const onFailure = (what: string, cause: unknown): void => {
      this.#troubles.jobFailed(what, cause)
      options.log.error({ err: cause }, `${what} failed and is tried again`)
    }
    this.#background = new Background(options.realClock, onFailure, (what) => this.#troubles.jobDone(what))
    this.#flush = {
      fs: options.fs,
      folder: `${options.folder}/streams`,
      segmentBytes: options.segmentBytes ?? SEGMENT_BYTES,
      reader,
      lsn: () => queue.lsn,
      synced: () => this.#synced(),
      checkGoingOn: () => this.#background.checkGoingOn(),
    }
    for (const home of recovered.homes) this.#adopt(home)
    queue.onPoisoned = (cause) => {
      this.#background.stop()
      this.onPoisoned?.(cause)
    }
    queue.onTurnOver = (former) => this.#turnedOver(former)
    queue.onFrame = () => this.#afterFrame()
    journal.onFileFull = (name, endLsn) => this.#fileFull([name], endLsn)
    journal.onBeforeFile = () => this.#room.check()
    journal.onNoRoom = () => this.#room.foundFull()
    journal.onWait = (cause) => this.#room.wait(cause)
    reader.onDamage = (place) => this.#tellDamage(place, 'a message cannot be read')
    const { scrubBytesPerSecond: bytesPerSecond } = options
    if (bytesPerSecond === undefined) return
    this.scrub = new Scrub({
      fs,
      folder: this.#flush.folder,
      clock: realClock,
      bytesPerSecond,
      homes: () => [...this.#logs.values()].flatMap(({ home }) => (home instanceof JournalHome ? [home] : [])),
      isBusy: () => this.congested || this.#flushing !== undefined,
      onDamage: (place) => this.#tellDamage(place, 'the disk lost what was written to it'),
    })
    this.scrub.start()
  }

  #tellDamage(place: string, text: string): void {
    this.#options.log.error({ place }, text)
    this.#troubles.unreadable(place)
    if (this.#damaged.has(place)) return
    this.#damaged.add(place)
    this.onDamage?.(place)
  }

  troubles(): string[] {
    return this.#troubles.sentences()
  }

  async checkFolder(): Promise<void> {
    if (this.poisoned || this.#closing) return
    try {
      await this.#journal.mustBeThere()
    } catch (cause) {
      if (!this.#closing) this.#queue.poison(syncFailed(cause))
    }
  }

  get poisoned(): Error | undefined {
    return this.#queue.poisoned
  }

  get full(): boolean {
    return this.#room.isFull
  }

  get nextId(): number {
    return this.#nextId
  }

  get congested(): boolean {
    const congested = this.#queue.overBound || (this.#journal.blocked && this.#journal.fileIsFull)
    if (congested) this.#wasCongested = true
    return congested
  }

  streams(): StreamLog[] {
    return [...this.#logs.values()]
  }

  createStream({ storage, config }: { storage: 'file' | 'memory'; config: string }): StreamLog {
    const id = this.#nextId++
    const { clock, turn } = this.#options
    if (storage === 'memory') {
      const log = new Log({ id, config, home: new MemoryHome(turn), clock })
      this.#logs.set(id, log)
      return log
    }
    const home = new JournalHome(this.#queue, this.#reader)
    home.log = new Log({ id, config, home, clock })
    home.log.index.subjects.unsaved = new Set()
    home.restored()
    this.#adopt(home)
    home.recordCreated(home.log)
    return home.log
  }

  #adopt(home: JournalHome): void {
    this.#logs.set(home.log.id, home.log)
    home.onDirty = () => {
      home.dirty = true
      this.#current.dirty.add(home)
    }
    home.onCheckpointWanted = () => this.#checkpointSoon(home)
  }

  deleteStream(log: StreamLog): void {
    if (!this.#logs.delete(log.id)) return
    const { home } = log as Log
    if (!(home instanceof JournalHome)) return
    home.recordDeleted()
    this.#removeFolderSoon(home)
  }

  #removeFolderSoon(home: JournalHome): void {
    this.#background.add(`deleting stream ${home.log.id}`, async () => {
      if (!home.hasFolder) return
      await this.#synced()
      for (const segment of [...home.segments, ...home.gone]) this.#reader.forget(segment)
      await removeStreamFolder(this.#flush, home.log.id)
    })
  }

  /** A whole segment is dead, or bytes are to be erased: a checkpoint that says so comes first. */
  #checkpointSoon(home: JournalHome): void {
    this.#background.add(`the checkpoint of stream ${home.log.id}`, async () => {
      if ((home.gone.length > 0 || home.erasures.length > 0) && !home.deleted)
        await flushStream(this.#flush, home, home.messagesLsn)
    })
  }

  #compactSoon(home: JournalHome): void {
    this.#background.add(`compacting stream ${home.log.id}`, async () => {
      if (home.deleted) return
      const group = sparseSegments(home, this.#flush.segmentBytes)
      if (group.length > 0) await compact(this.#flush, home, group)
    })
  }

  whenReadable(waiter: Waiter): void {
    this.#queue.whenReadable(waiter)
  }

  /** Resolves when everything recorded so far is on disk, in every mode. */
  async #synced(): Promise<void> {
    await new Promise<void>((resolve, reject) => this.#queue.whenReadable({ readable: resolve, failed: reject }))
    if (this.#options.sync !== 'always') await this.#syncJournal()
  }

  /** I13: a sync that failed is tried again by nobody: the next one would succeed over lost pages. */
  async #syncJournal(): Promise<void> {
    try {
      await this.#journal.sync()
    } catch (cause) {
      this.#queue.poison(syncFailed(cause))
      throw cause
    }
  }

  #turnedOver(former: Chunks): void {
    const full = this.#current
    full.chunks = former
    for (const home of full.dirty) home.dirty = false
    this.#current = { chunks: this.#queue.chunks, dirty: new Set(), hot: [], flushed: new Set(), keep: false }
    this.#flushing = full
    this.#journal.blocked = true
    // What was flushed before is from now on read from disk.
    for (const run of this.#flushed?.hot ?? []) {
      run.chunks = undefined
      run.positions = new Uint32Array(0)
    }
    this.#flushed = undefined
  }

  #fileFull(names: string[], endLsn: number): void {
    const generation = this.#flushing as Generation
    this.#background.add('the flush of a full journal file', () => this.#flushGeneration(generation, names, endLsn))
  }

  /** May be repeated after a failure: what was flushed already is not flushed again. */
  async #flushGeneration(generation: Generation, names: string[], endLsn: number): Promise<void> {
    const streams = this.#durableIds()
    await this.#synced()
    await this.#noteReached(this.#journal.syncedLsn, streams)
    for (const home of [...generation.dirty]) {
      generation.flushed.add(home)
      this.#background.checkGoingOn()
      if (!home.deleted) await flushStream(this.#flush, home, endLsn, generation)
      generation.dirty.delete(home)
    }
    // Deletions asked for until now are in these files, and must be done before the files go.
    const retire = async (): Promise<void> => {
      // What the files still said of streams that are deleted now is said by the next file: it must be on disk before they go.
      const streams = this.#durableIds()
      await this.#synced()
      this.#from = endLsn
      await this.#noteReached(this.#journal.syncedLsn, streams)
      assert(generation.dirty.size === 0, 'I6: a file goes when every stream in it has a checkpoint past it')
      while (names.length > 0) {
        if (generation.keep) await this.#journal.setAside(names[0], `${this.#options.folder}/damaged`)
        else await this.#journal.retire(names[0])
        names.shift()
      }
      this.#flushing = undefined
      this.#flushed = generation
      this.#journal.blocked = false
      this.#relieve()
    }
    this.#background.add('retiring a journal file', retire)
    for (const home of generation.flushed) this.#compactSoon(home)
  }

  #durableIds(): number[] {
    return [...this.#logs.values()].filter((log) => log.storage === 'file').map((log) => log.id)
  }

  /** Says beside the journal how far it came, before anything of it goes. All of it must be on disk. */
  #noteReached(reached: number, streams: number[]): Promise<void> {
    return writeKnownState(this.#options.fs, this.#options.folder, { from: this.#from, reached, streams })
  }

  /** Resolves when nothing is under way: no frame, no flush, no deletion. */
  async settled(): Promise<void> {
    await new Promise<void>((resolve, reject) => this.#queue.whenReadable({ readable: resolve, failed: reject }))
    await this.#background.idle()
    await this.#journal.settled()
  }

  /** Starts on what a start found. */
  async begin(recovered: Recovered, found: JournalFound, firstLsn: number, from?: number): Promise<void> {
    this.#from = from ?? found.files[0]?.opened.formerEnd ?? 0
    await this.#room.check()
    const { replay, rubbish } = recovered
    for (const id of rubbish) {
      this.#background.add(`sweeping streams/${id}`, () => removeStreamFolder(this.#flush, id))
    }
    for (const home of replay.deleted) {
      this.#background.add(`deleting stream ${home.log.id}`, () => removeStreamFolder(this.#flush, home.log.id))
    }
    const names = [...found.empty, ...found.files.map((file) => file.name)]
    if (names.length === 0) return
    const keep = replay.holdsDamaged || replay.unknown.size > 0
    this.#flushing = { chunks: replay.chunks, dirty: replay.dirty, hot: [], flushed: new Set(), keep }
    this.#journal.blocked = true
    this.#fileFull(names, firstLsn)
  }

  #afterFrame(): void {
    this.#troubles.writeGoesOn()
    this.#relieve()
    const { sync, realClock } = this.#options
    if (typeof sync !== 'number' || this.#syncTimer) return
    this.#syncTimer = true
    realClock.after(sync, () => {
      this.#syncTimer = false
      if (this.#closing || this.poisoned) return
      // Poisoned by then: whoever must know was told.
      this.#syncJournal().catch(() => {})
    })
  }

  #relieve(): void {
    if (!this.#wasCongested || this.congested || !this.#queue.relieved) return
    this.#wasCongested = false
    this.onRelieved?.()
  }

  /** An older page is true as well. */
  #unnoted(cause: unknown): void {
    this.#options.log.warn({ err: cause }, 'how far the journal came could not be noted')
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    try {
      this.#background.stop()
      this.#room.close()
      if (!this.poisoned) {
        await this.#synced().catch(() => {})
        await this.#background.idle()
        // The frame that ends a clean stop says nothing: the journal may lose it.
        const reached = this.#journal.writtenLsn
        if (!this.poisoned) await this.#journal.end().catch((cause) => this.#queue.poison(syncFailed(cause)))
        if (!this.poisoned) await this.#noteReached(reached, this.#durableIds()).catch((cause) => this.#unnoted(cause))
      } else await this.#background.idle()
    } finally {
      await this.#reader.close()
      // Everything that could be promised is on disk; and the folder is free again, whatever the system says.
      await this.#journal.close().catch((cause) => this.#options.log.warn({ err: cause }, 'a file could not be closed'))
      await this.#lock.release()
    }
  }
}
