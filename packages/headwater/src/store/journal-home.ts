/** Where a durable stream lives: its records go through the commit queue, cold ones come back through the reader. */

import { utf8 } from '../base/bytes.ts'
import { mayPass } from '../base/fs.ts'
import type { SegmentEntry } from './checkpoint.ts'
import type { Chunk, Chunks } from './chunk.ts'
import type { CommitQueue, Frame, FrameMember } from './commit-queue.ts'
import type { ProgressEvent } from './consumer-progress.ts'
import type { Log } from './log.ts'
import type { LogHome } from './log-home.ts'
import type { LoggedConsumer } from './logged-consumer.ts'
import type { ObjectChange } from './object-record.ts'
import { progressRecordBytes, progressRunBytes, writeProgress, writeProgressRun } from './progress-record.ts'
import { ProgressRun } from './progress-run.ts'
import type { Reader } from './reader.ts'
import { RECORD_HEAD_BYTES, sealRecord, TYPE_OBJECT, writeHead } from './record.ts'
import { Removals, removalRecordBytes, writeRemoval } from './removal-record.ts'
import type { Run } from './run.ts'
import type { Segment } from './segment.ts'
import type { Waiter } from './stream-log.ts'
import type { SubjectsFile } from './subject-file.ts'

export class JournalHome implements LogHome, FrameMember {
  readonly storage = 'file'
  readonly checked = true
  readonly queue: CommitQueue
  readonly #reader: Reader
  log!: Log
  frame: Frame | undefined
  readonly #removals = new Removals()
  /** Consumers whose run goes into the open frame. */
  #running: LoggedConsumer[] = []
  #readable = 0
  /** lastSeq when the frame in flight closed. */
  #closedSeq = 0
  #moved = false

  deleted = false
  /** Journal records below this LSN are in segments, or of messages that are gone. */
  messagesLsn = 0
  /** Files of this stream, oldest first; the checkpoint names them. */
  segments: Segment[] = []
  subjectsFile: SubjectsFile | undefined
  /** Segment files in which nothing lives any more: unlinked after the next checkpoint, which does not name them. */
  gone: Segment[] = []
  /** Segment files that cannot be read: named by every checkpoint, so that they are never unlinked. */
  damagedSegments: SegmentEntry[] = []
  /** Removed messages whose bytes are to be overwritten, if they have reached a segment, once a checkpoint knows them dead. */
  erasures: number[] = []
  /** Segments with a damaged record: they are not rewritten. */
  readonly uncompactable: Set<Segment> = new Set()
  hasFolder = false
  /** Has records in the journal file that is written now. */
  dirty = false
  onDirty: ((home: JournalHome) => void) | undefined
  onCheckpointWanted: ((home: JournalHome) => void) | undefined

  constructor(queue: CommitQueue, reader: Reader) {
    this.queue = queue
    this.#reader = reader
  }

  get chunks(): Chunks {
    return this.queue.chunks
  }

  get coldAt(): number {
    return this.#reader.at
  }

  reserve(bytes: number): Chunk {
    return this.queue.reserve(bytes)
  }

  // HOT
  appended(_log: Log, bytes: number): void {
    this.queue.wrote(bytes)
    if (this.frame !== this.queue.open) this.#join()
    else this.queue.urge()
  }

