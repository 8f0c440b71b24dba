/** Duplicates: what is recognised, and for how long. */
import type { Group } from '../support/case.ts'
import { expectEqual, expectMatch } from '../support/expectations.ts'

export const dedupe: Group = {
  name: 'jetstream/dedupe',
  cases: [
    {
      name: 'duplicates: the same id is stored once, whatever the subject',
      async run(t) {
        const js = await t.js()
        await js.stream({ name: t.id, subjects: [`${t.subject}.*`] })
        await js.publishOk(`${t.subject}.a`, 'x', ['Nats-Msg-Id: one'])
        expectMatch(await js.publishOk(`${t.subject}.b`, 'other', ['Nats-Msg-Id: one']), { seq: 1, duplicate: true })
        expectMatch(await js.publishOk(`${t.subject}.b`, 'y', ['Nats-Msg-Id: One']), { seq: 2, duplicate: undefined })
        await js.publishOk(`${t.subject}.b`, 'y', ['Nats-Msg-Id: '])
        await js.publishOk(`${t.subject}.b`, 'y', ['Nats-Msg-Id: '])
        await js.info(t.id)
      },
    },
    {
      name: 'duplicates are known after the message is deleted, purged or removed by a limit',
      async run(t) {
        const js = await t.js()
        await js.stream({ name: t.id, subjects: [t.subject], max_msgs: 2 })
        for (const id of ['a', 'b', 'c', 'd']) await js.publishOk(t.subject, id, [`Nats-Msg-Id: ${id}`])
        await js.ok(`STREAM.MSG.DELETE.${t.id}`, { seq: 3 })
        await js.ok(`STREAM.PURGE.${t.id}`)
        for (const [id, seq] of [
          ['a', 1],
          ['c', 3],
          ['d', 4],
        ] as const) {
          expectMatch(await js.publishOk(t.subject, id, [`Nats-Msg-Id: ${id}`]), { seq, duplicate: true })
        }
      },
    },
    {
      name: 'duplicates are forgotten after the window',
      async run(t) {
        const js = await t.js()
        await js.stream({ name: t.id, subjects: [t.subject], duplicate_window: 200_000_000 })
        const startedMs = performance.now()
        await js.publishOk(t.subject, 'x', ['Nats-Msg-Id: a'])
        for (;;) {
          const ack = JSON.parse((await js.caller.request(t.subject, 'x', ['Nats-Msg-Id: a'])).text)
          if (!ack.duplicate) break
          await new Promise((resolve) => setTimeout(resolve, 20))
        }
        expectEqual(performance.now() - startedMs >= 195, true, 'not before the window is over')
      },
    },
    {
      name: 'duplicates are known after a restart',
      server: { fresh: true },
      async run(t) {
        const js = await t.js()
        await js.stream({ name: t.id, subjects: [t.subject] })
        for (const id of ['a', 'b']) await js.publishOk(t.subject, id, [`Nats-Msg-Id: ${id}`])
        await t.server.restart()
        const again = await t.js()
        expectMatch(await again.publishOk(t.subject, 'a', ['Nats-Msg-Id: a']), { seq: 1, duplicate: true })
        expectMatch(await again.publishOk(t.subject, 'c', ['Nats-Msg-Id: c']), { seq: 3 })
      },
    },
    {
      name: 'a duplicate of what was consumed before a restart',
      server: { fresh: true },
      async run(t) {
        const js = await t.js()
        await js.stream({ name: t.id, subjects: [t.subject], retention: 'workqueue' })
        await js.consumer(t.id, { durable_name: 'C', ack_policy: 'explicit' })
        await js.publishOk(t.subject, 'x', ['Nats-Msg-Id: a'])
        const [message] = await js.pull(t.id, 'C', undefined, 1)
        await js.answerSure(message, '+ACK')
        await t.server.restart()
        const again = await t.js()
        const { duplicate } = JSON.parse((await again.caller.request(t.subject, 'x', ['Nats-Msg-Id: a'])).text)
        t.differs('dedupe-restart', String(duplicate), { headwater: 'true', judge: 'undefined' })
      },
    },
    {
      name: 'expectations are checked before duplicates, the last message id after',
      async run(t) {
        const js = await t.js()
        await js.stream({ name: t.id, subjects: [t.subject] })
        await js.publishOk(t.subject, 'x', ['Nats-Msg-Id: a'])
        await js.publishFails(
          t.subject,
          'x',
          ['Nats-Msg-Id: a', 'Nats-Expected-Last-Sequence: 0'],
          [400, 10071, 'wrong last sequence: 1'],
        )
        await js.publish(t.subject, 'x', ['Nats-Msg-Id: a', 'Nats-Expected-Last-Msg-Id: other'])
        await js.publish(t.subject, 'x', ['Nats-Msg-Id: a', 'Nats-Expected-Stream: other'])
        await js.publish(t.subject, 'x', ['Nats-Msg-Id: a', 'Nats-Rollup: sub'])
      },
    },
    {
      name: 'two with one id in one write: the first is stored, the second is a duplicate',
      async run(t) {
        const js = await t.js()
        await js.stream({ name: t.id, subjects: [t.subject] })
        const inbox = js.caller.subscribe(js.caller.newInbox())
        for (const body of ['a', 'b'])
          js.caller.publish(t.subject, body, { reply: inbox.subject, headers: ['Nats-Msg-Id: one'] })
        const acks = (await inbox.take(2)).map((message) => JSON.parse(message.text))
        expectEqual(
          acks.map((ack) => [ack.seq, ack.duplicate]),
          [
            [1, undefined],
            [1, true],
          ],
        )
      },
    },
    {
      name: 'an id that was refused is not remembered',
      async run(t) {
        const js = await t.js()
        await js.stream({ name: t.id, subjects: [t.subject], max_msg_size: 10 })
        await js.publish(t.subject, 'far too long a body', ['Nats-Msg-Id: one'])
        await js.publish(t.subject, 'x', ['Nats-Msg-Id: one', 'Nats-Expected-Last-Sequence: 5'])
        await js.publish(t.subject, 'x', ['Nats-Msg-Id: one'])
      },
    },
    {
      name: 'a duplicate window that is made shorter, and one that is made longer',
      async run(t) {
        const js = await t.js()
        const config = { name: t.id, subjects: [t.subject] }
        await js.stream(config)
        await js.publishOk(t.subject, 'x', ['Nats-Msg-Id: one'])
        await js.ok(`STREAM.UPDATE.${t.id}`, { ...config, duplicate_window: 300_000_000_000 })
        expectMatch(await js.publishOk(t.subject, 'x', ['Nats-Msg-Id: one']), { duplicate: true })
      },
    },
    {
      name: 'memory streams recognise duplicates too',
      async run(t) {
        const js = await t.js()
        await js.stream({ name: t.id, subjects: [t.subject], storage: 'memory' })
        await js.publishOk(t.subject, 'x', ['Nats-Msg-Id: one'])
        expectMatch(await js.publishOk(t.subject, 'x', ['Nats-Msg-Id: one']), { duplicate: true, seq: 1 })
      },
    },
  ],
}
