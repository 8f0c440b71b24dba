/** What a consumer needs of the stream that it reads: a port that `stream/stream.ts` satisfies, so that neither imports the other's class. */
import type { StreamLog } from '../../store/stream-log.ts'

export interface ConsumerHost {
  readonly name: string
  readonly log: StreamLog
  readonly retention: 'limits' | 'interest' | 'workqueue'
  readonly storage: 'file' | 'memory'
  /** -1: no limit. */
  readonly config: { readonly max_msg_size: number }
  /** `consumer` (by name) has settled `seq` for itself: interest and work-queue retention decide whether the message goes. Same frame. */
  settled(consumer: string, seq: number): void
  /** As settled, for every sequence up to and including `seq` (ack policy all, none). */
  settledThrough(consumer: string, seq: number): void
  /** Number of consumers changed or an ephemeral ended: drop it from the stream, tell retention, emit the advisory. */
  removeConsumer(consumer: string): void
  /** The one stream of this account that captures the literal `subject`, as a place for dead letters; a sentence when there is none. */
  letterTarget(subject: string): LetterTarget | { refused: string }
  /** Calls `then` once everything appended so far, in every stream, is readable; `failed` when it can never be. */
  whenReadable(then: () => void, failed?: (cause: Error) => void): void
  /** A consumer's filters changed: interest retention looks again. */
  interestChanged(): void
}

/** A stream that takes dead letters. Appends bypass dedupe, expectations and the size limit; retention limits hold. */
export interface LetterTarget {
  readonly stream: string
  readonly storage: 'file' | 'memory'
  /** It keeps so many messages of a subject at most (-1 or 0: any number): letters would push each other out. */
  readonly maxMsgsPerSubject: number
  /** Why a letter cannot be stored now (sealed, full with discard new, no interest, disk full), or undefined. */
  refuses(subject: string, bytes: number): string | undefined
  /** Appends a letter (flag FLAG_DEAD_LETTER) in the open frame; returns its sequence. */
  append(subject: string, bytes: Uint8Array, headersLength: number): number
}
