/**
 * A start with a clock that stands behind what the former process wrote. Deliveries of the time to come would be pending for
 * hours: they are put back by as much as the clock is known to be behind, which the time of the stream's last message tells.
 */
import type { ConsumerProgress, ProgressEvent } from '../../store/consumer-progress.ts'

/** The records that put the times of pending messages back; none when the clock is not behind. Pure. */
export function putBack(progress: ConsumerProgress, nowMs: number, lastMessageMs: number): ProgressEvent[] {
  const behindMs = lastMessageMs - nowMs
  if (behindMs <= 0) return []
  const events: ProgressEvent[] = []
  for (const streamSeq of progress.pending.keys()) {
    const pending = progress.pending.get(streamSeq)
    // A time that is past may be of this clock already: a start before this one put it back.
    if (!pending || pending.deliveredAtMs <= nowMs) continue
    const { consumerSeq, deliveries, deliveredAtMs } = pending
    const atMs = deliveredAtMs - behindMs
    events.push({ what: 'delivered', streamSeq, consumerSeq, deliveries, atMs, tracked: true })
  }
  return events
}
