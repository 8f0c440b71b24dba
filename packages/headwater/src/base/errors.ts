/** Errors that a user of Headwater sees: each has a code, and a hint that is the next step in one sentence. */

export type HeadwaterErrorCode =
  | 'HW_PORT_IN_USE'
  | 'HW_DATA_LOCKED'
  | 'HW_DATA_NEWER'
  | 'HW_DATA_CORRUPT'
  | 'HW_DATA_UNUSABLE'
  | 'HW_SYNC_FAILED'
  | 'HW_DISK_FULL'
  | 'HW_CONFIG'
  | 'HW_CLUSTER_CONFIG'
  | 'HW_CLIENT_MISSING'
  | 'HW_CLOSED'

/** Thrown by every public call that fails for a reason which the caller can act on. */
export class HeadwaterError extends Error {
  override readonly name = 'HeadwaterError'
  /** Stable; compare this, not the message. */
  readonly code: HeadwaterErrorCode
  /** What to do next, in one sentence. */
  readonly hint: string

  constructor(code: HeadwaterErrorCode, message: string, options: { hint: string; cause?: unknown }) {
    super(message, { cause: options.cause })
    this.code = code
    this.hint = options.hint
  }
}
