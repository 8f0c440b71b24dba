/** One stream's log over its home: appends and removals, reads, and the answers of its index. */
import { assert } from '../base/assert.ts'
import type { Clock } from '../base/clock.ts'
import { type Time, ZERO_TIME } from '../base/time.ts'
import type { Chunk } from './chunk.ts'
import type { LogHome } from './log-home.ts'
import { LogNumbers } from './log-numbers.ts'
import { LoggedConsumer } from './logged-consumer.ts'
import type { MessageView } from './message-view.ts'
import {
  messageRecordBytes,
  recordFlag,
  recordLength,
  recordNanos,
  recordSeconds,
  sealRecord,
  subjectBytes,
  viewMessage,
  writeMessage,
} from './record.ts'
import type { Run } from './run.ts'
import { seqAt } from './seq-at.ts'
import { StreamIndex } from './stream-index.ts'
import type {
  AppendInput,
  ConsumerLog,
  KeptId,
  LogFilter,
  LogState,
  ReadResult,
  StreamLog,
  SubjectState,
  Waiter,
} from './stream-log.ts'
import { COLD, FLAG_HEADERS, FOUND, MISSING } from './stream-log.ts'
import type { Filter } from './subject-table.ts'

const SUBJECT_BYTES_MAX = 0xffff

export class Log implements StreamLog {
  readonly id: number
  readonly home: LogHome
  readonly index: StreamIndex = new StreamIndex()
  readonly state: LogState = new LogNumbers(this)
  readonly #clock: Clock
  #config: string
  #consumers: LoggedConsumer[] = []
  nextConsumerId = 1
  /** Of the last message that was appended: a later one is never older. */
  lastSeconds = 0
  lastNanos = 0
  onReadable: (() => void) | undefined
  keptIds: StreamLog['keptIds']
  recoveredIds: KeptId[] = []
  /** Of the last message: publishers' messages mostly lie in one buffer, and one subject is mostly like the one before. */
  #subject = ''
  #subjectLength = 0
  #source: Uint8Array = new Uint8Array(0)
  #sourceView: DataView = new DataView(this.#source.buffer)
  /** The last first time that was known, for as long as the first message is on disk and not read. */
  #firstTime: Time = ZERO_TIME
  #firstTimeSeq = 0
  #firstTimeComing: Promise<void> | undefined

  constructor(options: { id: number; config: string; home: LogHome; clock: Clock }) {
    this.id = options.id
    this.#config = options.config
    this.home = options.home
    this.#clock = options.clock
  }

  get storage(): 'file' | 'memory' {
    return this.home.storage
  }

  get config(): string {
    return this.#config
  }

  setConfig(config: string): void {
    this.#config = config
    this.home.configured(this)
  }

  get readableSeq(): number {
    return this.home.readableSeq(this)
  }

  // HOT: runs once per message; allocates nothing but the growth of chunks and columns.
  append(input: AppendInput): number {
    const { index, home } = this
    if (input.subject !== this.#subject) this.#measure(input.subject)
    if (input.bytes !== this.#source) this.#lookAt(input.bytes)
    const subjectLength = this.#subjectLength
    assert(subjectLength <= SUBJECT_BYTES_MAX, 'a subject has at most 65535 bytes')
    const length = messageRecordBytes(input, subjectLength)
    const chunk = home.reserve(length)
    if (index.tail.chunks !== home.chunks) this.#openTail()
    const at = chunk.used
    const seq = index.lastSeq + 1
    this.#stamp()
    const { bytes, view } = chunk
    writeMessage(
      bytes,
      view,
      at,
      input,
      this.#sourceView,
      subjectLength,
      this.id,
      seq,
      this.lastSeconds,
      this.lastNanos,
    )
    if (home.checked) sealRecord(bytes, view, at, length)
    else view.setUint32(at, length, true)
    chunk.used = at + length
    index.add(chunk.base + at, index.subjects.idOf(input.subject), this.#counted(length, input.headersLength > 0))
    home.appended(this, length)
    return seq
  }

  #measure(subject: string): void {
    this.#subject = subject
    this.#subjectLength = subjectBytes(subject)
  }

  #lookAt(bytes: Uint8Array): void {
    this.#source = bytes
    this.#sourceView = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  #openTail(): void {
    const former = this.index.tail
    const tail = former.n === 0 ? former : this.index.startTail()
    tail.chunks = this.home.chunks
    if (former !== tail) this.home.closed(this, former)
  }

  /** I11: time never decreases in a stream. */
  #stamp(): void {
    const ms = this.#clock.now()
    const seconds = Math.floor(ms / 1000)
    const nanos = Math.min(999_999_999, Math.max(0, Math.round((ms - seconds * 1000) * 1e6)))
    if (seconds < this.lastSeconds || (seconds === this.lastSeconds && nanos < this.lastNanos)) return
    this.lastSeconds = seconds
    this.lastNanos = nanos
  }

