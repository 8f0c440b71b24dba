/** The answer to a request that nobody got: status 503, to the requester's own subscription. */
import type { PublishFrame } from '../protocol/parser.ts'
import type { Account } from './account.ts'
import type { Connection } from './connection.ts'
import type { Subscription } from './subscription.ts'

/** Sends it when `requester` has a plain subscription (no queue group) to the reply; else nothing. */
export function answerNobody(requester: Connection, account: Account, bytes: Buffer, frame: PublishFrame): void {
  const reply = bytes.toString('latin1', frame.replyStart, frame.replyEnd)
  let inbox: Subscription | undefined
  account.match(reply, (found) => {
    if (found.kind === 'client' && found.connection === requester && found.queue === undefined) inbox ??= found
  })
  if (inbox === undefined) return
  const subject = bytes.toString('latin1', frame.subjectStart, frame.subjectEnd)
  const headers = `NATS/1.0 503\r\nNats-Subject: ${subject}\r\n\r\n`
  const size = headers.length
  requester.outbox.text(`HMSG ${reply} ${inbox.sid} ${size} ${size}\r\n${headers}\r\n`)
  requester.outMsgs++
  requester.outBytes += size
  inbox.delivered++
  requester.subscriptions.delivered(inbox)
}
