/** Acknowledging: every kind of answer, and what it changes. */

import type { Group } from '../support/case.ts'
import { expectEqual, expectMatch, expectTrue } from '../support/expectations.ts'
import { ackNumbers, line } from '../support/jetstream-caller.ts'
import type { Trial } from '../support/trial.ts'
import { ackReady, pullOne } from './ack-setup.ts'

const ms = 1_000_000

export const acks: Group = {
  name: 'jetstream/acks',
  cases: [
    ...(['', '+ACK', '+OK'] as const).map((text) => ({
      name: `${text === '' ? 'an empty answer' : text} acknowledges`,
      async run(t: Trial) {
        const js = await ackReady(t, ['1', '2'])
        await js.answerSure(await pullOne(js, t), text)
        expectMatch(await js.consumerInfo(t.id, 'C'), {
          num_ack_pending: 0,
          ack_floor: { consumer_seq: 1, stream_seq: 1 },
        })
      },
    })),
    {
      name: 'an ack without a reply is taken too',
      async run(t) {
        const js = await ackReady(t, ['1'])
        js.answer(await pullOne(js, t))
        for (;;) if ((await js.peek(`CONSUMER.INFO.${t.id}.C`)).num_ack_pending === 0) break
        await js.consumerInfo(t.id, 'C')
      },
    },
    {
      name: 'acking twice, and acking what was never delivered',
      async run(t) {
        const js = await ackReady(t, ['1', '2', '3'])
        const message = await pullOne(js, t)
        await js.answerSure(message)
        await js.answerSure(message)
        js.caller.publish(`$JS.ACK.${t.id}.C.1.3.3.${Date.now()}000000.0`, '+ACK')
        js.caller.publish(`$JS.ACK.${t.id}.C.1.99.99.${Date.now()}000000.0`, '+ACK')
        js.caller.publish(`$JS.ACK.${t.id}.NONE.1.1.1.${Date.now()}000000.0`, '+ACK')
        js.caller.publish(`$JS.ACK.${t.id}.C.1.1`, '+ACK')
        js.caller.publish(`$JS.ACK.${t.id}.C.x.y.z.w.v`, '+ACK')
        await js.caller.flush()
        await js.consumerInfo(t.id, 'C')
      },
    },
    {
      name: 'an unknown answer',
      async run(t) {
        const js = await ackReady(t, ['1'])
        const message = await pullOne(js, t)
        js.answer(message, 'WHAT')
        js.answer(message, '+ack')
        await js.caller.flush()
        await js.okPeek('INFO')
        await js.consumerInfo(t.id, 'C')
      },
    },
    {
      name: '-NAK brings the message again at once, counted',
      async run(t) {
        const js = await ackReady(t, ['1', '2'])
        await js.answerSure(await pullOne(js, t), '-NAK')
        const again = await pullOne(js, t)
        expectEqual(
          [again.text, ackNumbers(again).delivered, ackNumbers(again).consumer, ackNumbers(again).stream],
          ['1', 2, 2, 1],
        )
        expectMatch(await js.consumerInfo(t.id, 'C'), {
          num_redelivered: 1,
          num_ack_pending: 1,
          delivered: { consumer_seq: 2, stream_seq: 1 },
        })
        await js.answerSure(again)
        await js.consumerInfo(t.id, 'C')
      },
    },
    ...(['-NAK {"delay": 300000000}', '-NAK 300ms'] as const).map((text) => ({
      name: `${text} waits before it comes again`,
      async run(t: Trial) {
        const js = await ackReady(t, ['1'])
        const message = await pullOne(js, t)
        const startedMs = performance.now()
        await js.answerSure(message, text)
        const again = await pullOne(js, t)
        expectEqual(ackNumbers(again).delivered, 2)
        expectTrue(performance.now() - startedMs > 250, 'it came after the delay')
      },
    })),
    {
      name: '-NAK with a delay that is none',
      async run(t) {
        const js = await ackReady(t, ['1'])
        await js.answerSure(await pullOne(js, t), '-NAK soon')
        expectEqual(ackNumbers(await pullOne(js, t)).delivered, 2)
      },
    },
    {
      name: '-NAK of several keeps their order, before new messages',
      async run(t) {
        const js = await ackReady(t, ['1', '2', '3', '4'])
        const messages = await js.pull(t.id, 'C', { batch: 3 }, 3)
        for (const message of messages) await js.answerSure(message, '-NAK')
        await js.expectPull(t.id, 'C', { batch: 4 }, [
          `${t.subject} 1`,
          `${t.subject} 2`,
          `${t.subject} 3`,
          `${t.subject} 4`,
        ])
      },
    },
    {
      name: '-NAK after the ack changes nothing',
      async run(t) {
        const js = await ackReady(t, ['1'])
        const message = await pullOne(js, t)
        await js.answerSure(message)
        js.answer(message, '-NAK')
        await js.caller.flush()
        await js.expectPull(t.id, 'C', { no_wait: true, batch: 1 }, ['404 No Messages'])
      },
    },
    {
      name: '+TERM ends it',
      async run(t) {
        const js = await ackReady(t, ['1', '2'], { ack_wait: 200 * ms })
        await js.answerSure(await pullOne(js, t), '+TERM')
        expectMatch(await js.consumerInfo(t.id, 'C'), { num_ack_pending: 0, ack_floor: { stream_seq: 1 } })
        expectEqual((await pullOne(js, t)).text, '2')
      },
    },
    {
      name: '+WPI gives more time',
      async run(t) {
        const js = await ackReady(t, ['1'], { ack_wait: 400 * ms })
        const message = await pullOne(js, t)
        const startedMs = performance.now()
        for (let i = 0; i < 3; i++) {
          await new Promise((resolve) => setTimeout(resolve, 200))
          await js.answerSure(message, '+WPI')
        }
        const again = await pullOne(js, t)
        expectEqual(ackNumbers(again).delivered, 2)
        expectTrue(performance.now() - startedMs > 900, 'the timer began again with each +WPI')
      },
    },
    {
      name: '+NXT acknowledges and brings the next to the reply',
      async run(t) {
        const js = await ackReady(t, ['1', '2', '3', '4'])
        const message = await pullOne(js, t)
        const next = await js.caller.request(message.reply, '+NXT')
        expectEqual([next.text, ackNumbers(next).stream], ['2', 2])
        expectMatch(await js.consumerInfo(t.id, 'C'), { ack_floor: { stream_seq: 1 }, num_ack_pending: 1 })
        const inbox = js.caller.subscribe(js.caller.newInbox())
        js.caller.publish(next.reply, '+NXT {"batch": 2}', { reply: inbox.subject })
        expectEqual(
          (await inbox.take(2)).map((m) => m.text),
          ['3', '4'],
        )
        await js.consumerInfo(t.id, 'C')
      },
    },
    {
      name: '+NXT with no_wait and nothing left',
      async run(t) {
        const js = await ackReady(t, ['1'])
        const message = await pullOne(js, t)
        const answer = await js.caller.request(message.reply, '+NXT {"batch": 1, "no_wait": true}')
        expectEqual(line(answer), '404 No Messages')
      },
    },
    {
      name: 'ack all acknowledges everything before it',
      async run(t) {
        const js = await ackReady(t, ['1', '2', '3', '4'], { ack_policy: 'all' })
        const messages = await js.pull(t.id, 'C', { batch: 4 }, 4)
        await js.answerSure(messages[2])
        expectMatch(await js.consumerInfo(t.id, 'C'), {
          ack_floor: { consumer_seq: 3, stream_seq: 3 },
          num_ack_pending: 1,
        })
        await js.answerSure(messages[0])
        await js.consumerInfo(t.id, 'C')
      },
    },
  ],
}
