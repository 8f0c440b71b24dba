/** What cases of pull begin with: a filled stream with a consumer, and an open request. */
import type { Inbox } from '../support/caller.ts'
import type { JetStreamCaller } from '../support/jetstream-caller.ts'
import type { Trial } from '../support/trial.ts'

/** A stream with these bodies on `<subject>.a`, and a pull consumer C. */
export async function pullReady(
  t: Trial,
  bodies: readonly string[],
  consumer: Record<string, unknown> = {},
  stream: Record<string, unknown> = {},
): Promise<JetStreamCaller> {
  const js = await t.js()
  await js.stream({ name: t.id, subjects: [`${t.subject}.>`], ...stream })
  await js.publishAll(`${t.subject}.a`, bodies)
  await js.consumer(t.id, { durable_name: 'C', ack_policy: 'explicit', ...consumer })
  return js
}

/** Sends a pull request and leaves it open. */
export function openPull(js: JetStreamCaller, stream: string, body: unknown): Inbox {
  const inbox = js.caller.subscribe(js.caller.newInbox())
  js.caller.publish(`$JS.API.CONSUMER.MSG.NEXT.${stream}.C`, JSON.stringify(body), { reply: inbox.subject })
  return inbox
}
