/** Where a consumer stands: its numbers, and what deletes and purges do to them. */

import type { Group } from '../support/case.ts'
import { expectEqual, expectMatch } from '../support/expectations.ts'
import { ackNumbers, line } from '../support/jetstream-caller.ts'
import type { Message } from '../support/messages.ts'
import { pullReady } from './pull-setup.ts'

const second = 1_000_000_000

export const positions: Group = {
  name: 'jetstream/positions',
  cases: [
    {
      name: 'deliver last with a filter',
      async run(t) {
        const js = await t.js()
        await js.stream({ name: t.id, subjects: [`${t.subject}.>`] })
        for (const [subject, body] of [
          ['a', '1'],
          ['b', '2'],
          ['a', '3'],
          ['b', '4'],
        ])
          await js.publishOk(`${t.subject}.${subject}`, body)
        await js.consumer(t.id, {
          durable_name: 'C',
          ack_policy: 'explicit',
          deliver_policy: 'last',
          filter_subject: `${t.subject}.a`,
        })
        await js.expectPull(t.id, 'C', { batch: 9, no_wait: true }, [`${t.subject}.a 3`, '404 No Messages'])
      },
    },
    {
      name: 'deliver last when the last message was deleted',
      async run(t) {
        const js = await pullReady(t, ['1', '2', '3'])
        await js.ok(`STREAM.MSG.DELETE.${t.id}`, { seq: 3 })
        await js.consumer(t.id, { durable_name: 'L', ack_policy: 'explicit', deliver_policy: 'last' })
        await js.consumer(t.id, {
          durable_name: 'F',
          ack_policy: 'explicit',
          deliver_policy: 'last',
          filter_subject: `${t.subject}.>`,
        })
        await js.consumer(t.id, {
          durable_name: 'G',
          ack_policy: 'explicit',
          deliver_policy: 'last',
          filter_subject: `${t.subject}.a`,
        })
        await js.publishOk(`${t.subject}.a`, '4')
        for (const name of ['L', 'F', 'G']) {
          await js.okPeek(`CONSUMER.INFO.${t.id}.${name}`)
          const first = await js.pull(t.id, name, { batch: 1, expires: second }, 1)
          t.observe(name, first.map(line).join())
        }
      },
    },
    {
      name: 'num_pending, delivered and ack floor in info',
      async run(t) {
        const js = await pullReady(t, ['1', '2', '3', '4', '5'])
        await js.consumerInfo(t.id, 'C')
        const messages = await js.pull(t.id, 'C', { batch: 3 }, 3)
        expectMatch(await js.consumerInfo(t.id, 'C'), {
          delivered: { consumer_seq: 3, stream_seq: 3 },
          ack_floor: { consumer_seq: 0, stream_seq: 0 },
          num_ack_pending: 3,
          num_pending: 2,
        })
        await js.answerSure(messages[1])
        expectMatch(await js.consumerInfo(t.id, 'C'), {
          ack_floor: { consumer_seq: 0, stream_seq: 0 },
          num_ack_pending: 2,
        })
        await js.answerSure(messages[0])
        expectMatch(await js.consumerInfo(t.id, 'C'), {
          ack_floor: { consumer_seq: 2, stream_seq: 2 },
          num_ack_pending: 1,
        })
        await js.answerSure(messages[2])
        expectMatch(await js.consumerInfo(t.id, 'C'), {
          ack_floor: { consumer_seq: 3, stream_seq: 3 },
          num_ack_pending: 0,
        })
      },
    },
    {
      name: 'purge and consumers: position, pending and floor',
      async run(t) {
        const js = await pullReady(t, ['1', '2', '3', '4', '5'])
        await js.pull(t.id, 'C', { batch: 2 }, 2)
        await js.ok(`STREAM.PURGE.${t.id}`)
        await js.consumerInfo(t.id, 'C')
        await js.publishOk(`${t.subject}.a`, '6')
        await js.pending(t.id, 'C', 1)
        await js.consumerInfo(t.id, 'C')
        await js.expectPull(t.id, 'C', { batch: 9, no_wait: true }, [`${t.subject}.a 6`, '404 No Messages'])
        await js.consumerInfo(t.id, 'C')
      },
    },
    {
      name: 'purge of a subject, and of a part, and consumers',
      async run(t) {
        const js = await t.js()
        await js.stream({ name: t.id, subjects: [`${t.subject}.>`] })
        for (let i = 0; i < 8; i++) await js.publishOk(`${t.subject}.${i % 2}`, String(i))
        await js.consumer(t.id, { durable_name: 'C', ack_policy: 'explicit' })
        await js.consumer(t.id, { durable_name: 'F', ack_policy: 'explicit', filter_subject: `${t.subject}.0` })
        await js.pull(t.id, 'C', { batch: 3 }, 3)
        await js.pull(t.id, 'F', { batch: 1 }, 1)
        const counts = async (name: string) => {
          const { num_ack_pending, num_pending, ack_floor } = await js.peek(`CONSUMER.INFO.${t.id}.${name}`)
          return [num_ack_pending, num_pending, ack_floor.consumer_seq]
        }
        await js.ok(`STREAM.PURGE.${t.id}`, { filter: `${t.subject}.0`, keep: 1 })
        // Message 2, the second delivery, waits for its ack: the floor is right below it.
        t.differs('purge-floor', await counts('C'), { headwater: [1, 4, 1], judge: [1, 4, 3] })
        expectEqual(await counts('F'), [0, 1, 1])
        await js.ok(`STREAM.PURGE.${t.id}`, { seq: 5 })
        expectEqual(await counts('C'), [0, 3, 3])
        expectEqual(await counts('F'), [0, 1, 1])
        const rest = await js.pull(t.id, 'C', { batch: 9, no_wait: true }, 4)
        t.observe('rest', rest.map(line).join())
      },
    },
    {
      name: 'deleted messages are skipped',
      async run(t) {
        const js = await pullReady(t, ['1', '2', '3', '4'])
        await js.ok(`STREAM.MSG.DELETE.${t.id}`, { seq: 2 })
        await js.consumerInfo(t.id, 'C')
        const messages = await js.expectPull(t.id, 'C', { batch: 9, no_wait: true }, [
          `${t.subject}.a 1`,
          `${t.subject}.a 3`,
          `${t.subject}.a 4`,
          '404 No Messages',
        ])
        expectEqual(
          messages.slice(0, 3).map((m: Message) => ackNumbers(m).consumer),
          [1, 2, 3],
        )
        for (const message of messages.slice(0, 3)) await js.answerSure(message)
        await js.consumerInfo(t.id, 'C')
      },
    },
  ],
}
