/**
 * Reads messages that are only on disk: windows of whole records, checked, and a small number of them kept.
 * A record is checked here and nowhere else on its way out (I12).
 */
import { assert } from '../base/assert.ts'
import { HeadwaterError } from '../base/errors.ts'
import { type File, type FileSystem, mayPass } from '../base/fs.ts'
import { Chunk } from './chunk.ts'
import { checkedLength, recordSeq, recordStream } from './record.ts'
import type { Run } from './run.ts'
import type { Segment } from './segment.ts'

const WINDOW_BYTES = 256 * 1024
/** What is read for a message that nobody read up to: a look at one key does not pay for a thousand others. */
const LOOK_BYTES = 4 * 1024
/** Whoever asks for a message this close behind the newest window reads on: filters and removed messages leave gaps. */
const NEAR_BYTES = 16 * 1024
/** Windows that are kept: so many, and so much memory. */
const WINDOWS_MAX = 256
const KEPT_BYTES_MAX = 16 * 1024 * 1024
const FILES_MAX = 64

interface Window {
  readonly run: Run
  /** First and last entry in it. */
  readonly from: number
  readonly to: number
  readonly chunk: Chunk
}

interface OpenFile {
  readonly file: Promise<File>
  readers: number
  /** No longer in the cache: close after the last read. */
  dropped: boolean
}

export class Reader {
  readonly #fs: FileSystem
  readonly #pathOf: (stream: number, segment: Segment) => string
  /** The longest unused first. */
  readonly #windows: Window[] = []
  #keptBytes = 0
  readonly #byRun: Map<Run, Window[]> = new Map()
  /** The one that was found last: whoever reads on asks for it again and again. */
  #latest: Window | undefined
  readonly #files: Map<Segment, OpenFile> = new Map()
  readonly #loading: Map<Run, { from: number; to: number; done: Promise<void> }[]> = new Map()
  /** Where in the chunk that `find` returned the record is. */
  at = 0
  /** Told of every message that cannot be read. */
  onDamage: ((place: string) => void) | undefined

  constructor(fs: FileSystem, pathOf: (stream: number, segment: Segment) => string) {
    this.#fs = fs
    this.#pathOf = pathOf
  }

  /** The window that holds entry `i`, and `at`; undefined when it is not in memory. */
  find(run: Run, i: number): Chunk | undefined {
    const latest = this.#latest
    if (latest !== undefined && latest.run === run && i >= latest.from && i <= latest.to) return this.#point(latest, i)
    const windows = this.#byRun.get(run)
    if (!windows) return undefined
    for (const window of windows) {
      if (i < window.from || i > window.to) continue
      this.#latest = window
      return this.#point(window, i)
    }
    return undefined
  }

