/** Where a new consumer begins in its stream (5.7): pure over the log's answers. */
import type { LogFilter, StreamLog } from '../../store/stream-log.ts'
import type { ConsumerConfig } from './consumer-config.ts'

/**
 * The first sequence that it looks at. `timeSeq` is what log.seqAt said for opt_start_time. With deliver
 * last_per_subject: the first of the snapshot, which the caller takes up to the log's last sequence.
 */
export function startSeq(
  log: StreamLog,
  filter: LogFilter | undefined,
  config: ConsumerConfig,
  timeSeq: number,
): number {
  const { lastSeq, messages } = log.state
  const firstSeq = Math.max(1, messages > 0 ? log.state.firstSeq : lastSeq + 1)
  const within = (seq: number): number => Math.max(firstSeq, Math.min(seq, lastSeq + 1))
  switch (config.deliver_policy) {
    case 'all':
      return firstSeq
    case 'new':
      return within(lastSeq + 1)
    case 'last':
      // Without a filter it is the last sequence, as in nats-server, though its message may be gone: then the next one is the first.
      return within(filter ? log.lastSeq(lastSeq, filter) : lastSeq)
    case 'last_per_subject': {
      const [first] = log.lastPerSubject(filter)
      return within(first ?? lastSeq + 1)
    }
    case 'by_start_time':
      return within(timeSeq)
    case 'by_start_sequence':
      // May lie ahead: the consumer waits for it.
      return Math.max(firstSeq, config.opt_start_seq ?? 1)
  }
}
