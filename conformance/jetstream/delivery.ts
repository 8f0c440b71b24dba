/** What a consumer delivers: start, filters, order, and what holds it back. */

import type { Group } from '../support/case.ts'
import { expectEqual, expectTrue } from '../support/expectations.ts'
import { ackNumbers, line } from '../support/jetstream-caller.ts'
import { describe, headerOf } from '../support/messages.ts'
import type { Trial } from '../support/trial.ts'
import { openPull, pullReady } from './pull-setup.ts'

const second = 1_000_000_000
const ms = 1_000_000

export const delivery: Group = {
  name: 'jetstream/delivery',
  cases: [
    {
      name: 'filters: only what they match',
      async run(t) {
        const js = await t.js()
        await js.stream({ name: t.id, subjects: [`${t.subject}.>`] })
        for (const subject of ['a', 'b', 'c.d', 'a', 'c.e']) await js.publishOk(`${t.subject}.${subject}`, 'x')
        await js.consumer(t.id, { durable_name: 'A', ack_policy: 'explicit', filter_subject: `${t.subject}.a` })
        await js.consumer(t.id, {
          durable_name: 'B',
          ack_policy: 'explicit',
          filter_subjects: [`${t.subject}.b`, `${t.subject}.c.*`],
        })
        const [, last] = await js.expectPull(t.id, 'A', { batch: 9, no_wait: true }, [
          `${t.subject}.a x`,
          `${t.subject}.a x`,
          '404 No Messages',
        ])
        expectEqual(ackNumbers(last), { delivered: 1, stream: 4, consumer: 2, pending: 0 })
        const got = await js.expectPull(t.id, 'B', { batch: 9, no_wait: true }, [
          `${t.subject}.b x`,
          `${t.subject}.c.d x`,
          `${t.subject}.c.e x`,
          '404 No Messages',
        ])
        expectEqual(
          got.slice(0, 3).map((m) => ackNumbers(m).pending),
          [2, 1, 0],
        )
        await js.consumerInfo(t.id, 'A')
      },
    },
    ...(
      [
        ['all', { deliver_policy: 'all' }, ['1', '2', '3', '4', '5']],
        ['last', { deliver_policy: 'last' }, ['5']],
        ['new', { deliver_policy: 'new' }, []],
        ['by_start_sequence', { deliver_policy: 'by_start_sequence', opt_start_seq: 3 }, ['3', '4', '5']],
        ['by_start_sequence beyond the end', { deliver_policy: 'by_start_sequence', opt_start_seq: 7 }, []],
        ['last_per_subject', { deliver_policy: 'last_per_subject', filter_subject: '>' }, ['4', '5']],
      ] as const
    ).map(([policy, config, bodies]) => ({
      name: `deliver ${policy}`,
      async run(t: Trial) {
        const js = await t.js()
        await js.stream({ name: t.id, subjects: [`${t.subject}.>`] })
        for (const [subject, body] of [
          ['a', '1'],
          ['b', '2'],
          ['a', '3'],
          ['a', '4'],
          ['b', '5'],
        ])
          await js.publishOk(`${t.subject}.${subject}`, body)
        await js.consumer(t.id, { durable_name: 'C', ack_policy: 'explicit', ...config })
        await js.consumerInfo(t.id, 'C')
        const messages = await js.pull(t.id, 'C', { batch: 9, no_wait: true }, bodies.length + 1)
        expectEqual(
          messages.slice(0, -1).map((m) => m.text),
          bodies,
        )
        for (const message of messages) t.observe('pulled', describe(message).replace(/^_INBOX\S+/, ''))
        await js.publishOk(`${t.subject}.a`, '6')
        await js.publishOk(`${t.subject}.a`, '7')
        await js.pending(t.id, 'C', policy === 'by_start_sequence beyond the end' ? 1 : 2)
        const later = await js.pull(
          t.id,
          'C',
          { batch: 9, no_wait: true },
          policy === 'by_start_sequence beyond the end' ? 2 : 3,
        )
        for (const message of later) t.observe('later', describe(message).replace(/^_INBOX\S+/, ''))
        await js.consumerInfo(t.id, 'C')
      },
    })),
    {
      name: 'deliver by_start_time',
      async run(t) {
        const js = await pullReady(t, ['1', '2', '3'])
        const { message } = await js.ok(`STREAM.MSG.GET.${t.id}`, { seq: 2 })
        await js.consumer(t.id, {
          durable_name: 'T',
          ack_policy: 'explicit',
          deliver_policy: 'by_start_time',
          opt_start_time: message.time,
        })
        await js.expectPull(t.id, 'T', { batch: 9, no_wait: true }, [
          `${t.subject}.a 2`,
          `${t.subject}.a 3`,
          '404 No Messages',
        ])
        await js.consumer(t.id, {
          durable_name: 'F',
          ack_policy: 'explicit',
          deliver_policy: 'by_start_time',
          opt_start_time: '2200-01-01T00:00:00Z',
        })
        await js.publishOk(`${t.subject}.a`, '4')
        const answers = await js.pull(t.id, 'F', { batch: 9, no_wait: true }, 2)
        t.observe('from the future', answers.map(line).join())
      },
    },
    {
      name: 'headers_only: headers, the size, no body',
      async run(t) {
        const js = await t.js()
        await js.stream({ name: t.id, subjects: [`${t.subject}.>`] })
        await js.publishOk(`${t.subject}.a`, 'hello')
        await js.publishOk(`${t.subject}.a`, 'hello', ['A: 1'])
        await js.publishOk(`${t.subject}.a`, '')
        await js.consumer(t.id, { durable_name: 'C', ack_policy: 'explicit', headers_only: true })
        const messages = await js.expectPull(t.id, 'C', { batch: 3 }, [
          `${t.subject}.a`,
          `${t.subject}.a`,
          `${t.subject}.a`,
        ])
        expectEqual(
          messages.map((m) => headerOf(m, 'Nats-Msg-Size')),
          ['5', '5', '0'],
        )
        expectEqual(headerOf(messages[1], 'A'), '1')
      },
    },
    {
      name: 'replay original keeps the gaps',
      async run(t) {
        const js = await t.js()
        await js.stream({ name: t.id, subjects: [`${t.subject}.>`] })
        await js.publishOk(`${t.subject}.a`, '1')
        await new Promise((resolve) => setTimeout(resolve, 300))
        await js.publishOk(`${t.subject}.a`, '2')
        await js.consumer(t.id, { durable_name: 'C', ack_policy: 'explicit', replay_policy: 'original' })
        const startedMs = performance.now()
        await js.expectPull(t.id, 'C', { batch: 2, expires: 5 * second }, [`${t.subject}.a 1`, `${t.subject}.a 2`])
        expectTrue(performance.now() - startedMs > 200, 'the second one came after the gap')
      },
    },
    {
      name: 'max_ack_pending holds back new messages until acks come',
      async run(t) {
        const js = await pullReady(t, ['1', '2', '3', '4'], { max_ack_pending: 2 })
        const inbox = openPull(js, t.id, { batch: 4, expires: 10 * second })
        const [one] = await inbox.take(2)
        for (;;) if ((await js.peek(`CONSUMER.INFO.${t.id}.C`)).num_ack_pending === 2) break
        await js.caller.flush()
        expectEqual(inbox.drain().length, 0)
        await js.answerSure(one)
        expectEqual((await inbox.next()).text, '3')
        await js.consumerInfo(t.id, 'C')
      },
    },
    {
      name: 'no_wait while max_ack_pending is reached',
      async run(t) {
        const js = await pullReady(t, ['1', '2'], { max_ack_pending: 1 })
        const [first] = await js.pull(t.id, 'C', undefined, 1)
        const inbox = openPull(js, t.id, { batch: 1, no_wait: true })
        for (;;) if ((await js.peek(`CONSUMER.INFO.${t.id}.C`)).num_waiting === 1) break
        expectEqual(inbox.drain().length, 0, 'answers while nothing may be delivered')
        await js.answerSure(first)
        expectEqual((await inbox.next()).text, '2')
      },
    },
    {
      name: 'ack none: pulled messages are settled at once',
      async run(t) {
        const js = await pullReady(t, ['1', '2', '3'], { ack_policy: 'none' })
        const [one] = await js.expectPull(t.id, 'C', { batch: 2 }, [`${t.subject}.a 1`, `${t.subject}.a 2`])
        expectTrue(one.reply.startsWith('$JS.ACK.'), 'there is an ack subject all the same')
        await js.consumerInfo(t.id, 'C')
      },
    },
    {
      name: 'inactive_threshold: a consumer that nobody uses goes',
      async run(t) {
        const js = await pullReady(t, [], { inactive_threshold: 200 * ms })
        for (;;) {
          if ((await js.peek(`CONSUMER.INFO.${t.id}.C`)).error?.err_code === 10014) return
          await new Promise((resolve) => setTimeout(resolve, 50))
        }
      },
    },
    {
      name: 'a large batch of larger messages arrives whole and in order',
      async run(t) {
        const js = await t.js()
        await js.stream({ name: t.id, subjects: [t.subject], storage: 'memory' })
        const bodies = Array.from({ length: 300 }, (_, i) => `${i}:${'x'.repeat((i * 37) % 5000)}`)
        for (const body of bodies) js.caller.publish(t.subject, body)
        await js.caller.flush()
        for (;;) if ((await js.peek(`STREAM.INFO.${t.id}`)).state.messages === 300) break
        await js.consumer(t.id, { durable_name: 'C', ack_policy: 'explicit' })
        const messages = await js.pull(t.id, 'C', { batch: 300, expires: 10 * second }, 300)
        expectEqual(
          messages.map((m) => m.text),
          bodies,
        )
      },
    },
    {
      name: 'inactive_threshold: pulling keeps a consumer',
      async run(t) {
        const js = await pullReady(t, [], { inactive_threshold: 1500 * ms })
        for (let i = 0; i < 10; i++) {
          await js.pull(t.id, 'C', { batch: 1, expires: 300 * ms }, 1)
        }
        await js.ok(`CONSUMER.INFO.${t.id}.C`)
      },
    },
    {
      name: 'two consumers go their own ways',
      async run(t) {
        const js = await pullReady(t, ['1', '2', '3'])
        await js.consumer(t.id, { durable_name: 'D', ack_policy: 'explicit' })
        const [message] = await js.pull(t.id, 'C', { batch: 2 }, 2)
        await js.answerSure(message)
        await js.expectPull(
          t.id,
          'D',
          { batch: 3 },
          ['1', '2', '3'].map((body) => `${t.subject}.a ${body}`),
        )
        await js.consumerInfo(t.id, 'C')
        await js.consumerInfo(t.id, 'D')
      },
    },
    {
      name: 'a redelivery goes to whoever pulls next',
      async run(t) {
        const js = await pullReady(t, ['1'])
        const other = await t.js()
        const [message] = await js.pull(t.id, 'C', undefined, 1)
        js.answer(message, '-NAK')
        const [again] = await other.pull(t.id, 'C', { batch: 1, expires: 5 * second }, 1)
        expectEqual([again.text, ackNumbers(again).delivered], ['1', 2])
        await other.answerSure(again)
      },
    },
    {
      name: 'an update of max_ack_pending lets more through',
      async run(t) {
        const js = await pullReady(t, ['1', '2', '3'], { max_ack_pending: 1 })
        const inbox = openPull(js, t.id, { batch: 3, expires: 10 * second })
        expectEqual((await inbox.next()).text, '1')
        const config = { durable_name: 'C', ack_policy: 'explicit', max_ack_pending: 3 }
        await js.okPeek(`CONSUMER.CREATE.${t.id}.C`, { stream_name: t.id, config })
        expectEqual(
          (await inbox.take(2)).map((m) => m.text),
          ['2', '3'],
        )
      },
    },
    {
      name: 'a message published with a reply subject and delivered: the reply is the ack subject',
      async run(t) {
        const js = await pullReady(t, [])
        js.caller.publish(`${t.subject}.a`, 'x', { reply: 'somewhere.else' })
        const [message] = await js.pull(t.id, 'C', { batch: 1, expires: 5 * second }, 1)
        expectTrue(message.reply.startsWith(`$JS.ACK.${t.id}.C.1.1.1.`), `an ack subject, got ${message.reply}`)
      },
    },
  ],
}
