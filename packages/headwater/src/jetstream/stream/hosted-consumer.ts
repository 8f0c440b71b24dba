/** What a stream asks of a consumer: the port that `consumer/consumer.ts` satisfies. */

export interface HostedConsumer {
  readonly name: string
  /** Push consumers of interest streams and all others: does a message on `subject` concern this consumer? */
  wants(subject: string): boolean
  /** Interest retention: true while this consumer has not settled `seq` (delivered or not). Only asked when it wants the subject. */
  needs(seq: number): boolean
  /** New messages may be readable: deliver what can be delivered. */
  wake(): void
  /** `seq`, a message on `subject`, left the stream by delete, limit or retention: forget it. Same frame. */
  removed(seq: number, subject: string): void
  /** Everything below `seq` left the stream (purge without filter, or after one: `seq` is the new first). Same frame. */
  purgedBelow(seq: number): void
  /** The stream's limits, subjects or targets changed: judge anew (dead letters: rule 1 and 9). */
  streamUpdated(): void
  /** The stream or consumer is deleted: tell waiting requests (409 Consumer Deleted), stop timers. */
  close(reason: 'deleted' | 'shutdown'): void
}
