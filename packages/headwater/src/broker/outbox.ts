/**
 * What waits to be written to one connection: frames are composed in a chunk of the arena, which is written once a turn.
 * HOT: `reserve` runs once per delivery. A chunk is taken at the first byte of a turn and given back right after a synchronous write,
 * so the same 64 KiB stays in the processor's cache and an idle connection owns nothing.
 *
 *   queue (sealed parts, oldest first)            the open chunk
 *   [chunk part] [large payload] [chunk part] ... | base ..... pos ....... end |
 *
 * One write is in flight at a time, of at most FLIGHT_MAX bytes; what comes meanwhile is queued. Over `pausePublishers` bytes the
 * publishers are paused; over `max` the connection is a slow consumer and the rest is dropped.
 */
import { CHUNK_SIZE, chunksAreRare, giveChunk, mem, takeChunk } from './arena.ts'
import type { Transport } from './transport.ts'

/** Publishers are paused above this, and go on at half of it. Measured: 128 KiB to 1 MiB are equal, 8 MiB is slower. */
export const PAUSE_BYTES: number = 1024 * 1024
/** The write deadline applies to this many bytes at most. */
const FLIGHT_MAX = 1024 * 1024
/** A part that is longer is written without waiting for the end of the turn. */
const WRITE_NOW = 64 * 1024

/** Who is told what happens to an outbox. */
export interface OutboxOwner {
  /** Bytes wait: flush at the end of the turn. Called once until `flush`. */
  dirty(): void
  /** The queue fell under half of PAUSE_BYTES again. */
  relieved(): void
  /** More than `max` bytes wait. Called once; what is put in later is dropped. */
  overflowed(): void
}

interface Part {
  bytes: Buffer
  /** The chunk to give back when the part was written; 0 when it is not in the arena. */
  chunk: number
}

export class Outbox {
  /** Whether publishers to it should pause. */
  isOver = false
  /** When the write in flight began, in milliseconds of connection time; 0 when none is. Set by `startedAt`. */
  flightSinceMs = 0

  readonly #transport: Transport
  readonly #owner: OutboxOwner
  readonly #max: number
  readonly #now: () => number
  #base = 0
  #pos = 0
  #end = 0
  #isDirty = false
  #queue: Part[] = []
  #queuedBytes = 0
  #flight: Part[] = []
  #flightBytes = 0
  #isDead = false

  constructor(options: { transport: Transport; owner: OutboxOwner; max: number; now: () => number }) {
    this.#transport = options.transport
    this.#owner = options.owner
    this.#max = options.max
    this.#now = options.now
  }

  /** Bytes that were put in and not written yet. */
  get pendingBytes(): number {
    return this.#queuedBytes + this.#flightBytes + (this.#pos - this.#base)
  }

  /** Room for exactly `length` bytes (at most a chunk) in the arena: the caller fills them before it does anything else. */
  reserve(length: number): number {
    const at = this.#pos
    const next = at + length
    if (next <= this.#end) {
      this.#pos = next
      return at
    }
    return this.#reserveInNewChunk(length)
  }

