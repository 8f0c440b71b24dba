/** What cases of acknowledging begin with. */

import type { Inbox } from '../support/caller.ts'
import type { JetStreamCaller } from '../support/jetstream-caller.ts'
import type { Json } from '../support/json.ts'
import { describe, type Message } from '../support/messages.ts'
import type { Trial } from '../support/trial.ts'

const second = 1_000_000_000

/** A stream with these bodies, and a pull consumer C. */
export async function ackReady(
  t: Trial,
  bodies: readonly string[],
  consumer: Record<string, unknown> = {},
): Promise<JetStreamCaller> {
  const js = await t.js()
  await js.stream({ name: t.id, subjects: [t.subject] })
  await js.publishAll(t.subject, bodies)
  await js.consumer(t.id, { durable_name: 'C', ack_policy: 'explicit', ...consumer })
  return js
}

/** Pulls one message, waiting for it. */
export async function pullOne(js: JetStreamCaller, t: Trial): Promise<Message> {
  const [message] = await js.pull(t.id, 'C', { batch: 1, expires: 5 * second }, 1)
  t.observe('pulled', describe(message).replace(/^_INBOX\S+/, ''))
  return message
}

/** The next advisory as JSON, checked against its schema and observed. */
export async function advisory(t: Trial, inbox: Inbox): Promise<Json> {
  const message = await inbox.next()
  const event = JSON.parse(message.text)
  t.checkSchema(event.type, event)
  t.observe(message.subject, event)
  return event
}
