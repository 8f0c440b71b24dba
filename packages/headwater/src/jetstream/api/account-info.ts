/** The API's INFO call: what the account uses and may use. */
import type { JetStream } from '../jetstream.ts'
import type { ApiRow } from './router.ts'

/** The rows of this file. */
export function accountInfoRows(jetstream: JetStream): ApiRow[] {
  return [{ pattern: 'INFO', type: 'account_info', body: 'ignored', handle: () => jetstream.accountInfo() }]
}
