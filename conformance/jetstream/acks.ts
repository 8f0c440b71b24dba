/** Acknowledging: every kind of answer, redelivery, backoff, max_deliver, and the advisories. */

import type { Inbox } from '../support/caller.ts'
import type { Group } from '../support/case.ts'
import { expectEqual, expectMatch, expectTrue } from '../support/expectations.ts'
import { ackNumbers, type JetStreamCaller, line } from '../support/jetstream-caller.ts'
import { describe } from '../support/messages.ts'
import type { Trial } from '../support/trial.ts'

const second = 1_000_000_000
const ms = 1_000_000

async function ready(t: Trial, bodies: readonly string[], consumer: Record<string, unknown> = {}) {
  const js = await t.js()
  await js.stream({ name: t.id, subjects: [t.subject] })
  await js.publishAll(t.subject, bodies)
  await js.consumer(t.id, { durable_name: 'C', ack_policy: 'explicit', ...consumer })
  return js
}

/** Pulls one message, waiting for it. */
async function one(js: JetStreamCaller, t: Trial) {
  const [message] = await js.pull(t.id, 'C', { batch: 1, expires: 5 * second }, 1)
  t.observe('pulled', describe(message).replace(/^_INBOX\S+/, ''))
  return message
}

/** The next advisory as JSON, checked against its schema and observed. */
async function advisory(t: Trial, inbox: Inbox): Promise<any> {
  const message = await inbox.next()
  const event = JSON.parse(message.text)
  t.checkSchema(event.type, event)
  t.observe(message.subject, event)
  return event
}

