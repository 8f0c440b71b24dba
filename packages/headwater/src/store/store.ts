/**
 * The server-wide contract of a store: streams, their logs, and the one commit queue that makes them durable.
 * After a crash a store opens with everything that was readable before, each turn's changes whole or absent.
 */

import type { Clock, Turn } from '../base/clock.ts'
import type { FileSystem } from '../base/fs.ts'
import type { Logger } from '../base/log.ts'
import type { StreamLog, Waiter } from './stream-log.ts'

/** `always`: acknowledged means synced. A number: written, synced every so many milliseconds. `never`: written. */
export type SyncMode = 'always' | 'never' | number

/** What a durable store is opened with. */
export interface StoreOptions {
  folder: string
  sync: SyncMode
  fs: FileSystem
  /** Message time: stamps messages. */
  clock: Clock
  /** Connection time: the 10 ms bound of late progress, the sync interval. */
  realClock: Clock
  turn: Turn
  log: Logger
  /** Bytes of one journal file; default 32 MiB. */
  journalBytes?: number
  /** A segment is closed at this size; default 64 MiB. */
  segmentBytes?: number
  /** Bytes of cold segments that are read again in a second, to find damage early; they are not when it is left out. */
  scrubBytesPerSecond?: number | undefined
  /** Bytes gathered and not yet written at which `congested` becomes true; default 8 MiB. */
  openBytesMax?: number
}

/** What a start found and did, for the log, /varz and `recovered` events. */
export interface RecoveryReport {
  readonly tookMs: number
  readonly streams: number
  readonly messages: number
  readonly replayedRecords: number
  /** Bytes of an unfinished last write that were ignored: never acknowledged. */
  readonly tornBytes: number
  /** The last stop was clean: nothing was under way. True for a new folder. */
  readonly clean: boolean
  /** Files that could not be read, each with its place, and whether its stream serves the rest or is not served. */
  readonly damage: readonly string[]
  /** The configurations of streams that are not served, damaged as they are: of those whose configuration can be read. */
  readonly unserved: readonly string[]
  /** What was damaged and could be made whole again from other bytes, each with its place. */
  readonly repaired: readonly string[]
}

export interface Store {
  readonly recovery: RecoveryReport
  /** The logs found at open and created since. */
  streams(): StreamLog[]
  createStream(options: { storage: 'file' | 'memory'; config: string }): StreamLog
  /** Removes the stream, its messages and consumers; durable with the open frame. */
  deleteStream(log: StreamLog): void
  /** Tells `waiter` when everything appended so far, in every stream, is readable; at once when it already is. */
  whenReadable(waiter: Waiter): void
  /** True while more is gathered than the bound: publishers should be paused until `onRelieved`. */
  readonly congested: boolean
  onRelieved: (() => void) | undefined
  /** Set once a write or sync failed: nothing is acknowledged any more, reads go on. */
  readonly poisoned: Error | undefined
  onPoisoned: ((cause: Error) => void) | undefined
  /** Told of every damaged place that is found while the store runs, by a reader or by the scrub, once. */
  onDamage?: ((place: string) => void) | undefined
  /** True while the disk has too little room: publishes must be refused (10023), removes and acks go on. */
  readonly full: boolean
  /** What is wrong and not the end (that is `poisoned`), a sentence each: failing work, messages that cannot be read. */
  troubles(): string[]
  /** Looks whether the data is still where it was; poisons the store when it was removed, moved or replaced. */
  checkFolder(): Promise<void>
  /** Waits for the last frame, then closes files and frees the folder. */
  close(): Promise<void>
}
