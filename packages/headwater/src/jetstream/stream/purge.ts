/** Purging: everything, up to a sequence, all but the newest, or what a subject filter matches. */
import { ApiError, apiErrors } from '../api/errors.ts'
import type { Stream } from './stream.ts'

export interface PurgeRequest {
  /** Purge up to but not including this sequence. */
  readonly seq?: number
  /** Only messages on matching subjects. */
  readonly filter?: string
  /** Keep this many of the newest. */
  readonly keep?: number
}

/** Removes what is asked for and returns how many messages went. Throws E10003, E10109 or E10110. */
export function purge(stream: Stream, { seq = 0, filter = '', keep = 0 }: PurgeRequest): number {
  if (seq > 0 && keep > 0) throw new ApiError(apiErrors.badRequest)
  if (stream.config.sealed) throw new ApiError(apiErrors.streamSealed)
  if (stream.config.deny_purge) throw new ApiError(apiErrors.streamPurgeFailed('stream purge not permitted'))
  if (filter !== '' && filter !== '>') return purgeFiltered(stream, { seq, filter, keep })
  const { log } = stream
  if (keep > 0) {
    if (keep >= log.state.messages) return 0
    let first = log.lastSeq(log.state.lastSeq)
    for (let kept = 1; kept < keep; kept++) first = log.lastSeq(first - 1)
    return stream.purgeBelow(first)
  }
  if (seq > 0) return seq > 1 ? stream.purgeBelow(seq) : 0
  return stream.purgeBelow(log.state.lastSeq + 1)
}

function purgeFiltered(stream: Stream, { seq, filter, keep }: Required<PurgeRequest>): number {
  const { log } = stream
  const chosen = log.filter([filter])
  const seqs: number[] = []
  for (let at = log.nextSeq(0, chosen); at !== 0; at = log.nextSeq(at + 1, chosen)) {
    if (seq > 0 && at >= seq) break
    seqs.push(at)
  }
  chosen.close()
  if (keep > 0) seqs.length = Math.max(0, seqs.length - keep)
  for (const at of seqs) stream.remove(at)
  return seqs.length
}