export const acks: Group = {
  name: 'jetstream/acks',
  cases: [
    ...(['', '+ACK', '+OK'] as const).map((text) => ({
      name: `${text === '' ? 'an empty answer' : text} acknowledges`,
      async run(t: Trial) {
        const js = await ready(t, ['1', '2'])
        await js.answerSure(await one(js, t), text)
        expectMatch(await js.consumerInfo(t.id, 'C'), {
          num_ack_pending: 0,
          ack_floor: { consumer_seq: 1, stream_seq: 1 },
        })
      },
    })),
    {
      name: 'an ack without a reply is taken too',
      async run(t) {
        const js = await ready(t, ['1'])
        js.answer(await one(js, t))
        for (;;) if ((await js.peek(`CONSUMER.INFO.${t.id}.C`)).num_ack_pending === 0) break
        await js.consumerInfo(t.id, 'C')
      },
    },
    {
      name: 'acking twice, and acking what was never delivered',
      async run(t) {
        const js = await ready(t, ['1', '2', '3'])
        const message = await one(js, t)
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
        const js = await ready(t, ['1'])
        const message = await one(js, t)
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
        const js = await ready(t, ['1', '2'])
        await js.answerSure(await one(js, t), '-NAK')
        const again = await one(js, t)
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
        const js = await ready(t, ['1'])
        const message = await one(js, t)
        const startedMs = performance.now()
        await js.answerSure(message, text)
        const again = await one(js, t)
        expectEqual(ackNumbers(again).delivered, 2)
        expectTrue(performance.now() - startedMs > 250, 'it came after the delay')
      },
    })),
    {
      name: '-NAK with a delay that is none',
      async run(t) {
        const js = await ready(t, ['1'])
        await js.answerSure(await one(js, t), '-NAK soon')
        expectEqual(ackNumbers(await one(js, t)).delivered, 2)
      },
    },
    {
      name: '-NAK of several keeps their order, before new messages',
      async run(t) {
        const js = await ready(t, ['1', '2', '3', '4'])
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
        const js = await ready(t, ['1'])
        const message = await one(js, t)
        await js.answerSure(message)
        js.answer(message, '-NAK')
        await js.caller.flush()
        await js.expectPull(t.id, 'C', { no_wait: true, batch: 1 }, ['404 No Messages'])
      },
    },
    {
      name: '+TERM ends it',
      async run(t) {
        const js = await ready(t, ['1', '2'], { ack_wait: 200 * ms })
        await js.answerSure(await one(js, t), '+TERM')
        expectMatch(await js.consumerInfo(t.id, 'C'), { num_ack_pending: 0, ack_floor: { stream_seq: 1 } })
        expectEqual((await one(js, t)).text, '2')
      },
    },
    {
      name: '+TERM: the advisory, with its reason',
      async run(t) {
        const js = await ready(t, ['1', '2'])
        const inbox = js.caller.subscribe(`$JS.EVENT.ADVISORY.CONSUMER.MSG_TERMINATED.${t.id}.C`)
        await js.answerSure(await one(js, t), '+TERM')
        expectMatch(await advisory(t, inbox), {
          type: 'io.nats.jetstream.advisory.v1.terminated',
          stream: t.id,
          consumer: 'C',
          stream_seq: 1,
          consumer_seq: 1,
          deliveries: 1,
          reason: undefined,
        })
        await js.answerSure(await one(js, t), '+TERM bad format')
        expectMatch(await advisory(t, inbox), { reason: 'bad format', stream_seq: 2 })
      },
    },
    {
      name: '-NAK: the advisory',
      async run(t) {
        const js = await ready(t, ['1'])
        const inbox = js.caller.subscribe(`$JS.EVENT.ADVISORY.CONSUMER.MSG_NAKED.${t.id}.C`)
        await js.answerSure(await one(js, t), '-NAK')
        expectMatch(await advisory(t, inbox), {
          type: 'io.nats.jetstream.advisory.v1.nak',
          stream: t.id,
          consumer: 'C',
          stream_seq: 1,
          consumer_seq: 1,
          deliveries: 1,
        })
      },
    },
    {
      name: '+WPI gives more time',
      async run(t) {
        const js = await ready(t, ['1'], { ack_wait: 400 * ms })
        const message = await one(js, t)
        const startedMs = performance.now()
        for (let i = 0; i < 3; i++) {
          await new Promise((resolve) => setTimeout(resolve, 200))
          await js.answerSure(message, '+WPI')
        }
        const again = await one(js, t)
        expectEqual(ackNumbers(again).delivered, 2)
        expectTrue(performance.now() - startedMs > 900, 'the timer began again with each +WPI')
      },
    },
    {
      name: '+NXT acknowledges and brings the next to the reply',
      async run(t) {
        const js = await ready(t, ['1', '2', '3', '4'])
        const message = await one(js, t)
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
        const js = await ready(t, ['1'])
        const message = await one(js, t)
        const answer = await js.caller.request(message.reply, '+NXT {"batch": 1, "no_wait": true}')
        expectEqual(line(answer), '404 No Messages')
      },
    },
    {
      name: 'ack all acknowledges everything before it',
      async run(t) {
        const js = await ready(t, ['1', '2', '3', '4'], { ack_policy: 'all' })
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
    {
      name: 'ack_wait: the message comes again',
      async run(t) {
        const js = await ready(t, ['1', '2'], { ack_wait: 250 * ms })
        const first = await one(js, t)
        const startedMs = performance.now()
        expectEqual((await one(js, t)).text, '2')
        const again = await one(js, t)
        expectEqual([again.text, ackNumbers(again).delivered], [first.text, 2])
        expectTrue(performance.now() - startedMs > 200, 'it came after ack_wait')
      },
    },
    {
      name: 'an ack by the first ack subject settles a redelivered message',
      async run(t) {
        const js = await ready(t, ['1'])
        const first = await one(js, t)
        await js.answerSure(first, '-NAK')
        await one(js, t)
        await js.answerSure(first)
        expectMatch(await js.consumerInfo(t.id, 'C'), { num_ack_pending: 0 })
      },
    },
    {
      name: 'backoff: each redelivery waits its own time, the last one repeats',
      async run(t) {
        const js = await ready(t, ['1'], { max_deliver: 5, backoff: [100 * ms, 1000 * ms] })
        const times: number[] = []
        for (let i = 1; i <= 4; i++) {
          expectEqual(ackNumbers(await one(js, t)).delivered, i)
          times.push(performance.now())
        }
        const gaps = times.slice(1).map((time, i) => time - times[i])
        expectTrue(gaps[0] > 80 && gaps[0] < 900, `about 100 ms, got ${gaps[0]}`)
        expectTrue(gaps[1] > 800 && gaps[2] > 800, `about a second, got ${gaps[1]} and ${gaps[2]}`)
      },
    },
    {
      name: 'max_deliver by -NAK: an advisory, no more deliveries',
      async run(t) {
        const js = await ready(t, ['1', '2'], { max_deliver: 2 })
        const inbox = js.caller.subscribe(`$JS.EVENT.ADVISORY.CONSUMER.MAX_DELIVERIES.${t.id}.C`)
        await js.answerSure(await one(js, t), '-NAK')
        await js.answerSure(await one(js, t), '-NAK')
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
        const js = await ready(t, ['1'], { max_deliver: 2, ack_wait: 150 * ms })
        const inbox = js.caller.subscribe(`$JS.EVENT.ADVISORY.CONSUMER.MAX_DELIVERIES.${t.id}.C`)
        await one(js, t)
        await one(js, t)
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
        const js = await ready(t, ['1', '2'], { max_deliver: 1, ack_wait: 150 * ms })
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
        const js = await ready(t, ['1', '2'])
        const inbox = js.caller.subscribe(`$JS.EVENT.ADVISORY.CONSUMER.MSG_TERMINATED.${t.id}.C`)
        const message = await one(js, t)
        await js.ok(`STREAM.MSG.DELETE.${t.id}`, { seq: 1 })
        expectMatch(await advisory(t, inbox), { stream_seq: 1, reason: 'Unacknowledged message was deleted' })
        for (;;) if ((await js.peek(`CONSUMER.INFO.${t.id}.C`)).num_ack_pending === 0) break
        await js.consumerInfo(t.id, 'C')
        js.answer(message)
        await js.caller.flush()
        expectEqual((await one(js, t)).text, '2')
      },
    },
    {
      name: 'a raised max_deliver takes effect on what waits',
      async run(t) {
        const js = await ready(t, ['1'], { max_deliver: 1 })
        const message = await one(js, t)
        await js.consumer(t.id, { durable_name: 'C', ack_policy: 'explicit', max_deliver: 3 })
        await js.answerSure(message, '-NAK')
        expectEqual(ackNumbers(await one(js, t)).delivered, 2)
      },
    },
    {
      name: 'advisories of streams and consumers that come and go',
      async run(t) {
        const js = await t.js()
        const streams = js.caller.subscribe(`$JS.EVENT.ADVISORY.STREAM.*.${t.id}`)
        const consumers = js.caller.subscribe(`$JS.EVENT.ADVISORY.CONSUMER.*.${t.id}.>`)
        const config = { name: t.id, subjects: [t.subject] }
        await js.stream(config)
        expectMatch(await advisory(t, streams), {
          type: 'io.nats.jetstream.advisory.v1.stream_action',
          stream: t.id,
          action: 'create',
        })
        await js.ok(`STREAM.UPDATE.${t.id}`, { ...config, description: 'x' })
        expectMatch(await advisory(t, streams), { action: 'modify' })
        await js.consumer(t.id, { durable_name: 'C', ack_policy: 'explicit' })
        expectMatch(await advisory(t, consumers), {
          type: 'io.nats.jetstream.advisory.v1.consumer_action',
          stream: t.id,
          consumer: 'C',
          action: 'create',
        })
        await js.ok(`CONSUMER.DELETE.${t.id}.C`)
        expectMatch(await advisory(t, consumers), { action: 'delete' })
        await js.ok(`STREAM.DELETE.${t.id}`)
        expectMatch(await advisory(t, streams), { action: 'delete' })
      },
    },
    {
      name: 'sampling: a metric for acks',
      async run(t) {
        const js = await ready(t, ['1'], { sample_freq: '100' })
        const inbox = js.caller.subscribe(`$JS.EVENT.METRIC.CONSUMER.ACK.${t.id}.C`)
        await js.answerSure(await one(js, t))
        const message = await inbox.next()
        const event = JSON.parse(message.text)
        t.checkSchema(event.type, event)
        expectMatch(event, {
          type: 'io.nats.jetstream.metric.v1.consumer_ack',
          stream: t.id,
          consumer: 'C',
          consumer_seq: 1,
          stream_seq: 1,
          deliveries: 1,
        })
        expectTrue(event.ack_time > 0, 'ack_time')
      },
    },
    {
      name: 'every API request is told to who audits',
      server: { fresh: true },
      async run(t) {
        const js = await t.js()
        const inbox = js.caller.subscribe('$JS.EVENT.ADVISORY.API')
        await js.stream({ name: t.id, subjects: [t.subject] })
        const event = JSON.parse((await inbox.next()).text)
        expectMatch(event, {
          type: 'io.nats.jetstream.advisory.v1.api_audit',
          subject: `$JS.API.STREAM.CREATE.${t.id}`,
        })
        expectEqual(JSON.parse(event.request).name, t.id)
        expectEqual(JSON.parse(event.response).config.name, t.id)
        t.observe('fields', Object.keys(event).sort().join())
      },
    },
  ],
}
