/**
 * Replays the journal over what the checkpoints hold. Every record of every frame goes through here once, in order.
 * Messages and removals count from a stream's messagesLsn on, everything else from its stateLsn on.
 */
import { Chunks } from './chunk.ts'
import { FRAME_HEAD_BYTES, type FrameHead, readFrameHead } from './frame.ts'
import type { JournalFile } from './journal-files.ts'
import type { JournalHome } from './journal-home.ts'
import { KeptIds } from './kept-ids.ts'
import { LoggedConsumer } from './logged-consumer.ts'
import { type ObjectChange, readObject } from './object-record.ts'
import { progressConsumer, replayProgress } from './progress-record.ts'
import {
  recordFlag,
  recordLength,
  recordNanos,
  recordSeconds,
  recordSeq,
  recordStream,
  recordSubject,
  recordType,
  TYPE_MESSAGE,
  TYPE_OBJECT,
  TYPE_PROGRESS,
  TYPE_REMOVE,
} from './record.ts'
import { readRemoval } from './removal-record.ts'
import { FLAG_MSG_ID } from './stream-log.ts'

/** A stream while the journal is replayed over it. */
export interface Replayed {
  home: JournalHome
  stateLsn: number
  /** From the checkpoint: not below this afterwards. */
  lastSeq: number
  lastSeconds: number
  lastNanos: number
}

export class Replay {
  readonly streams: Map<number, Replayed>
  /** Streams that are damaged: their records are left alone. */
  readonly #damaged: ReadonlySet<number>
  readonly #create: (id: number, config: string) => JournalHome
  /** Memory of the files: replayed messages are read from it until they are flushed. */
  readonly chunks: Chunks = new Chunks()
  /** Streams with a record in any file. */
  readonly dirty: Set<JournalHome> = new Set()
  readonly deleted: JournalHome[] = []
  /** Ids of messages, whatever becomes of these: those of the checkpoint, and of every message that is replayed. */
  readonly #ids = new Map<JournalHome, KeptIds>()
  /** Ids of the streams that the journal says were deleted. */
  readonly ended: Set<number> = new Set()
  /** Streams that are named, and neither known, created, deleted nor damaged. */
  readonly #unknown: Set<number> = new Set()
  records = 0
  nextStreamId = 1
  /** A damaged stream has records in some file. */
  holdsDamaged = false

  constructor(
    streams: Map<number, Replayed>,
    damaged: ReadonlySet<number>,
    create: (id: number, config: string) => JournalHome,
  ) {
    this.streams = streams
    this.#damaged = damaged
    this.#create = create
  }

  /** Replays one file; they come oldest first. */
  file(file: JournalFile): void {
    this.nextStreamId = Math.max(this.nextStreamId, file.opened.nextStreamId)
    const chunk = this.chunks.adopt(file.bytes)
    for (const at of file.frames) {
      const head = readFrameHead(file.bytes, file.view, at) as FrameHead
      let p = at + FRAME_HEAD_BYTES
      for (let i = 0; i < head.records; i++) {
        this.#record(file.bytes, file.view, p, head.lsn + (p - at), chunk.base)
        p += recordLength(file.view, p)
      }
    }
  }

  /** Streams whose records are there and they are not. */
  get unknown(): ReadonlySet<number> {
    return this.#unknown
  }