  #point({ run, from, chunk }: Window, i: number): Chunk {
    const positions = run.filePositions as Uint32Array
    this.at = positions[i] - positions[from]
    return chunk
  }

  /** Brings entry `i` and what follows it into memory. Throws HW_DATA_CORRUPT with the place when it is damaged, or what `mayPass`. */
  async load(stream: number, run: Run, i: number): Promise<void> {
    if (this.find(run, i)) return
    const under = this.#loading.get(run)?.find((l) => i >= l.from && i <= l.to)
    if (under) {
      await under.done.catch(() => {})
      if (this.find(run, i)) return
    }
    const readsOn = this.#readsOn(run, i)
    const to = lastWithin(run, i, readsOn ? WINDOW_BYTES : LOOK_BYTES)
    await this.#loadWindow(stream, run, i, to)
    if (!readsOn) return
    // Whoever reads on will want the next window while this one is being delivered. Its failure is told when it is asked for.
    const next = run.nextLiving(to + 1)
    if (next >= run.n || this.find(run, next)) return
    this.#loadWindow(stream, run, next, lastWithin(run, next, WINDOW_BYTES)).catch(() => {})
  }

  /** Whether entry `i` comes right after a window, or near behind the newest of its run. */
  #readsOn(run: Run, i: number): boolean {
    if (i > 0 && this.find(run, i - 1) !== undefined) return true
    const newest = this.#byRun.get(run)?.at(-1)
    const positions = run.filePositions as Uint32Array
    return newest !== undefined && newest.to < i && positions[i] - positions[newest.to + 1] <= NEAR_BYTES
  }

  async #loadWindow(stream: number, run: Run, i: number, to: number): Promise<void> {
    const loading = { from: i, to, done: this.#read(stream, run, i, to) }
    const others = this.#loading.get(run) ?? []
    this.#loading.set(run, [...others, loading])
    try {
      await loading.done
    } finally {
      const rest = (this.#loading.get(run) ?? []).filter((l) => l !== loading)
      if (rest.length > 0) this.#loading.set(run, rest)
      else this.#loading.delete(run)
    }
  }

  async #read(stream: number, run: Run, from: number, to: number): Promise<void> {
    const positions = run.filePositions as Uint32Array
    const segment = run.segment as Segment
    const bytes = Buffer.allocUnsafeSlow(positions[to + 1] - positions[from])
    const open = this.#acquire(stream, segment)
    let read: number
    try {
      read = await (await open.file).readAt(bytes, positions[from])
    } catch (cause) {
      // Out of descriptors or memory: that says nothing of the message.
      if (mayPass(cause)) throw cause
      throw this.#damage(`${this.#pathOf(stream, segment)}, byte ${positions[from]}: ${String(cause)}`, cause)
    } finally {
      this.#release(open)
    }
    const chunk = new Chunk(bytes, 0)
    const good = unharmed(chunk, run, from, to, read, stream)
    if (good < from) {
      const place = `${this.#pathOf(stream, segment)}, byte ${positions[from]}`
      throw this.#damage(`${place}: message ${run.seqOf(from)} does not match its checksum`)
    }
    this.#keep({ run, from, to: good, chunk })
  }

  /** Tells of a message that could not be read. */
  tell(error: Error): void {
    this.onDamage?.(error.message)
  }

  #damage(place: string, cause?: unknown): HeadwaterError {
    const hint = 'The stream serves its other messages; restore this one from a backup, or delete it.'
    return new HeadwaterError('HW_DATA_CORRUPT', place, { hint, cause })
  }

  #keep(window: Window): void {
    this.#windows.push(window)
    const windows = this.#byRun.get(window.run)
    if (windows) windows.push(window)
    else this.#byRun.set(window.run, [window])
    this.#keptBytes += window.chunk.bytes.length
    while (this.#windows.length > WINDOWS_MAX || (this.#keptBytes > KEPT_BYTES_MAX && this.#windows.length > 1)) {
      this.#drop(this.#windows.shift() as Window)
    }
  }

  #drop(window: Window): void {
    this.#keptBytes -= window.chunk.bytes.length
    if (this.#latest === window) this.#latest = undefined
    const rest = (this.#byRun.get(window.run) ?? []).filter((w) => w !== window)
    if (rest.length > 0) this.#byRun.set(window.run, rest)
    else this.#byRun.delete(window.run)
  }

  /** Forgets a segment that is about to be unlinked. */
  forget(segment: Segment): void {
    for (let i = this.#windows.length - 1; i >= 0; i--) {
      if (this.#windows[i].run.segment === segment) this.#drop(this.#windows.splice(i, 1)[0])
    }
    const open = this.#files.get(segment)
    if (open) this.#dropFile(segment, open)
  }

  #acquire(stream: number, segment: Segment): OpenFile {
    let open = this.#files.get(segment)
    if (open) this.#files.delete(segment)
    else open = { file: this.#fs.open(this.#pathOf(stream, segment), 'read'), readers: 0, dropped: false }
    // A map keeps the order of insertion: the longest unused comes first.
    this.#files.set(segment, open)
    open.readers++
    const made = open
    made.file.catch(() => this.#files.get(segment) === made && this.#files.delete(segment))
    for (const [oldest, file] of this.#files) {
      if (this.#files.size <= FILES_MAX) break
      this.#dropFile(oldest, file)
    }
    return open
  }

  #dropFile(segment: Segment, open: OpenFile): void {
    this.#files.delete(segment)
    open.dropped = true
    if (open.readers === 0) closeQuietly(open)
  }

  #release(open: OpenFile): void {
    assert(open.readers > 0, 'a file is released as often as it was taken')
    if (--open.readers === 0 && open.dropped) closeQuietly(open)
  }

  async close(): Promise<void> {
    for (const [segment, open] of this.#files) this.#dropFile(segment, open)
    this.#windows.length = 0
    this.#keptBytes = 0
    this.#byRun.clear()
    this.#latest = undefined
  }
}

/** A file that was only read has nothing to lose when closing it fails. */
function closeQuietly(open: OpenFile): void {
  open.file.then((file) => file.close()).catch(() => {})
}

/** The last entry whose record still fits in so many bytes from entry `from` on. */
function lastWithin(run: Run, from: number, bytes: number): number {
  const positions = run.filePositions as Uint32Array
  const limit = positions[from] + bytes
  let low = from
  let high = run.n - 1
  while (low < high) {
    const middle = (low + high + 1) >>> 1
    if (positions[middle + 1] <= limit) low = middle
    else high = middle - 1
  }
  return low
}

/** The last entry of [from, to] up to which all records are whole, unharmed, and those that the index names. */
function unharmed(chunk: Chunk, run: Run, from: number, to: number, end: number, stream: number): number {
  const positions = run.filePositions as Uint32Array
  for (let i = from; i <= to; i++) {
    // It may have been erased.
    if (i > from && run.isDead(i)) continue
    const at = positions[i] - positions[from]
    const length = checkedLength(chunk.bytes, chunk.view, at, end)
    const right = length === positions[i + 1] - positions[i] && recordSeq(chunk.view, at) === run.seqOf(i)
    if (!right || recordStream(chunk.view, at) !== stream) return i - 1
  }
  return to
}
