/**
 * Group commit: gathers the records of a turn in a frame, writes one frame at a time, and tells who waits.
 *
 *   records -> open frame --end of turn, nothing being written--> in flight --written (and synced)--> waiters, consumers
 *
 * There is no timer: while one frame is written the next one gathers. A frame is never cut inside a turn.
 */
import { assert } from '../base/assert.ts'
import type { Clock, Turn } from '../base/clock.ts'
import { type Chunk, Chunks, SLOT_BYTES } from './chunk.ts'
import { checkRecords, FRAME_HEAD_BYTES, writeFrameHead } from './frame.ts'
import type { Journal } from './journal.ts'
import type { Waiter } from './stream-log.ts'
import { syncFailed } from './sync-failed.ts'

/** Progress that nobody waits for is at most this late. */
const LATE_MS = 10

/** A stream whose records are in a frame. */
export interface FrameMember {
  /** The frame that it is in; compared, so that a frame takes it once. */
  frame: Frame | undefined
  /** Writes what it gathered beside its records; called once, just before the frame closes. */
  beforeClose(): void
  /** The frame that it was in is readable: move readableSeq. Waiters have not been told yet. */
  readable(): void
  /** Waiters have been told: tell consumers. */
  signal(): void
}

/** One frame while it gathers and while it is written. */
export class Frame {
  readonly lsn: number
  length: number = FRAME_HEAD_BYTES
  records = 0
  readonly head: Chunk
  readonly headAt: number
  /** Where this frame's bytes begin in the open chunk. */
  from: number
  /** Over the records of `pieces`. */
  check = 0
  readonly pieces: Uint8Array[] = []
  readonly members: FrameMember[] = []
  readonly waiters: Waiter[] = []

  constructor(lsn: number, head: Chunk, headAt: number) {
    this.lsn = lsn
    this.head = head
    this.headAt = headAt
    this.from = headAt
  }

  /** Takes what `chunk` holds of this frame. */
  take(chunk: Chunk): void {
    if (chunk.used <= this.from) return
    const first = this.pieces.length === 0 ? this.from + FRAME_HEAD_BYTES : this.from
    this.check = checkRecords(chunk.view, first, chunk.used, this.check)
    this.pieces.push(chunk.bytes.subarray(this.from, chunk.used))
  }
}

/** What a queue is made of; `openBytesMax` is the bound on what gathers. */
export interface CommitQueueOptions {
  journal: Journal
  turn: Turn
  realClock: Clock
  openBytesMax: number
}

export class CommitQueue {
  /** Where records go now; another one after each turn-over. */
  chunks: Chunks = new Chunks()
  /** The frame that gathers. */
  open: Frame | undefined
  #inFlight: Frame | undefined
  readonly #journal: Journal
  readonly #turn: Turn
  readonly #realClock: Clock
  readonly #openBytesMax: number
  #closing = false
  #lateTimer = false
  poisoned: Error | undefined
  onPoisoned: ((cause: Error) => void) | undefined
  /** Called when the open frame's records begin a new journal file: what was gathered before is the old file's. */
  onTurnOver: ((former: Chunks) => void) | undefined
  /** Called after each frame. */
  onFrame: (() => void) | undefined

  constructor(options: CommitQueueOptions) {
    this.#journal = options.journal
    this.#turn = options.turn
    this.#realClock = options.realClock
    this.#openBytesMax = options.openBytesMax
  }

  /** Whether more is gathered than the bound. */
  get overBound(): boolean {
    return this.open !== undefined && this.open.length > this.#openBytesMax
  }

  /** Whether less is gathered than half the bound. */
  get relieved(): boolean {
    return this.open === undefined || this.open.length <= this.#openBytesMax / 2
  }

  /** Where the next record goes in the endless journal. */
  get lsn(): number {
    return this.open ? this.open.lsn + this.open.length : this.#journal.nextLsn
  }

  /** A chunk with `bytes` free, in the open frame. The caller fills them and calls `wrote`. HOT. */
  reserve(bytes: number): Chunk {
    const frame = this.open ?? this.#openFrame(bytes)
    const chunk = this.chunks.open as Chunk
    if (chunk.used + bytes <= chunk.bytes.length) return chunk
    frame.take(chunk)
    const next = this.chunks.add(Math.max(SLOT_BYTES, bytes))
    frame.from = 0
    return next
  }

