/** What a log needs of where it lives: room for records, and someone to tell of every change. Memory and journal are the two. */
import type { Chunk, Chunks } from './chunk.ts'
import type { ProgressEvent } from './consumer-progress.ts'
import type { Log } from './log.ts'
import type { LoggedConsumer } from './logged-consumer.ts'
import type { Run } from './run.ts'
import type { Waiter } from './stream-log.ts'

export interface LogHome {
  readonly storage: 'file' | 'memory'
  /** Whether records carry a checksum. */
  readonly checked: boolean
  /** The address space of the chunk that `reserve` gave last. */
  readonly chunks: Chunks
  /** A chunk with `bytes` free from `used` on. The caller fills them and calls `appended` in the same run. HOT. */
  reserve(bytes: number): Chunk
  /** `bytes` were written at `chunk.used` as a message of `log`, and are in its index. HOT. */
  appended(log: Log, bytes: number): void
  /** A run takes no more entries: a new tail began. It may have left the index already, if nothing lives in it. */
  closed(log: Log, run: Run): void
  /** One message left; it was entry `i` of `run`. */
  removed(log: Log, seq: number, run: Run, erase: boolean): void
  /** All messages below `seq` left. */
  removedBelow(log: Log, seq: number): void
  /** lastSeq moved without a message. */
  skipped(log: Log): void
  /** Something other than messages changed. */
  configured(log: Log): void
  consumerChanged(log: Log, consumer: LoggedConsumer, what: 'created' | 'updated' | 'deleted'): void
  progressed(log: Log, consumer: LoggedConsumer, event: ProgressEvent, urgency: 'now' | 'later'): void
  readableSeq(log: Log): number
  whenReadable(waiter: Waiter): void
  /** The bytes of entry `i` of a run that is not in memory; undefined until `load` brought them. */
  cold(run: Run, i: number): Chunk | undefined
  /** Where in the chunk that `cold` returned the record is. */
  readonly coldAt: number
  load(log: Log, run: Run, i: number): Promise<void>
}
