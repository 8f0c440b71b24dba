/**
 * Scrub: reads cold segments again, slowly, and says where a disk lost what was written to it, before somebody needs it.
 * It knows a segment only by its own index on disk, and asks the log about a message only when its bytes are wrong:
 * one that was removed meanwhile, or whose file goes, is no damage. It remembers where it is as long as the store is open.
 */

import type { Clock, Timer } from '../base/clock.ts'
import { crc32 } from '../base/crc32.ts'
import { type File, type FileSystem, mayPass } from '../base/fs.ts'
import { streamFolder } from './flush-context.ts'
import type { JournalHome } from './journal-home.ts'
import { checkedLength, recordSeq, recordStream } from './record.ts'
import { FOOT_BYTES, type Foot, readFoot, type Segment } from './segment.ts'

/** Bytes of one read: small enough that nobody waits behind it. */
const STEP_BYTES = 256 * 1024
/** After a start the disk has better things to do. */
const FIRST_MS = 60_000
/** While the store is busy the scrub waits, and looks again after this. */
const BUSY_MS = 1000
/** From the begin of one pass to the next. A pass that takes longer is followed by another one at once. */
const PASS_MS = 24 * 3_600_000

/** What a scrub needs of the store. */
export interface ScrubOptions {
  readonly fs: FileSystem
  /** The folder of all streams. */
  readonly folder: string
  readonly clock: Clock
  /** Bytes read in a second, at most. */
  readonly bytesPerSecond: number
  /** The streams of this moment. */
  homes(): Iterable<JournalHome>
  /** True while commits or a flush want the disk. */
  isBusy(): boolean
  /** Told once of each place. */
  onDamage(place: string): void
}

/** Numbers of a scrub, for whoever watches it. */
export interface ScrubState {
  readonly passes: number
  readonly records: number
  readonly bytes: number
  readonly damaged: number
}

/** The pass is over, or the file went: leave it. */
class Left extends Error {}

export class Scrub {
  readonly #options: ScrubOptions
  readonly #told = new Set<string>()
  #passes = 0
  #records = 0
  #bytes = 0
  #stopped = false
  #timer: Timer | undefined
  #wake: (() => void) | undefined
  #running: Promise<void> = Promise.resolve()

  constructor(options: ScrubOptions) {
    this.#options = options
  }

