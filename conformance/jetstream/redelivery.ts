/** Redelivery: by time, by backoff, and its end. */

import type { Group } from '../support/case.ts'
import { expectEqual, expectMatch, expectTrue } from '../support/expectations.ts'
import { ackNumbers } from '../support/jetstream-caller.ts'
import { ackReady, advisory, pullOne } from './ack-setup.ts'

const second = 1_000_000_000
const ms = 1_000_000

export const redelivery: Group = {
  name: 'jetstream/redelivery',
  cases: [
    {
      name: 'ack_wait: the message comes again',
      async run(t) {
        const js = await ackReady(t, ['1', '2'], { ack_wait: 250 * ms })
        const first = await pullOne(js, t)
        const startedMs = performance.now()
        expectEqual((await pullOne(js, t)).text, '2')
        const again = await pullOne(js, t)
        expectEqual([again.text, ackNumbers(again).delivered], [first.text, 2])
        expectTrue(performance.now() - startedMs > 200, 'it came after ack_wait')
      },
    },
    {
      name: 'an ack by the first ack subject settles a redelivered message',
      async run(t) {
        const js = await ackReady(t, ['1'])
        const first = await pullOne(js, t)
        await js.answerSure(first, '-NAK')
        await pullOne(js, t)
        await js.answerSure(first)
        expectMatch(await js.consumerInfo(t.id, 'C'), { num_ack_pending: 0 })
      },
    },
    {
      name: 'backoff: each redelivery waits its own time, the last one repeats',
      async run(t) {
        const js = await ackReady(t, ['1'], { max_deliver: 5, backoff: [100 * ms, 1000 * ms] })
        const times: number[] = []
        for (let i = 1; i <= 4; i++) {
          expectEqual(ackNumbers(await pullOne(js, t)).delivered, i)
          times.push(performance.now())
        }
        const gaps = times.slice(1).map((time, i) => time - times[i])
        expectTrue(gaps[0] > 40 && gaps[0] < 900, `about 100 ms, got ${gaps[0]}`)
        expectTrue(gaps[1] > 500 && gaps[2] > 500, `about a second, got ${gaps[1]} and ${gaps[2]}`)
      },
    },
    {
      name: 'max_deliver by -NAK: an advisory, no more deliveries',
      async run(t) {
        const js = await ackReady(t, ['1', '2'], { max_deliver: 2 })
        const inbox = js.caller.subscribe(`$JS.EVENT.ADVISORY.CONSUMER.MAX_DELIVERIES.${t.id}.C`)
        await js.answerSure(await pullOne(js, t), '-NAK')
        await js.answerSure(await pullOne(js, t), '-NAK')
        await js.expectPull(t.id, 'C', { batch: 5, no_wait: true }, [`${t.subject} 2`, '404 No Messages'])
        expectMatch(await advisory(t, inbox), {
          type: 'io.nats.jetstream.advisory.v1.max_deliver',
          stream: t.id,
          consumer: 'C',
          stream_seq: 1,
          deliveries: 2,
        })
        await js.consumerInfo(t.id, 'C')
      },
    },
    {
      name: 'max_deliver by time: an advisory once',
      async run(t) {
        const js = await ackReady(t, ['1'], { max_deliver: 2, ack_wait: 150 * ms })
        const inbox = js.caller.subscribe(`$JS.EVENT.ADVISORY.CONSUMER.MAX_DELIVERIES.${t.id}.C`)
        await pullOne(js, t)
        await pullOne(js, t)
        js.caller.publish(`$JS.API.CONSUMER.MSG.NEXT.${t.id}.C`, JSON.stringify({ batch: 1, expires: 3 * second }), {
          reply: js.caller.subscribe(js.caller.newInbox()).subject,
        })
        expectMatch(await advisory(t, inbox), { stream_seq: 1, deliveries: 2 })
        await new Promise((resolve) => setTimeout(resolve, 300))
        await js.caller.flush()
        expectEqual(inbox.drain().length, 0)
        const { num_ack_pending, ack_floor, num_redelivered } = await js.peek(`CONSUMER.INFO.${t.id}.C`)
        t.observe('after', [num_ack_pending, ack_floor.stream_seq, ack_floor.consumer_seq, num_redelivered])
      },
    },
    {
      name: 'max_deliver of one: delivered once',
      async run(t) {
        const js = await ackReady(t, ['1', '2'], { max_deliver: 1, ack_wait: 150 * ms })
        const inbox = js.caller.subscribe(`$JS.EVENT.ADVISORY.CONSUMER.MAX_DELIVERIES.${t.id}.C`)
        await js.pull(t.id, 'C', { batch: 2 }, 2)
        js.caller.publish(`$JS.API.CONSUMER.MSG.NEXT.${t.id}.C`, JSON.stringify({ batch: 1, expires: 3 * second }), {
          reply: js.caller.subscribe(js.caller.newInbox()).subject,
        })
        // In any order: nats-server goes through what is pending in no order.
        const events = (await inbox.take(2)).map((message) => JSON.parse(message.text))
        const told = events.map((event) => [event.stream_seq, event.deliveries]).sort(([a], [b]) => a - b)
        expectEqual(told, [
          [1, 1],
          [2, 1],
        ])
      },
    },
    {
      name: 'a message deleted while it waits for its ack',
      async run(t) {
        const js = await ackReady(t, ['1', '2'])
        const inbox = js.caller.subscribe(`$JS.EVENT.ADVISORY.CONSUMER.MSG_TERMINATED.${t.id}.C`)
        const message = await pullOne(js, t)
        await js.ok(`STREAM.MSG.DELETE.${t.id}`, { seq: 1 })
        expectMatch(await advisory(t, inbox), { stream_seq: 1, reason: 'Unacknowledged message was deleted' })
        for (;;) if ((await js.peek(`CONSUMER.INFO.${t.id}.C`)).num_ack_pending === 0) break
        await js.consumerInfo(t.id, 'C')
        js.answer(message)
        await js.caller.flush()
        expectEqual((await pullOne(js, t)).text, '2')
      },
    },
    {
      name: 'a raised max_deliver takes effect on what waits',
      async run(t) {
        const js = await ackReady(t, ['1'], { max_deliver: 1 })
        const message = await pullOne(js, t)
        await js.consumer(t.id, { durable_name: 'C', ack_policy: 'explicit', max_deliver: 3 })
        await js.answerSure(message, '-NAK')
        expectEqual(ackNumbers(await pullOne(js, t)).delivered, 2)
      },
    },
  ],
}
