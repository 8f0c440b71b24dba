/** What a stream keeps: limits, discard policies, interest, work queue. */
import type { Group } from '../support/case.ts'
import { expectEqual, expectMatch } from '../support/expectations.ts'
import type { ApiErrorRow, JetStreamCaller } from '../support/jetstream-caller.ts'

const storage = (...words: string[]): ApiErrorRow => [503, 10077, words.join(' ')]

async function kept(js: JetStreamCaller, stream: string): Promise<[number, number, number]> {
  const { state } = await js.info(stream, { deleted_details: true, subjects_filter: '>' })
  return [state.messages, state.first_seq, state.last_seq]
}

export const retention: Group = {
  name: 'jetstream/retention',
  cases: [
    ...(['file', 'memory'] as const).flatMap((kind) => [
      {
        name: `max_msgs discards the oldest (${kind})`,
        async run(t: import('../support/trial.ts').Trial) {
          const js = await t.js()
          await js.stream({ name: t.id, subjects: [t.subject], max_msgs: 3, storage: kind })
          await js.publishAll(t.subject, ['1', '2', '3', '4', '5'])
          expectEqual(await kept(js, t.id), [3, 3, 5])
        },
      },
      {
        name: `max_bytes discards the oldest (${kind})`,
        async run(t: import('../support/trial.ts').Trial) {
          const js = await t.js()
          await js.stream({ name: t.id, subjects: [t.subject], max_bytes: 200, storage: kind })
          await js.publishAll(t.subject, ['1'.repeat(30), '2'.repeat(30), '3'.repeat(30), '4'.repeat(100)])
          t.observe('kept', await kept(js, t.id))
        },
      },
      {
        name: `max_msgs_per_subject discards the oldest of the subject (${kind})`,
        async run(t: import('../support/trial.ts').Trial) {
          const js = await t.js()
          await js.stream({ name: t.id, subjects: [`${t.subject}.*`], max_msgs_per_subject: 2, storage: kind })
          for (const subject of ['a', 'a', 'b', 'a', 'a', 'b']) await js.publishOk(`${t.subject}.${subject}`, 'x')
          expectEqual(await kept(js, t.id), [4, 3, 6])
        },
      },
      {
        name: `discard new: max_msgs refuses (${kind})`,
        async run(t: import('../support/trial.ts').Trial) {
          const js = await t.js()
          await js.stream({ name: t.id, subjects: [t.subject], max_msgs: 2, discard: 'new', storage: kind })
          await js.publishAll(t.subject, ['1', '2'])
          await js.publishFails(t.subject, '3', undefined, storage('maximum messages exceeded'))
          expectEqual(await kept(js, t.id), [2, 1, 2])
          await js.ok(`STREAM.MSG.DELETE.${t.id}`, { seq: 1 })
          expectMatch(await js.publishOk(t.subject, '4'), { seq: 3 })
        },
      },
      {
        name: `discard new: max_bytes refuses (${kind})`,
        async run(t: import('../support/trial.ts').Trial) {
          const js = await t.js()
          await js.stream({ name: t.id, subjects: [t.subject], max_bytes: 200, discard: 'new', storage: kind })
          await js.publishOk(t.subject, '1'.repeat(100))
          await js.publishFails(t.subject, '2'.repeat(100), undefined, storage('maximum bytes exceeded'))
          expectEqual(await kept(js, t.id), [1, 1, 1])
        },
      },
      {
        name: `discard new per subject refuses, a roll-up passes (${kind})`,
        async run(t: import('../support/trial.ts').Trial) {
          const js = await t.js()
          await js.stream({
            name: t.id,
            subjects: [`${t.subject}.*`],
            max_msgs_per_subject: 1,
            discard: 'new',
            discard_new_per_subject: true,
            allow_rollup_hdrs: true,
            storage: kind,
          })
          await js.publishOk(`${t.subject}.a`, '1')
          await js.publishFails(`${t.subject}.a`, '2', undefined, storage('maximum messages per subject exceeded'))
          await js.publishOk(`${t.subject}.b`, '3')
          await js.publish(`${t.subject}.a`, '4', ['Nats-Rollup: sub'])
          await kept(js, t.id)
        },
      },
      {
        name: `discard new with a limit per subject replaces the oldest of a full subject (${kind})`,
        async run(t: import('../support/trial.ts').Trial) {
          const js = await t.js()
          await js.stream({
            name: t.id,
            subjects: [`${t.subject}.*`],
            max_msgs_per_subject: 1,
            max_msgs: 2,
            discard: 'new',
            storage: kind,
          })
          await js.publishOk(`${t.subject}.a`, '1')
          await js.publishOk(`${t.subject}.b`, '2')
          await js.publish(`${t.subject}.c`, '3')
          await js.publish(`${t.subject}.a`, '4')
          await kept(js, t.id)
        },
      },
    ]),
    {
      name: 'a message alone larger than max_bytes',
      async run(t) {
        const js = await t.js()
        await js.stream({ name: t.id, subjects: [t.subject], max_bytes: 200 })
        await js.publishOk(t.subject, 'small')
        await js.publish(t.subject, 'x'.repeat(500))
        t.observe('kept', await kept(js, t.id))
      },
    },
    {
      name: 'max_bytes with discard new and a limit per subject',
      async run(t) {
        const js = await t.js()
        await js.stream({
          name: t.id,
          subjects: [`${t.subject}.*`],
          max_msgs_per_subject: 1,
          max_bytes: 200,
          discard: 'new',
        })
        await js.publish(`${t.subject}.a`, 'x'.repeat(50))
        await js.publish(`${t.subject}.b`, 'x'.repeat(50))
        await js.publish(`${t.subject}.a`, 'x'.repeat(50))
        await js.publish(`${t.subject}.a`, 'x'.repeat(60))
        await js.publish(`${t.subject}.a`, 'x')
        await kept(js, t.id)
      },
    },
    {
      name: 'interest: without a consumer the sequence goes on and nothing is kept',
      async run(t) {
        const js = await t.js()
        await js.stream({ name: t.id, subjects: [t.subject], retention: 'interest' })
        expectMatch(await js.publishOk(t.subject, 'x'), { seq: 1 })
        expectMatch(await js.publishOk(t.subject, 'x'), { seq: 2 })
        const { state } = await js.okPeek(`STREAM.INFO.${t.id}`, { deleted_details: true })
        const { last_ts, ...rest } = state
        t.observe('state', rest)
        expectMatch(rest, { messages: 0, first_seq: 3, last_seq: 2 })
        const told = last_ts === '0001-01-01T00:00:00Z' ? 'never' : 'now'
        t.differs('interest-last-ts', told, { headwater: 'never', judge: 'now' })
      },
    },
    {
      name: 'interest: kept until every consumer that wants it acknowledged',
      async run(t) {
        const js = await t.js()
        await js.stream({ name: t.id, subjects: [`${t.subject}.*`], retention: 'interest' })
        await js.consumer(t.id, { durable_name: 'A', ack_policy: 'explicit' })
        await js.consumer(t.id, { durable_name: 'B', ack_policy: 'explicit', filter_subject: `${t.subject}.b` })
        for (const subject of ['a', 'b', 'b']) await js.publishOk(`${t.subject}.${subject}`, 'x')
        expectEqual(await kept(js, t.id), [3, 1, 3])
        for (const message of await js.pull(t.id, 'A', { batch: 3 }, 3)) await js.answerSure(message)
        expectEqual(await kept(js, t.id), [2, 2, 3])
        const [first] = await js.pull(t.id, 'B', { batch: 1 }, 1)
        await js.answerSure(first)
        expectEqual(await kept(js, t.id), [1, 3, 3])
        await js.ok(`CONSUMER.DELETE.${t.id}.B`)
        await kept(js, t.id)
      },
    },
    {
      name: 'interest: a message that no filter wants is not kept',
      async run(t) {
        const js = await t.js()
        await js.stream({ name: t.id, subjects: [`${t.subject}.*`], retention: 'interest' })
        await js.consumer(t.id, { durable_name: 'A', ack_policy: 'explicit', filter_subject: `${t.subject}.a` })
        await js.publishOk(`${t.subject}.b`, 'x')
        await js.publishOk(`${t.subject}.a`, 'x')
        expectEqual(await kept(js, t.id), [1, 2, 2])
        await js.pending(t.id, 'A', 1)
        await js.consumerInfo(t.id, 'A')
      },
    },
    {
      name: 'interest: ack none settles on delivery',
      async run(t) {
        const js = await t.js()
        await js.stream({ name: t.id, subjects: [t.subject], retention: 'interest' })
        await js.consumer(t.id, { durable_name: 'A', ack_policy: 'none' })
        await js.publishAll(t.subject, ['1', '2'])
        await js.pull(t.id, 'A', { batch: 1 }, 1)
        for (;;) if ((await js.peek(`STREAM.INFO.${t.id}`)).state.messages === 1) break
        await kept(js, t.id)
      },
    },
    {
      name: 'interest: deleting the last consumer empties the stream',
      async run(t) {
        const js = await t.js()
        await js.stream({ name: t.id, subjects: [t.subject], retention: 'interest' })
        await js.consumer(t.id, { durable_name: 'A', ack_policy: 'explicit' })
        await js.publishAll(t.subject, ['1', '2'])
        await js.ok(`CONSUMER.DELETE.${t.id}.A`)
        for (;;) if ((await js.peek(`STREAM.INFO.${t.id}`)).state.messages === 0) break
        await kept(js, t.id)
      },
    },
    {
      name: 'interest: max_deliver is over for one consumer, the message stays though the other acknowledged',
      async run(t) {
        const js = await t.js()
        await js.stream({ name: t.id, subjects: [t.subject], retention: 'interest' })
        await js.consumer(t.id, { durable_name: 'A', ack_policy: 'explicit', max_deliver: 1 })
        await js.consumer(t.id, { durable_name: 'B', ack_policy: 'explicit' })
        await js.publishAll(t.subject, ['1', '2'])
        const [exhausted] = await js.pull(t.id, 'A', undefined, 1)
        await js.answerSure(exhausted, '-NAK')
        await js.expectPull(t.id, 'A', undefined, [`${t.subject} 2`])
        const messages = await js.pull(t.id, 'B', { batch: 2 }, 2)
        for (const message of messages) await js.answerSure(message)
        expectEqual(await kept(js, t.id), [2, 1, 2])
        await js.answerSure(exhausted)
        t.observe('after a late ack', await kept(js, t.id))
        await js.ok(`CONSUMER.DELETE.${t.id}.A`)
        t.observe('after the consumer is gone', await kept(js, t.id))
      },
    },
    {
      name: 'work queue: removed when acknowledged or terminated',
      async run(t) {
        const js = await t.js()
        await js.stream({ name: t.id, subjects: [t.subject], retention: 'workqueue' })
        await js.consumer(t.id, { durable_name: 'A', ack_policy: 'explicit' })
        await js.publishAll(t.subject, ['1', '2', '3'])
        const [one, two] = await js.pull(t.id, 'A', { batch: 3 }, 3)
        await js.answerSure(two)
        expectEqual(await kept(js, t.id), [2, 1, 3])
        await js.answerSure(one, '+TERM')
        expectEqual(await kept(js, t.id), [1, 3, 3])
      },
    },
    {
      name: 'work queue: kept without a consumer, and deliverable later',
      async run(t) {
        const js = await t.js()
        await js.stream({ name: t.id, subjects: [t.subject], retention: 'workqueue' })
        await js.publishAll(t.subject, ['1', '2'])
        await js.consumer(t.id, { durable_name: 'A', ack_policy: 'explicit' })
        const [one] = await js.expectPull(t.id, 'A', { batch: 2 }, [`${t.subject} 1`, `${t.subject} 2`])
        await js.answerSure(one)
        await js.ok(`CONSUMER.DELETE.${t.id}.A`)
        expectEqual(await kept(js, t.id), [1, 2, 2])
        await js.consumer(t.id, { durable_name: 'B', ack_policy: 'explicit' })
        await js.expectPull(t.id, 'B', undefined, [`${t.subject} 2`])
      },
    },
    {
      name: 'work queue: which consumers it takes',
      async run(t) {
        const js = await t.js()
        await js.stream({ name: t.id, subjects: [`${t.subject}.*`], retention: 'workqueue' })
        await js.consumerFails(t.id, { durable_name: 'N', ack_policy: 'none', deliver_subject: 'push' }, [
          400,
          10098,
          'workqueue stream requires explicit ack',
        ])
        await js.consumerFails(t.id, { durable_name: 'N', ack_policy: 'none' }, [
          400,
          10084,
          'consumer in pull mode requires explicit ack policy on workqueue stream',
        ])
        await js.consumerFails(t.id, { durable_name: 'N', ack_policy: 'all' }, [
          400,
          10098,
          'workqueue stream requires explicit ack',
        ])
        await js.consumerFails(t.id, { durable_name: 'N', ack_policy: 'explicit', deliver_policy: 'new' }, [
          400,
          10101,
          'consumer must be deliver all on workqueue stream',
        ])
        await js.consumer(t.id, { durable_name: 'A', ack_policy: 'explicit', filter_subject: `${t.subject}.a` })
        await js.consumerFails(t.id, { durable_name: 'B', ack_policy: 'explicit', filter_subject: `${t.subject}.a` }, [
          400,
          10100,
          'filtered consumer not unique on workqueue stream',
        ])
        await js.consumerFails(t.id, { durable_name: 'B', ack_policy: 'explicit', filter_subject: `${t.subject}.*` }, [
          400,
          10100,
          'filtered consumer not unique on workqueue stream',
        ])
        await js.consumerFails(t.id, { durable_name: 'B', ack_policy: 'explicit' }, [
          400,
          10099,
          'multiple non-filtered consumers not allowed on workqueue stream',
        ])
        await js.consumer(t.id, { durable_name: 'B', ack_policy: 'explicit', filter_subject: `${t.subject}.b` })
      },
    },
    {
      name: 'work queue: max_deliver is over, the message stays',
      async run(t) {
        const js = await t.js()
        await js.stream({ name: t.id, subjects: [t.subject], retention: 'workqueue' })
        await js.consumer(t.id, { durable_name: 'A', ack_policy: 'explicit', max_deliver: 1 })
        await js.publishOk(t.subject, 'x')
        const [message] = await js.pull(t.id, 'A', undefined, 1)
        await js.answerSure(message, '-NAK')
        await js.expectPull(t.id, 'A', { batch: 1, no_wait: true }, ['404 No Messages'])
        expectEqual(await kept(js, t.id), [1, 1, 1])
        await js.consumerInfo(t.id, 'A')
      },
    },
    {
      name: 'from limits to interest by update: what was acknowledged by all goes',
      async run(t) {
        const js = await t.js()
        const config = { name: t.id, subjects: [t.subject] }
        await js.stream(config)
        await js.consumer(t.id, { durable_name: 'A', ack_policy: 'explicit' })
        await js.publishAll(t.subject, ['1', '2'])
        const [one] = await js.pull(t.id, 'A', { batch: 2 }, 2)
        await js.answerSure(one)
        await js.ok(`STREAM.UPDATE.${t.id}`, { ...config, retention: 'interest' })
        await js.info(t.id)
      },
    },
    {
      name: 'messages removed by a limit are not delivered any more',
      async run(t) {
        const js = await t.js()
        await js.stream({ name: t.id, subjects: [t.subject], max_msgs: 2 })
        await js.consumer(t.id, { durable_name: 'A', ack_policy: 'explicit' })
        await js.publishAll(t.subject, ['1', '2', '3', '4'])
        await js.pending(t.id, 'A', 2)
        await js.consumerInfo(t.id, 'A')
        await js.expectPull(t.id, 'A', { batch: 9, no_wait: true }, [
          `${t.subject} 3`,
          `${t.subject} 4`,
          '404 No Messages',
        ])
        await js.consumerInfo(t.id, 'A')
      },
    },
  ],
}