  get state(): ScrubState {
    return { passes: this.#passes, records: this.#records, bytes: this.#bytes, damaged: this.#told.size }
  }

  /** Begins, after a while. */
  start(): void {
    this.#running = this.#run()
  }

  /** Resolves when nothing is read any more. */
  async stop(): Promise<void> {
    this.#stopped = true
    this.#timer?.cancel()
    this.#wake?.()
    await this.#running
  }

  async #run(): Promise<void> {
    const { clock } = this.#options
    await this.#pause(FIRST_MS)
    while (!this.#stopped) {
      const startMs = clock.now()
      await this.#pass()
      if (!this.#stopped) this.#passes++
      await this.#pause(Math.max(BUSY_MS, startMs + PASS_MS - clock.now()))
    }
  }

  #pause(ms: number): Promise<void> {
    if (this.#stopped) return Promise.resolve()
    return new Promise((resolve) => {
      this.#wake = resolve
      this.#timer = this.#options.clock.after(ms, resolve)
    })
  }

  async #pass(): Promise<void> {
    for (const home of [...this.#options.homes()]) {
      for (const segment of [...home.segments]) {
        if (this.#stopped) return
        await this.#segment(home, segment)
      }
    }
  }

  /** Never rejects: whatever a file does to the scrub, the next one is looked at. */
  async #segment(home: JournalHome, segment: Segment): Promise<void> {
    const path = `${streamFolder(this.#options.folder, home.log.id)}/${segment.name}`
    let file: File | undefined
    try {
      this.#mustBeThere(home, segment)
      file = await this.#options.fs.open(path, 'read')
      for (let end = segment.bytes; end > 0; ) end = await this.#part(home, segment, path, file, end)
    } catch (error) {
      // What is out of descriptors or memory says nothing of the file: the next pass comes here again.
      if (error instanceof Left || mayPass(error) || !isThere(home, segment)) return
      this.#tell(`${path}: cannot be read: ${error instanceof Error ? error.message : String(error)}`)
    } finally {
      await file?.close().catch(() => {})
    }
  }

  #mustBeThere(home: JournalHome, segment: Segment): void {
    if (this.#stopped || !isThere(home, segment)) throw new Left('there is nothing to read any more')
  }

  /** Checks the run whose foot ends at `end`; resolves with where the one before it ends. */
  async #part(home: JournalHome, segment: Segment, path: string, file: File, end: number): Promise<number> {
    const at = end - FOOT_BYTES
    const foot = readFoot(await this.#read(home, segment, file, at, FOOT_BYTES), 0)
    if (!foot) {
      this.#tell(
        `${path}, byte ${at}: the foot of an index is damaged; the next start makes it again from the messages`,
      )
      throw new Left('without a foot nothing says where the runs are')
    }
    const columns = await this.#columns(home, segment, file, foot, at)
    if (crc32(columns, 0, columns.length) !== foot.columnsCrc) {
      const what = 'an index does not match its checksum; the next start makes it again from the messages'
      this.#tell(`${path}, byte ${foot.columnsAt}: ${what}`)
      return foot.runStart
    }
    const index = new DataView(columns.buffer, columns.byteOffset, columns.byteLength)
    const positionOf = (i: number): number => (i === foot.n ? foot.columnsAt : index.getUint32(4 * i, true))
    for (let i = 0; i < foot.n; ) {
      let to = i + 1
      while (to < foot.n && positionOf(to + 1) - positionOf(i) <= STEP_BYTES) to++
      const start = positionOf(i)
      const bytes = await this.#read(home, segment, file, start, positionOf(to) - start)
      const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
      for (; i < to; i++) {
        const seq = foot.first + (foot.sparse ? index.getUint32(4 * (2 * foot.n + i), true) : i)
        const length = checkedLength(bytes, view, positionOf(i) - start, bytes.length)
        const isWhole = length === positionOf(i + 1) - positionOf(i)
        const isRight = isWhole && recordSeq(view, positionOf(i) - start) === seq
        if (isRight && recordStream(view, positionOf(i) - start) === home.log.id) this.#records++
        else if (isLiving(home, segment, seq)) {
          this.#tell(`${path}, byte ${positionOf(i)}: message ${seq} does not match its checksum`)
        }
      }
    }
    return foot.runStart
  }

  async #columns(home: JournalHome, segment: Segment, file: File, foot: Foot, end: number): Promise<Uint8Array> {
    const columns = new Uint8Array(4 * foot.n * (foot.sparse ? 3 : 2))
    if (foot.columnsAt + columns.length !== end) return new Uint8Array(0)
    for (let at = 0; at < columns.length; at += STEP_BYTES) {
      const length = Math.min(STEP_BYTES, columns.length - at)
      columns.set(await this.#read(home, segment, file, foot.columnsAt + at, length), at)
    }
    return columns
  }

  /** One step: waits its turn, reads, and waits as long as the rate wants. */
  async #read(home: JournalHome, segment: Segment, file: File, at: number, length: number): Promise<Uint8Array> {
    const { isBusy, bytesPerSecond } = this.#options
    while (!this.#stopped && isBusy()) await this.#pause(BUSY_MS)
    this.#mustBeThere(home, segment)
    const bytes = new Uint8Array(length)
    const read = await file.readAt(bytes, at)
    this.#bytes += read
    await this.#pause((1000 * length) / bytesPerSecond)
    this.#mustBeThere(home, segment)
    return bytes.subarray(0, read)
  }

  #tell(place: string): void {
    if (this.#told.has(place)) return
    this.#told.add(place)
    this.#options.onDamage(place)
  }
}

function isThere(home: JournalHome, segment: Segment): boolean {
  return !home.deleted && home.segments.includes(segment)
}

/** Whether somebody could still ask for the message in this file. */
function isLiving({ log }: JournalHome, segment: Segment, seq: number): boolean {
  const run = log.index.runOf(seq)
  if (!run || run.segment !== segment) return false
  const i = run.find(seq)
  return i >= 0 && !run.isDead(i)
}