  #reserveInNewChunk(length: number): number {
    if (this.#base !== 0) {
      this.#sealChunk()
      this.#write()
    }
    // Taking may flush this very outbox when the arena is dry: nothing is open meanwhile, and it is marked dirty after.
    const chunk = takeChunk()
    this.#markDirty()
    this.#base = chunk
    this.#end = chunk + CHUNK_SIZE
    this.#pos = chunk + length
    return chunk
  }

  /** Puts in one latin1 text. */
  text(s: string): void {
    mem.write(s, this.reserve(s.length), s.length, 'latin1')
  }

  /** Puts in a head and a large body, both of which nobody will ever change. Nothing is copied. */
  shared(head: Buffer, body: Buffer): void {
    this.#markDirty()
    this.#sealChunk()
    this.#push(head, 0)
    this.#push(body, 0)
    if (this.#queuedBytes >= WRITE_NOW) this.#write()
  }

  /** Writes what waits, unless a write is in flight already. */
  flush(): void {
    this.#isDirty = false
    if (this.#flightBytes === 0 && this.#queuedBytes === 0 && this.#base !== 0 && !this.#isDead) {
      // The usual case, without the queue: one chunk, one write.
      const bytes = mem.subarray(this.#base, this.#pos)
      const chunk = this.#base
      this.#base = this.#pos = this.#end = 0
      this.#send([{ bytes, chunk }], bytes.length)
      return
    }
    this.#sealChunk()
    this.#write()
  }

  /** The write in flight is done. */
  drained(): void {
    this.#landed()
    this.#write()
    this.#relieve()
  }

  /** The transport is gone: memory that a write in flight used is free; what is put in later goes nowhere. */
  abandon(): void {
    this.#isDead = true
    this.#dropQueue()
    if (this.#base !== 0) giveChunk(this.#base)
    this.#base = this.#pos = this.#end = 0
    this.#landed()
    this.#relieve()
  }

  #markDirty(): void {
    if (this.#isDirty) return
    this.#isDirty = true
    this.#owner.dirty()
  }

  #sealChunk(): void {
    const chunk = this.#base
    if (chunk === 0) return
    const bytes = mem.subarray(chunk, this.#pos)
    this.#base = this.#pos = this.#end = 0
    // While a write is in flight the part will wait: when chunks are rare it waits outside the arena.
    if (this.#flightBytes > 0 && chunksAreRare()) {
      const copy = Buffer.allocUnsafeSlow(bytes.length)
      copy.set(bytes)
      giveChunk(chunk)
      this.#push(copy, 0)
    } else {
      this.#push(bytes, chunk)
    }
  }

  #push(bytes: Buffer, chunk: number): void {
    if (this.#isDead) {
      if (chunk !== 0) giveChunk(chunk)
      return
    }
    this.#queue.push({ bytes, chunk })
    this.#queuedBytes += bytes.length
    const waiting = this.#queuedBytes + this.#flightBytes
    if (waiting > PAUSE_BYTES) this.isOver = true
    if (waiting > this.#max) {
      this.#isDead = true
      this.#dropQueue()
      this.#owner.overflowed()
    }
  }

  #write(): void {
    while (this.#flightBytes === 0 && this.#queuedBytes > 0) {
      let parts = this.#queue
      let length = this.#queuedBytes
      if (length > FLIGHT_MAX) {
        let count = 0
        length = 0
        while (count < parts.length && (count === 0 || length + parts[count].bytes.length <= FLIGHT_MAX)) {
          length += parts[count++].bytes.length
        }
        parts = this.#queue.splice(0, count)
      } else {
        this.#queue = []
      }
      this.#queuedBytes -= length
      this.#send(parts, length)
    }
    if (this.isOver) this.#relieve()
  }

  #send(parts: Part[], length: number): void {
    // When chunks are rare, none may stay behind with a slow socket: a copy is written instead.
    if (chunksAreRare()) for (const part of parts) copyOut(part)
    this.#flight = parts
    this.#flightBytes = length
    this.flightSinceMs = this.#now()
    const buffers = parts.length === 1 ? [parts[0].bytes] : parts.map((part) => part.bytes)
    if (this.#transport.write(buffers)) this.#landed()
  }

  #landed(): void {
    for (const part of this.#flight) if (part.chunk !== 0) giveChunk(part.chunk)
    this.#flight = []
    this.#flightBytes = 0
    this.flightSinceMs = 0
  }

  #relieve(): void {
    if (!this.isOver || this.#queuedBytes + this.#flightBytes > PAUSE_BYTES / 2) return
    this.isOver = false
    this.#owner.relieved()
  }

  #dropQueue(): void {
    for (const part of this.#queue) if (part.chunk !== 0) giveChunk(part.chunk)
    this.#queue = []
    this.#queuedBytes = 0
  }
}

function copyOut(part: Part): void {
  if (part.chunk === 0) return
  const copy = Buffer.allocUnsafeSlow(part.bytes.length)
  copy.set(part.bytes)
  giveChunk(part.chunk)
  part.bytes = copy
  part.chunk = 0
}
