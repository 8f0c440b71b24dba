/**
 * The contract of one stream's log, which the durable and the memory store both fulfil (one suite: store.case.ts).
 * It is mechanism only: it appends, removes, finds and counts; what to keep and for how long is decided by jetstream.
 *
 * Everything that changes state is synchronous and visible at once to the caller (position *appended*). `readableSeq` says
 * how far it is safe to show (position *readable*: synced in mode `always`, written otherwise, appended in memory).
 * Changes made in one turn become durable together or not at all.
 */
import type { Time } from '../base/time.ts'
import type { ConsumerProgress, ProgressEvent } from './consumer-progress.ts'
import type { MessageView } from './message-view.ts'

/** What `read` found. */
export const MISSING = 0
export const FOUND = 1
/** On disk and not in memory: await `load(seq)`, then read again. */
export const COLD = 2
export type ReadResult = typeof MISSING | typeof FOUND | typeof COLD

/** Bits of a record's flag byte. */
export const FLAG_HEADERS = 1
export const FLAG_MSG_ID = 2
export const FLAG_TTL = 4
export const FLAG_DEAD_LETTER = 16

/** Live numbers of a log, on appended state. Read it, do not keep it. */
export interface LogState {
  /** Living messages. */
  readonly messages: number
  /** As JetStream counts: file subject + body + 30 (+ headers + 4), memory subject + headers + body + 16. */
  readonly bytes: number
  /** Sequence of the oldest living message; lastSeq + 1 when empty. 0 only in a log that never had a message and whose next is 1... see lastSeq. */
  readonly firstSeq: number
  /** Sequence of the last message that was appended or skipped; 0 in a new log. Never reused. */
  readonly lastSeq: number
  readonly firstTime: Time
  readonly lastTime: Time
  /** Distinct subjects with a living message. */
  readonly subjects: number
  /** Removed sequences between firstSeq and lastSeq. */
  readonly deleted: number
}

/** What a log knows of one subject. */
export interface SubjectState {
  readonly messages: number
  readonly firstSeq: number
  readonly lastSeq: number
}

/** Subjects chosen by one or more patterns; prepared once, kept up to date as new subjects arrive. */
export interface LogFilter {
  readonly patterns: readonly string[]
  matches(subject: string): boolean
  /** Gives back what the log keeps for it. */
  close(): void
}

/** Told once, when the frame that was open at registration has become readable or can never be. */
export interface Waiter {
  readable(): void
  /** The store is poisoned: the outcome is unknown to whoever waited. */
  failed(cause: Error): void
}

/** One message to append. `bytes[start, end)` is headers (the first `headersLength` bytes) then payload; it is copied. */
export interface AppendInput {
  subject: string
  bytes: Uint8Array
  start: number
  headersLength: number
  end: number
  flags: number
}

/** A consumer as the store knows it: an opaque configuration, and progress that survives. */
export interface ConsumerLog {
  readonly id: number
  readonly config: string
  readonly progress: ConsumerProgress
  setConfig(config: string): void
  /** Applies the event to `progress` and records it in the open frame. `later`: may ride with the next frame, up to 10 ms late. */
  record(event: ProgressEvent, urgency: 'now' | 'later'): void
}

/** An id that a message carried, the sequence that it got and when. The message itself may be gone. */
export interface KeptId {
  readonly id: string
  readonly seq: number
  /** Milliseconds since the epoch. */
  readonly atMs: number
}

export interface StreamLog {
  /** Never reused within a store. */
  readonly id: number
  readonly storage: 'file' | 'memory'
  /** Opaque to the store: the stream's configuration as JSON. */
  readonly config: string
  readonly state: LogState
  /** Messages up to here may be shown to consumers. */
  readonly readableSeq: number
  /** Called when readableSeq moved, at most once per frame. Set by the stream that owns the log. */
  onReadable: (() => void) | undefined
  /**
   * Asked when a checkpoint of a durable log is taken: the ids that still count, ascending by sequence, the newest within the
   * bounds of kept-ids; without those for which `isReplayed` says that a start reads them from the journal. Set by the stream
   * that owns the log.
   */
  keptIds: ((isReplayed: (seq: number) => boolean) => KeptId[]) | undefined
  /** After a start: the ids that the checkpoint kept and the journal holds, ascending by sequence. Emptied by who took them in. */
  recoveredIds: KeptId[]

  setConfig(config: string): void

  /** Undefined when `state.firstTime` is exact; else the oldest message is being read from disk, and this resolves when it was. */
  firstTimeRead(): Promise<void> | undefined

  /** Appends one message with the next sequence and time max(now, last time); returns the sequence. The caller has made all checks. */
  append(input: AppendInput): number
  /** Consumes sequences up to `lastSeq` without storing anything (a message that nobody is interested in, a first sequence). */
  skipTo(lastSeq: number): void
  /** Removes one message; false when it is not there. `erase` overwrites its bytes on disk once that is safe. */
  remove(seq: number, erase?: boolean): boolean
  /** Removes every message below `seq` (exclusive) in O(removed); returns how many. If seq > lastSeq + 1, lastSeq moves to seq - 1 first. */
  removeBelow(seq: number): number

  /** Reads into `view`, on appended state. `view` stays valid: a log's bytes are never overwritten while referenced. */
  read(seq: number, view: MessageView): ReadResult
  /** Brings a cold message (and its neighbourhood) into memory. Rejects when it cannot be read or its checksum is wrong. */
  load(seq: number): Promise<void>

  /** The first living sequence >= from that matches; 0 when there is none. */
  nextSeq(from: number, filter?: LogFilter): number
  /** Living messages with sequence >= from that match. */
  countFrom(from: number, filter?: LogFilter): number
  /** The last living sequence <= from that matches; 0 when there is none. */
  lastSeq(from: number, filter?: LogFilter): number
  /** The last sequence of each matching subject, ascending, only those <= upTo (default: all). */
  lastPerSubject(filter?: LogFilter, upTo?: number): number[]
  /** The first sequence (living) with time >= time; lastSeq + 1 when there is none. */
  seqAt(time: Time): Promise<number>
  /** Undefined when the subject has no living message. */
  subject(subject: string): SubjectState | undefined
  /** The subject of a living message, from the index (never cold); '' when the message is not there. */
  subjectAt(seq: number): string
  /** Every matching subject with a living message, sorted by name, with its number of messages. */
  subjects(filter?: LogFilter): [subject: string, messages: number][]
  /** Removed sequences between first and last, ascending. */
  deletedSeqs(): number[]
  filter(patterns: readonly string[]): LogFilter

  consumers(): ConsumerLog[]
  createConsumer(config: string): ConsumerLog
  deleteConsumer(consumer: ConsumerLog): void

  /** Tells `waiter` when everything appended so far is readable; at once (synchronously) when it already is. */
  whenReadable(waiter: Waiter): void
}
