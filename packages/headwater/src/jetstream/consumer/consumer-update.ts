/** What an update may change of a consumer, with the official texts. */
import { ApiError, type ApiErrorRow, apiErrors } from '../api/errors.ts'
import { type ConsumerConfig, sameConfig } from './consumer-config.ts'

/** Fields that stay, with the text that says so. */
const FIXED = [
  ['deliver_policy', 'deliver policy can not be updated'],
  ['mem_storage', 'storage type can not be updated'],
  ['opt_start_seq', 'start sequence can not be updated'],
  ['opt_start_time', 'start time can not be updated'],
  ['ack_policy', 'ack policy can not be updated'],
  ['replay_policy', 'replay policy can not be updated'],
  ['idle_heartbeat', 'heart beats can not be updated'],
  ['flow_control', 'flow control can not be updated'],
] as const

/**
 * Throws the ApiError of the first rule that the change breaks. `bound` tells whether anyone listens on the old deliver
 * subject: only an idle push consumer may be moved.
 */
export function checkUpdate(old: ConsumerConfig, next: ConsumerConfig, bound: (subject: string) => boolean): void {
  if (sameConfig(old, next)) return
  for (const [field, why] of FIXED) if (differ(old[field], next[field])) throw new ApiError(refusal(why))
  if ((old.deliver_subject ?? '') !== (next.deliver_subject ?? '')) {
    if (!old.deliver_subject) throw new ApiError(refusal('can not update pull consumer to push based'))
    if (!next.deliver_subject) throw new ApiError(refusal('can not update push consumer to pull based'))
    if (bound(old.deliver_subject)) throw new ApiError(apiErrors.consumerNameExist)
  }
  if (differ(old.max_waiting, next.max_waiting)) throw new ApiError(refusal('max waiting can not be updated'))
}

function differ(a: unknown, b: unknown): boolean {
  return (a || undefined) !== (b || undefined)
}

function refusal(why: string): ApiErrorRow {
  return apiErrors.consumerCreate(why)
}
