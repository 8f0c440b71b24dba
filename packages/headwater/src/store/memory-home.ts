/** Where a memory stream lives: chunks of its own, everything readable at once, nothing durable. */
import type { Turn } from '../base/clock.ts'
import { type Chunk, Chunks } from './chunk.ts'
import type { Log } from './log.ts'
import type { LogHome } from './log-home.ts'
import { recordLength } from './record.ts'
import { Run } from './run.ts'
import type { Waiter } from './stream-log.ts'

const FIRST_CHUNK_BYTES = 16 * 1024
const CHUNK_BYTES_MAX = 1024 * 1024
/** A closed run with fewer than one living entry in so many is copied together, so that few survivors do not pin much. */
const SPARSE = 4

export class MemoryHome implements LogHome {
  readonly storage: 'file' | 'memory' = 'memory'
  readonly checked = false
  readonly coldAt = 0
  readonly #turn: Turn
  #chunks = new Chunks()
  #nextChunkBytes = FIRST_CHUNK_BYTES
  #signalling = false

  constructor(turn: Turn) {
    this.#turn = turn
  }

  get chunks(): Chunks {
    return this.#chunks
  }

  /** One chunk per address space, and so per run: what dies together is freed together. */
  reserve(bytes: number): Chunk {
    const open = this.#chunks.open
    if (open && open.used + bytes <= open.bytes.length) return open
    this.#chunks = new Chunks()
    const chunk = this.#chunks.add(Math.max(this.#nextChunkBytes, bytes))
    this.#nextChunkBytes = Math.min(CHUNK_BYTES_MAX, this.#nextChunkBytes * 2)
    return chunk
  }

  appended(log: Log): void {
    this.#signal(log)
  }

  removed(log: Log, _seq: number, run: Run): void {
    if (run !== log.index.tail) this.closed(log, run)
  }

  closed(log: Log, run: Run): void {
    if (run.live > 0 && run.live * SPARSE < run.n) log.index.replace(run, gathered(run))
  }

  removedBelow(): void {}

  skipped(log: Log): void {
    this.#signal(log)
  }

  configured(): void {}

  consumerChanged(): void {}

  progressed(): void {}

  readableSeq(log: Log): number {
    return log.index.lastSeq
  }

  whenReadable(waiter: Waiter): void {
    waiter.readable()
  }

  cold(): Chunk | undefined {
    return undefined
  }

  async load(): Promise<void> {}

  /** Once a turn at most, and never inside the append: the stream finishes what it does first. */
  #signal(log: Log): void {
    if (this.#signalling || !log.onReadable) return
    this.#signalling = true
    this.#turn.atEnd(() => {
      this.#signalling = false
      log.onReadable?.()
    })
  }
}

/** A run that holds only what lives in `run`, in memory of its own. */
function gathered(run: Run): Run {
  const from = run.chunks as Chunks
  let total = 0
  for (let i = run.nextLiving(0); i < run.n; i = run.nextLiving(i + 1)) total += lengthAt(from, run.positions[i])
  const to = new Run(run.seqOf(run.nextLiving(0)), run.live)
  to.chunks = new Chunks()
  to.offsets = new Uint32Array(run.live)
  const chunk = to.chunks.add(total)
  for (let i = run.nextLiving(0); i < run.n; i = run.nextLiving(i + 1)) {
    const source = from.at(run.positions[i])
    const at = run.positions[i] - source.base
    const length = recordLength(source.view, at)
    chunk.bytes.set(source.bytes.subarray(at, at + length), chunk.used)
    to.offsets[to.n] = run.seqOf(i) - to.first
    to.push(chunk.used, run.ids[i])
    chunk.used += length
  }
  return to
}

function lengthAt(chunks: Chunks, position: number): number {
  const chunk = chunks.at(position)
  return recordLength(chunk.view, position - chunk.base)
}
