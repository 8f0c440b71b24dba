/** A message as a headers_only consumer delivers it: its headers, the size of the payload, no payload. */
import { appendHeaders } from '../../protocol/headers.ts'
import type { MessageView } from '../../store/message-view.ts'

/** The header block to send. */
export function headersOnly(view: MessageView): Uint8Array {
  return appendHeaders(view.headers(), [['Nats-Msg-Size', String(view.payloadLength)]])
}