  #join(): void {
    this.queue.join(this)
    if (!this.dirty) this.onDirty?.(this)
  }

  // In a poisoned store nothing is recorded any more: it would only gather. Memory goes on telling what is served.
  removed(_log: Log, seq: number, _run: Run, erase: boolean): void {
    if (this.queue.poisoned) return
    this.#removals.add(seq, erase)
    this.#join()
    if (!erase) return
    this.erasures.push(seq)
    this.onCheckpointWanted?.(this)
  }

  removedBelow(_log: Log, seq: number): void {
    if (this.queue.poisoned) return
    this.#removals.addBelow(seq)
    this.#join()
  }

  skipped(): void {
    this.#removals.addLastMoved()
    this.#join()
  }

  closed(): void {}

  configured(log: Log): void {
    this.#object({ what: 'stream', config: log.config })
  }

  recordCreated(log: Log): void {
    this.#object({ what: 'stream-created', config: log.config })
  }

  recordDeleted(): void {
    this.deleted = true
    this.#object({ what: 'stream-deleted' })
  }

  consumerChanged(_log: Log, consumer: LoggedConsumer, what: 'created' | 'updated' | 'deleted'): void {
    if (what === 'deleted') this.#object({ what: 'consumer-deleted', consumer: consumer.id })
    else this.#object({ what: 'consumer', consumer: consumer.id, config: consumer.config })
  }

  #object(change: ObjectChange): void {
    if (this.queue.poisoned) return
    const body = utf8(JSON.stringify(change))
    const length = RECORD_HEAD_BYTES + body.length
    const chunk = this.queue.reserve(length)
    const { bytes, view, used } = chunk
    writeHead(bytes, view, used, TYPE_OBJECT, 0, this.log.id, 0)
    bytes.set(body, used + RECORD_HEAD_BYTES)
    this.#sealed(chunk, length)
    this.#join()
  }

  // HOT: once per delivery and once per ack.
  progressed(log: Log, consumer: LoggedConsumer, event: ProgressEvent, urgency: 'now' | 'later'): void {
    if (this.queue.poisoned) return
    const run = (consumer.run ??= new ProgressRun())
    if (run.what === '') {
      if (run.take(event)) this.#running.push(consumer)
      else this.#record(log, consumer, event)
    } else if (!run.take(event)) {
      this.#recordRun(consumer)
      // It is on the list still.
      if (!run.take(event)) this.#record(log, consumer, event)
    }
    if (urgency === 'now') this.queue.join(this)
    else this.queue.joinLate(this)
    if (!this.dirty) this.onDirty?.(this)
  }

  #record(log: Log, consumer: LoggedConsumer, event: ProgressEvent): void {
    const length = progressRecordBytes(event)
    const chunk = this.queue.reserve(length)
    writeProgress(chunk.bytes, chunk.view, chunk.used, log.id, consumer.id, event)
    this.#sealed(chunk, length)
  }

  /** Writes what has gathered; one record, whatever it is. */
  #recordRun(consumer: LoggedConsumer): void {
    const run = consumer.run as ProgressRun
    if (run.what === '') return
    const length = progressRunBytes(run)
    const chunk = this.queue.reserve(length)
    writeProgressRun(chunk.bytes, chunk.view, chunk.used, this.log.id, consumer.id, run)
    this.#sealed(chunk, length)
    run.clear()
  }

  #sealed(chunk: Chunk, length: number): void {
    sealRecord(chunk.bytes, chunk.view, chunk.used, length)
    chunk.used += length
    this.queue.wrote(length)
  }

  beforeClose(): void {
    this.#closedSeq = this.log.index.lastSeq
    // After `stream-deleted` nothing is said of this stream any more: recovery would not know whom it is about.
    if (this.deleted) return
    this.#recordRuns()
    if (!this.#removals.any) return
    const { below, ranges, erase } = this.#removals.takeRanges()
    const length = removalRecordBytes(ranges)
    const chunk = this.queue.reserve(length)
    const options = { stream: this.log.id, lastSeq: this.#closedSeq, below, ranges, erase }
    writeRemoval(chunk.bytes, chunk.view, chunk.used, options)
    this.#sealed(chunk, length)
  }

  #recordRuns(): void {
    for (const consumer of this.#running) this.#recordRun(consumer)
    this.#running.length = 0
  }

  readable(): void {
    this.#moved = this.#closedSeq > this.#readable
    if (this.#moved) this.#readable = this.#closedSeq
  }

  signal(): void {
    if (this.#moved) this.log.onReadable?.()
  }

  readableSeq(): number {
    return this.#readable
  }

  whenReadable(waiter: Waiter): void {
    this.queue.whenReadable(waiter)
  }

  cold(run: Run, i: number): Chunk | undefined {
    return this.#reader.find(run, i)
  }

  async load(log: Log, run: Run, i: number): Promise<void> {
    try {
      await this.#reader.load(log.id, run, i)
    } catch (error) {
      // A run that was rewritten or emptied meanwhile has lost its file; that is no damage.
      if (log.index.runs.includes(run) && !mayPass(error)) this.#reader.tell(error as Error)
      throw error
    }
  }

  /** Recovery: everything that was found is readable. */
  restored(): void {
    this.#readable = this.log.index.lastSeq
    this.log.index.onRunGone = (run) => this.runGone(run)
  }

  /** A run has no living entry; when its whole segment has none, the segment can go. */
  runGone(run: Run): void {
    const { segment } = run
    if (!segment || segment.runs.some((other) => other.live > 0)) return
    const at = this.segments.indexOf(segment)
    if (at < 0 || segment.growing) return
    this.segments.splice(at, 1)
    this.gone.push(segment)
    this.onCheckpointWanted?.(this)
  }
}