  #record(bytes: Uint8Array, view: DataView, at: number, lsn: number, base: number): void {
    this.records++
    const id = recordStream(view, at)
    const type = recordType(bytes, at)
    if (this.#damaged.has(id)) {
      this.holdsDamaged = true
      return
    }
    const stream = this.streams.get(id)
    if (type === TYPE_OBJECT) {
      this.#object(readObject<ObjectChange>(bytes, view, at), id, stream, lsn)
      return
    }
    if (!stream) {
      this.#unknown.add(id)
      return
    }
    this.dirty.add(stream.home)
    if (type === TYPE_PROGRESS) {
      if (lsn >= stream.stateLsn) this.#progress(bytes, view, at, stream)
    } else if (lsn < stream.home.messagesLsn) return
    else if (type === TYPE_MESSAGE) this.#message(bytes, view, at, stream.home, base)
    else if (type === TYPE_REMOVE) this.#removal(view, at, stream.home)
  }

  #message(bytes: Uint8Array, view: DataView, at: number, home: JournalHome, base: number): void {
    const { log } = home
    const { index } = log
    const seq = recordSeq(view, at)
    this.#keepId(bytes, view, at, home)
    if (seq <= index.lastSeq) return
    index.skipTo(seq - 1)
    if (index.tail.chunks !== this.chunks) {
      const tail = index.tail.n === 0 ? index.tail : index.startTail()
      tail.chunks = this.chunks
    }
    index.add(base + at, index.subjects.idOf(recordSubject(bytes, view, at)), recordLength(view, at) - 2)
    log.restoreTime(recordSeconds(view, at), recordNanos(view, at))
  }

  /** Also of a message that a segment has already, and of one that is removed further on. */
  #keepId(bytes: Uint8Array, view: DataView, at: number, home: JournalHome): void {
    if ((recordFlag(bytes, at) & FLAG_MSG_ID) === 0) return
    let ids = this.#ids.get(home)
    if (!ids) {
      ids = new KeptIds(home.log.recoveredIds)
      this.#ids.set(home, ids)
    }
    ids.addRecord(bytes, view, at)
  }

  #removal(view: DataView, at: number, home: JournalHome): void {
    const { log } = home
    readRemoval(view, at, {
      removeBelow: (seq) => {
        if (seq > log.index.lastSeq) log.index.clear()
        while (log.index.messages > 0 && log.index.firstSeq < seq) log.drop(log.index.firstSeq)
      },
      remove: (seq, erase) => {
        log.drop(seq)
        if (erase) home.erasures.push(seq)
      },
    })
    log.index.skipTo(recordSeq(view, at))
  }

  #progress(bytes: Uint8Array, view: DataView, at: number, stream: Replayed): void {
    const consumer = stream.home.log.consumer(progressConsumer(view, at))
    if (consumer) replayProgress(bytes, view, at, consumer.progress)
  }

  #object(change: ObjectChange | undefined, id: number, known: Replayed | undefined, lsn: number): void {
    this.nextStreamId = Math.max(this.nextStreamId, id + 1)
    if (change?.what === 'stream-deleted') {
      this.#unknown.delete(id)
      this.ended.add(id)
      if (!known) return
      this.streams.delete(id)
      this.dirty.delete(known.home)
      known.home.deleted = true
      this.deleted.push(known.home)
      return
    }
    if (!known) {
      if (change?.what === 'stream-created') {
        const home = this.#create(id, change.config)
        this.streams.set(id, { home, stateLsn: 0, lastSeq: 0, lastSeconds: 0, lastNanos: 0 })
        this.dirty.add(home)
      } else this.#unknown.add(id)
      return
    }
    this.dirty.add(known.home)
    if (!change || lsn < known.stateLsn) return
    const { log } = known.home
    if (change.what === 'stream' || change.what === 'stream-created') log.restoreConfig(change.config)
    else if (change.what === 'consumer-deleted') log.restoreConsumer(change.consumer, undefined)
    else {
      const consumer = log.consumer(change.consumer)
      if (consumer) consumer.restoreConfig(change.config)
      else log.restoreConsumer(change.consumer, new LoggedConsumer(log, change.consumer, change.config))
    }
  }

  /** After the last file: nothing is below what the checkpoints said. */
  finish(): void {
    for (const { home, lastSeq, lastSeconds, lastNanos } of this.streams.values()) {
      home.log.index.skipTo(lastSeq)
      home.log.restoreTime(lastSeconds, lastNanos)
      const ids = this.#ids.get(home)
      if (ids) home.log.recoveredIds = ids.newest()
      home.restored()
    }
  }
}