  /** As JetStream counts: file is subject + body + 30 (+ headers + 4), memory is subject + headers + body + 16. */
  #counted(recordBytes: number, hasHeaders: boolean): number {
    if (this.home.storage === 'file') return recordBytes - 2
    return recordBytes - (hasHeaders ? 20 : 16)
  }

  #countedOf(run: Run, i: number): number {
    if (run.chunks) {
      const chunk = run.chunks.at(run.positions[i])
      const at = run.positions[i] - chunk.base
      return this.#counted(recordLength(chunk.view, at), (recordFlag(chunk.bytes, at) & FLAG_HEADERS) !== 0)
    }
    const positions = run.filePositions
    assert(positions, 'a run is in memory or in a file')
    return this.#counted(positions[i + 1] - positions[i], false)
  }

  skipTo(lastSeq: number): void {
    if (lastSeq <= this.index.lastSeq) return
    this.index.skipTo(lastSeq)
    this.home.skipped(this)
  }

  remove(seq: number, erase = false): boolean {
    const run = this.drop(seq)
    if (!run) return false
    this.home.removed(this, seq, run, erase)
    return true
  }

  /** Takes a message out of the index without telling the home; returns the run that it was in. */
  drop(seq: number): Run | undefined {
    const run = this.index.runOf(seq)
    const i = run ? run.find(seq) : -1
    if (!run || i < 0 || run.isDead(i)) return undefined
    this.index.remove(run, i, this.#countedOf(run, i))
    return run
  }

  removeBelow(seq: number): number {
    const { index } = this
    const before = index.messages
    if (seq > index.lastSeq && before > 0) index.clear()
    while (index.messages > 0 && index.firstSeq < seq) this.drop(index.firstSeq)
    const removed = before - index.messages
    if (removed > 0) this.home.removedBelow(this, Math.min(seq, index.lastSeq + 1))
    this.skipTo(seq - 1)
    return removed
  }

  // HOT: once per delivery.
  read(seq: number, view: MessageView): ReadResult {
    const run = this.index.runOf(seq)
    if (!run) return MISSING
    const i = run.find(seq)
    if (i < 0 || run.isDead(i)) return MISSING
    const chunk = this.#chunkOf(run, i)
    if (!chunk) return COLD
    viewMessage(chunk.bytes, chunk.view, this.#at, this.index.subjects.names[run.ids[i]], view)
    assert(view.seq === seq, 'I12: the index points at the message that it names')
    return FOUND
  }

  /** Set by #chunkOf: where in the chunk the record is. */
  #at = 0

  #chunkOf(run: Run, i: number): Chunk | undefined {
    if (run.chunks) {
      const chunk = run.chunks.at(run.positions[i])
      this.#at = run.positions[i] - chunk.base
      return chunk
    }
    const chunk = this.home.cold(run, i)
    this.#at = this.home.coldAt
    return chunk
  }

  async load(seq: number): Promise<void> {
    for (;;) {
      const run = this.index.runOf(seq)
      const i = run ? run.find(seq) : -1
      if (!run || i < 0 || run.isDead(i) || this.#chunkOf(run, i)) return
      try {
        await this.home.load(this, run, i)
      } catch (error) {
        // Its run may have been written anew meanwhile: then the message is elsewhere, or gone.
        if (this.index.runOf(seq) === run) throw error
      }
    }
  }

  nextSeq(from: number, filter?: LogFilter): number {
    return filter ? this.index.nextMatching(from, filter as Filter) : this.index.next(from)
  }

  countFrom(from: number, filter?: LogFilter): number {
    return this.index.count(from, filter as Filter | undefined)
  }

  lastSeq(from: number, filter?: LogFilter): number {
    return this.index.last(from, filter as Filter | undefined)
  }

  lastPerSubject(filter?: LogFilter, upTo: number = this.index.lastSeq): number[] {
    return this.index.lastPerSubject(filter as Filter | undefined, upTo)
  }

  seqAt(time: Time): Promise<number> {
    return seqAt(this.index, time, (seq) => this.#timeInMemory(seq) ?? this.#timeFromDisk(seq))
  }

  #timeInMemory(seq: number): Time | undefined {
    const run = this.index.runOf(seq)
    const i = run ? run.find(seq) : -1
    if (!run || i < 0) return undefined
    const chunk = this.#chunkOf(run, i)
    return chunk && { seconds: recordSeconds(chunk.view, this.#at), nanos: recordNanos(chunk.view, this.#at) }
  }

  /** Undefined when the message left meanwhile. */
  async #timeFromDisk(seq: number): Promise<Time | undefined> {
    await this.load(seq)
    return this.#timeInMemory(seq)
  }

  /** Of the oldest living message. While that one is on disk and not read yet: the last one known, and reading begins. */
  get firstTime(): Time {
    const { firstSeq, messages } = this.index
    if (messages === 0) return ZERO_TIME
    if (this.#firstTimeSeq === firstSeq) return this.#firstTime
    const time = this.#timeInMemory(firstSeq)
    if (time) {
      this.#firstTime = time
      this.#firstTimeSeq = firstSeq
    } else if (!this.#firstTimeComing) {
      const settled = (): void => {
        this.#firstTimeComing = undefined
      }
      this.#firstTimeComing = this.load(firstSeq).then(settled, settled)
    }
    return this.#firstTime
  }

  firstTimeRead(): Promise<void> | undefined {
    void this.firstTime
    return this.#firstTimeComing
  }

  get lastTime(): Time {
    return { seconds: this.lastSeconds, nanos: this.lastNanos }
  }

  subject(subject: string): SubjectState | undefined {
    const id = this.index.subjects.find(subject)
    return id === 0 ? undefined : this.index.subjectState(id)
  }

  subjectAt(seq: number): string {
    const run = this.index.runOf(seq)
    const i = run ? run.find(seq) : -1
    return run && i >= 0 && !run.isDead(i) ? this.index.subjects.names[run.ids[i]] : ''
  }

  subjects(filter?: LogFilter): [subject: string, messages: number][] {
    const { subjects } = this.index
    const found: [string, number][] = []
    for (const id of filter ? (filter as Filter).ids : subjects.ids())
      found.push([subjects.names[id], subjects.counts[id]])
    return found.sort((a, b) => (a[0] < b[0] ? -1 : 1))
  }

  deletedSeqs(): number[] {
    return this.index.deletedSeqs()
  }

  filter(patterns: readonly string[]): LogFilter {
    return this.index.subjects.filter(patterns)
  }

  consumers(): LoggedConsumer[] {
    return [...this.#consumers]
  }

  createConsumer(config: string): ConsumerLog {
    const consumer = new LoggedConsumer(this, this.nextConsumerId++, config)
    this.#consumers.push(consumer)
    this.home.consumerChanged(this, consumer, 'created')
    return consumer
  }

  deleteConsumer(consumer: ConsumerLog): void {
    const at = this.#consumers.indexOf(consumer as LoggedConsumer)
    if (at < 0) return
    this.#consumers.splice(at, 1)
    this.home.consumerChanged(this, consumer as LoggedConsumer, 'deleted')
  }

  whenReadable(waiter: Waiter): void {
    this.home.whenReadable(waiter)
  }

  /** Recovery: the time of the last message is not before this one. */
  restoreTime(seconds: number, nanos: number): void {
    if (seconds < this.lastSeconds || (seconds === this.lastSeconds && nanos < this.lastNanos)) return
    this.lastSeconds = seconds
    this.lastNanos = nanos
  }

  /** Recovery: the configuration as it was recorded. */
  restoreConfig(config: string): void {
    this.#config = config
  }

  /** Recovery: a consumer as it was recorded; `undefined` takes the one with this id away. */
  restoreConsumer(id: number, consumer: LoggedConsumer | undefined): void {
    this.#consumers = this.#consumers.filter((c) => c.id !== id)
    if (consumer) this.#consumers.push(consumer)
    this.nextConsumerId = Math.max(this.nextConsumerId, id + 1)
  }

  consumer(id: number): LoggedConsumer | undefined {
    return this.#consumers.find((c) => c.id === id)
  }
}
