/** The error that poisons a store. */
import { HeadwaterError } from '../base/errors.ts'

/** Of a journal write or sync whose outcome is unknown. */
export function syncFailed(cause: unknown): HeadwaterError {
  if (cause instanceof HeadwaterError) return cause
  const hint = 'Check the disk, then start again: the start decides by reading what is there.'
  const text = `the journal could not be written: ${cause instanceof Error ? cause.message : String(cause)}`
  return new HeadwaterError('HW_SYNC_FAILED', text, { hint, cause })
}
