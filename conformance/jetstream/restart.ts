/** What is still true after a clean stop and a start on the same data. */
import type { Group } from '../support/case.ts'
import { expectEqual, expectMatch, expectTrue } from '../support/expectations.ts'
import { ackNumbers, line } from '../support/jetstream-caller.ts'
import { describe, headerOf } from '../support/messages.ts'

const second = 1_000_000_000
const ms = 1_000_000

export const restart: Group = {
  name: 'jetstream/restart',
  cases: [
    {
      name: 'a message that was not acknowledged comes again, counted',
      server: { fresh: true },
      async run(t) {
        const js = await t.js()
        await js.stream({ name: t.id, subjects: [t.subject] })
        await js.publishAll(t.subject, ['1', '2'])
        await js.consumer(t.id, { durable_name: 'C', ack_policy: 'explicit', ack_wait: second })
        const [, two] = await js.pull(t.id, 'C', { batch: 2 }, 2)
        await js.answerSure(two)
        await t.server.restart()
        const again = await t.js()
        const [message] = await again.pull(t.id, 'C', { batch: 1, expires: 5 * second }, 1)
        expectEqual([message.text, ackNumbers(message).delivered, ackNumbers(message).consumer], ['1', 2, 3])
        await again.answerSure(message)
        expectMatch(await again.consumerInfo(t.id, 'C'), {
          num_ack_pending: 0,
          num_redelivered: 0,
          ack_floor: { stream_seq: 2 },
        })
      },
    },
    {
      name: 'a work queue: what was acknowledged stays gone',
      server: { fresh: true },
      async run(t) {
        const js = await t.js()
        await js.stream({ name: t.id, subjects: [t.subject], retention: 'workqueue' })
        await js.publishAll(t.subject, ['1', '2', '3'])
        await js.consumer(t.id, { durable_name: 'C', ack_policy: 'explicit' })
        const messages = await js.pull(t.id, 'C', { batch: 2 }, 2)
        for (const message of messages) await js.answerSure(message)
        await t.server.restart()
        const again = await t.js()
        expectMatch((await again.info(t.id)).state, { messages: 1, first_seq: 3, last_seq: 3 })
        await again.expectPull(t.id, 'C', { batch: 5, no_wait: true }, [`${t.subject} 3`, '404 No Messages'])
      },
    },
    {
      name: 'a memory stream, an ephemeral consumer, and a deleted stream',
      server: { fresh: true },
      async run(t) {
        const js = await t.js()
        await js.stream({ name: t.id, subjects: [t.subject] })
        await js.stream({ name: `${t.id}D`, subjects: [`${t.subject}.d`] })
        await js.ok(`STREAM.DELETE.${t.id}D`)
        await js.consumer(t.id, { name: 'E', ack_policy: 'explicit', inactive_threshold: 300 * second })
        await t.server.restart()
        const again = await t.js()
        await again.api(`STREAM.INFO.${t.id}D`)
        await again.info(t.id)
      },
    },
    {
      name: 'an updated stream and consumer, and a purge, are kept',
      server: { fresh: true },
      async run(t) {
        const js = await t.js()
        await js.stream({ name: t.id, subjects: [`${t.subject}.*`] })
        for (let i = 0; i < 6; i++) await js.publishOk(`${t.subject}.${i % 2}`, String(i))
        await js.consumer(t.id, { durable_name: 'C', ack_policy: 'explicit' })
        await js.consumer(t.id, {
          durable_name: 'C',
          ack_policy: 'explicit',
          filter_subject: `${t.subject}.1`,
          max_deliver: 7,
        })
        await js.ok(`STREAM.UPDATE.${t.id}`, {
          name: t.id,
          subjects: [`${t.subject}.*`],
          max_msgs: 5,
          allow_direct: true,
        })
        await js.ok(`STREAM.PURGE.${t.id}`, { seq: 4 })
        await t.server.restart()
        const again = await t.js()
        await again.info(t.id, { deleted_details: true, subjects_filter: '>' })
        await again.consumerInfo(t.id, 'C')
        expectEqual((await again.caller.request(`$JS.API.DIRECT.GET.${t.id}`, '{"seq":4}')).text, '3')
      },
    },
    {
      name: 'a push consumer goes on with who listens then',
      server: { fresh: true },
      async run(t) {
        const js = await t.js()
        await js.stream({ name: t.id, subjects: [t.subject] })
        await js.publishAll(t.subject, ['1', '2'])
        const inbox = js.caller.subscribe(`d.${t.subject}`)
        await js.consumer(t.id, { durable_name: 'C', ack_policy: 'explicit', deliver_subject: `d.${t.subject}` })
        for (const message of await inbox.take(2)) await js.answerSure(message)
        await t.server.restart()
        const again = await t.js()
        const next = again.caller.subscribe(`d.${t.subject}`)
        await again.publishOk(t.subject, '3')
        t.observe('third', describe(await next.next()))
      },
    },
    {
      name: 'max_age goes on counting',
      server: { fresh: true },
      async run(t) {
        const js = await t.js()
        await js.stream({ name: t.id, subjects: [t.subject], max_age: 1500 * ms })
        await js.publishOk(t.subject, 'x')
        await t.server.restart()
        const again = await t.js()
        const startedMs = performance.now()
        for (;;) {
          if ((await again.peek(`STREAM.INFO.${t.id}`)).state.messages === 0) break
          await new Promise((resolve) => setTimeout(resolve, 50))
        }
        expectTrue(performance.now() - startedMs < 4000, 'the age began at the publish')
      },
    },
    {
      name: 'waiting requests hear of the shutdown',
      server: { fresh: true },
      async run(t) {
        const js = await t.js()
        await js.stream({ name: t.id, subjects: [t.subject] })
        await js.consumer(t.id, { durable_name: 'C', ack_policy: 'explicit' })
        const inbox = js.caller.subscribe(js.caller.newInbox())
        js.caller.publish(`$JS.API.CONSUMER.MSG.NEXT.${t.id}.C`, JSON.stringify({ batch: 5, expires: 20 * second }), {
          reply: inbox.subject,
        })
        for (;;) if ((await js.peek(`CONSUMER.INFO.${t.id}.C`)).num_waiting === 1) break
        const restarted = t.server.restart()
        expectEqual(line(await inbox.next()), '409 Server Shutdown 5/0')
        await restarted
      },
    },
    {
      name: 'times of messages are kept, and are the same in every way to ask',
      server: { fresh: true },
      async run(t) {
        const js = await t.js()
        await js.stream({ name: t.id, subjects: [t.subject], allow_direct: true })
        await js.publishOk(t.subject, 'x')
        const before = await js.okPeek(`STREAM.MSG.GET.${t.id}`, { seq: 1 })
        await t.server.restart()
        const again = await t.js()
        const after = await again.okPeek(`STREAM.MSG.GET.${t.id}`, { seq: 1 })
        expectEqual(after.message.time, before.message.time)
        expectMatch(after.message.time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z$/)
        const direct = await again.caller.request(`$JS.API.DIRECT.GET.${t.id}`, '{"seq":1}')
        expectEqual(headerOf(direct, 'Nats-Time-Stamp'), after.message.time)
        const { state } = await again.peek(`STREAM.INFO.${t.id}`)
        expectEqual([state.first_ts, state.last_ts], [after.message.time, after.message.time])
        await again.consumer(t.id, { durable_name: 'C', ack_policy: 'explicit' })
        const [message] = await again.pull(t.id, 'C', undefined, 1)
        const nanoseconds = BigInt(message.reply.split('.')[7])
        const [whole, fraction = ''] = after.message.time.slice(0, -1).split('.')
        expectEqual(String(nanoseconds), `${Date.parse(`${whole}Z`) / 1000}${fraction.padEnd(9, '0')}`)
      },
    },
    {
      name: 'a message that was asked for again',
      server: { fresh: true },
      async run(t) {
        const js = await t.js()
        await js.stream({ name: t.id, subjects: [t.subject] })
        await js.publishAll(t.subject, ['1', '2'])
        await js.consumer(t.id, { durable_name: 'C', ack_policy: 'explicit', ack_wait: 300 * second })
        const [message] = await js.pull(t.id, 'C', undefined, 1)
        await js.answerSure(message, '-NAK')
        await t.server.restart()
        const again = await t.js()
        const [next] = await again.pull(t.id, 'C', { batch: 1, expires: 5 * second }, 1)
        t.differs('redelivery-restart', next.text, { headwater: '1', judge: '2' })
      },
    },
  ],
}