  /** `bytes` were written where `reserve` said, and chunk.used moved past them. HOT. */
  wrote(bytes: number): void {
    const frame = this.open as Frame
    frame.length += bytes
    frame.records++
  }

  /** Makes `member` part of the open frame, which leaves at the end of the turn. */
  join(member: FrameMember): void {
    const frame = this.open ?? this.#openFrame(0)
    if (member.frame !== frame) {
      member.frame = frame
      frame.members.push(member)
    }
    this.urge()
  }

  /** As join, for what nobody waits for: the frame leaves with the next one that somebody does, at most 10 ms late. */
  joinLate(member: FrameMember): void {
    const frame = this.open ?? this.#openFrame(0)
    if (member.frame !== frame) {
      member.frame = frame
      frame.members.push(member)
    }
    if (this.#lateTimer || this.#closing) return
    this.#lateTimer = true
    this.#realClock.after(LATE_MS, this.#late)
  }

  readonly #late = (): void => {
    this.#lateTimer = false
    if (this.open) this.urge()
  }

  /** The open frame is to be written as soon as this turn ends and the one before is written. HOT. */
  urge(): void {
    if (this.#closing) return
    this.#closing = true
    if (!this.#inFlight) this.#turn.atEnd(this.#close)
  }

  whenReadable(waiter: Waiter): void {
    if (this.poisoned) waiter.failed(this.poisoned)
    else if (this.open) {
      this.open.waiters.push(waiter)
      this.urge()
    } else if (this.#inFlight) this.#inFlight.waiters.push(waiter)
    else waiter.readable()
  }

  #openFrame(bytes: number): Frame {
    assert(!this.open, 'one frame gathers at a time')
    if (this.#journal.wantsTurnOver()) {
      const former = this.chunks
      this.chunks = new Chunks()
      this.#journal.startFile()
      this.onTurnOver?.(former)
    }
    let chunk = this.chunks.open
    if (!chunk || chunk.used + FRAME_HEAD_BYTES + bytes > chunk.bytes.length) {
      chunk = this.chunks.add(Math.max(SLOT_BYTES, FRAME_HEAD_BYTES + bytes))
    }
    const frame = new Frame(this.#journal.nextLsn, chunk, chunk.used)
    chunk.used += FRAME_HEAD_BYTES
    this.open = frame
    return frame
  }

  readonly #close = (): void => {
    const frame = this.open
    if (this.#inFlight || this.poisoned) return
    if (!frame) {
      this.#closing = false
      return
    }
    for (const member of frame.members) member.beforeClose()
    this.#closing = false
    frame.take(this.chunks.open as Chunk)
    this.open = undefined
    this.#inFlight = frame
    if (frame.records === 0) {
      this.#written()
      return
    }
    const { lsn, length, records, check } = frame
    const { bytes, view } = frame.head
    writeFrameHead(bytes, view, frame.headAt, { lsn, length, records, check, syncedLsn: this.#journal.syncedLsn })
    this.#journal.write(frame.pieces, lsn, length).then(this.#written, this.#failed)
  }

  readonly #written = (): void => {
    const frame = this.#inFlight
    if (!frame || this.poisoned) return
    this.#inFlight = undefined
    for (const member of frame.members) member.readable()
    for (const waiter of frame.waiters) waiter.readable()
    for (const member of frame.members) member.signal()
    this.onFrame?.()
    if (this.open && this.#closing) this.#turn.atEnd(this.#close)
  }

  /** I13: the outcome on disk is unknown. Nothing is retried; the next start decides by reading. */
  readonly #failed = (cause: unknown): void => {
    this.poison(syncFailed(cause))
  }

  poison(cause: Error): void {
    if (this.poisoned) return
    this.poisoned = cause
    for (const frame of [this.#inFlight, this.open]) {
      for (const waiter of frame?.waiters ?? []) waiter.failed(cause)
    }
    this.onPoisoned?.(cause)
  }

  /** Nothing gathers and nothing is being written. */
  get idle(): boolean {
    return !this.open && !this.#inFlight
  }
}
