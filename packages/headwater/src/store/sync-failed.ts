/** The errors that poison a store. */
import { HeadwaterError } from '../base/errors.ts'

/** Of a journal write or sync whose outcome is unknown. */
export function syncFailed(cause: unknown): HeadwaterError {
  if (cause instanceof HeadwaterError) return cause
  const hint = 'Check the disk, then start again: the start decides by reading what is there.'
  const text = `the journal could not be written: ${cause instanceof Error ? cause.message : String(cause)}`
  return new HeadwaterError('HW_SYNC_FAILED', text, { hint, cause })
}

/** Of a file of the journal that is not at its name any more: what is written to it is found by nobody. */
export function folderGone(path: string): HeadwaterError {
  const hint = 'Put the data folder back where it was, or restore a backup, and start again.'
  const text = `${path} is not the file any more that is being written: the data folder was removed, moved or replaced`
  return new HeadwaterError('HW_SYNC_FAILED', text, { hint })
}
