/** Pull: requests, what they bring, and how they end. */
import type { Group } from '../support/case.ts'
import { expectEqual, expectMatch, expectTrue } from '../support/expectations.ts'
import { ackNumbers, type JetStreamCaller, line } from '../support/jetstream-caller.ts'
import { describe, headerOf, type Message } from '../support/messages.ts'
import type { Trial } from '../support/trial.ts'

const second = 1_000_000_000
const ms = 1_000_000

/** A stream with these bodies on `<subject>.a`, and a pull consumer C. */
async function ready(
  t: Trial,
  bodies: readonly string[],
  consumer: Record<string, unknown> = {},
  stream: Record<string, unknown> = {},
) {
  const js = await t.js()
  await js.stream({ name: t.id, subjects: [`${t.subject}.>`], ...stream })
  await js.publishAll(`${t.subject}.a`, bodies)
  await js.consumer(t.id, { durable_name: 'C', ack_policy: 'explicit', ...consumer })
  return js
}

/** Sends a pull request and leaves it open. */
function open(js: JetStreamCaller, stream: string, body: unknown) {
  const inbox = js.caller.subscribe(js.caller.newInbox())
  js.caller.publish(`$JS.API.CONSUMER.MSG.NEXT.${stream}.C`, JSON.stringify(body), { reply: inbox.subject })
  return inbox
}

export const pull: Group = {
  name: 'jetstream/pull',
  cases: [
    {
      name: 'one message, with its subject, its ack subject and its headers',
      async run(t) {
        const js = await ready(t, ['one', 'two'])
        await js.publishOk(`${t.subject}.h`, 'three', ['A: 1', 'B: 2'])
        await js.pending(t.id, 'C', 3)
        const [message] = await js.expectPull(t.id, 'C', undefined, [`${t.subject}.a one`])
        expectMatch(message.reply, new RegExp(`^\\$JS\\.ACK\\.${t.id}\\.C\\.1\\.1\\.1\\.\\d{19}\\.2$`))
        await js.expectPull(t.id, 'C', undefined, [`${t.subject}.a two`])
        const [third] = await js.expectPull(t.id, 'C', undefined, [`${t.subject}.h three`])
        expectEqual(third.headers, [
          ['A', '1'],
          ['B', '2'],
        ])
        expectEqual(ackNumbers(third), { delivered: 1, stream: 3, consumer: 3, pending: 0 })
      },
    },
    {
      name: 'a number as body, and a batch',
      async run(t) {
        const js = await ready(t, ['1', '2', '3', '4', '5', '6', '7'])
        await js.expectPull(
          t.id,
          'C',
          '2',
          ['1', '2'].map((body) => `${t.subject}.a ${body}`),
        )
        await js.expectPull(
          t.id,
          'C',
          { batch: 3 },
          ['3', '4', '5'].map((body) => `${t.subject}.a ${body}`),
        )
        await js.expectPull(t.id, 'C', { batch: 0 }, [`${t.subject}.a 6`])
        await js.expectPull(t.id, 'C', { batch: -5 }, [`${t.subject}.a 7`])
      },
    },
    {
      name: 'no_wait on an empty stream',
      async run(t) {
        const js = await ready(t, [])
        const [status] = await js.expectPull(t.id, 'C', { batch: 1, no_wait: true }, ['404 No Messages'])
        expectEqual(status.headers, [])
      },
    },
    {
      name: 'no_wait brings what is there, then 404',
      async run(t) {
        const js = await ready(t, ['1', '2'])
        await js.expectPull(t.id, 'C', { batch: 5, no_wait: true }, [
          `${t.subject}.a 1`,
          `${t.subject}.a 2`,
          '404 No Messages',
        ])
      },
    },
    {
      name: 'no_wait with exactly as many as asked ends without a word',
      async run(t) {
        const js = await ready(t, ['1', '2'])
        await js.expectPull(t.id, 'C', { batch: 2, no_wait: true }, [`${t.subject}.a 1`, `${t.subject}.a 2`])
      },
    },
    {
      name: 'expires: what is there, then 408 with what is missing',
      async run(t) {
        const js = await ready(t, ['1'])
        await js.expectPull(t.id, 'C', { batch: 3, expires: 150 * ms }, [`${t.subject}.a 1`, '408 Request Timeout 2/0'])
      },
    },
    {
      name: 'expires with max_bytes: 408 tells the bytes too',
      async run(t) {
        const js = await ready(t, [])
        await js.expectPull(t.id, 'C', { batch: 3, expires: 100 * ms, max_bytes: 1000 }, ['408 Request Timeout 3/1000'])
      },
    },
    {
      name: 'a waiting request gets messages as they come',
      async run(t) {
        const js = await ready(t, [])
        const inbox = open(js, t.id, { batch: 2, expires: 5 * second })
        for (;;) if ((await js.peek(`CONSUMER.INFO.${t.id}.C`)).num_waiting === 1) break
        await js.publishOk(`${t.subject}.a`, '1')
        expectEqual(line(await inbox.next()), `${t.subject}.a 1`)
        await js.publishOk(`${t.subject}.a`, '2')
        expectEqual(line(await inbox.next()), `${t.subject}.a 2`)
        for (;;) if ((await js.peek(`CONSUMER.INFO.${t.id}.C`)).num_waiting === 0) break
      },
    },
    {
      name: 'no_wait with expires waits for the first message',
      async run(t) {
        const js = await ready(t, [])
        const inbox = open(js, t.id, { batch: 3, no_wait: true, expires: 5 * second })
        for (;;) if ((await js.peek(`CONSUMER.INFO.${t.id}.C`)).num_waiting === 1) break
        await js.publishOk(`${t.subject}.a`, '1')
        expectEqual((await inbox.take(2)).map(line), [`${t.subject}.a 1`, '404 No Messages'])
      },
    },
    {
      name: 'no_wait with expires and nothing: 408 at the end',
      async run(t) {
        const js = await ready(t, [])
        await js.expectPull(t.id, 'C', { batch: 3, no_wait: true, expires: 100 * ms }, ['408 Request Timeout 3/0'])
      },
    },
    {
      name: 'max_bytes ends before a message that would be over it',
      async run(t) {
        const js = await ready(t, ['x'.repeat(100), 'y'.repeat(100), 'z'.repeat(100)])
        const messages = await js.pull(t.id, 'C', { batch: 3, max_bytes: 400 }, 3)
        t.observe(
          'statuses',
          messages
            .map((message) => (message.status ? `${message.status} ${message.description}` : message.text[0]))
            .join(),
        )
      },
    },
    {
      name: 'max_bytes smaller than the first message',
      async run(t) {
        const js = await ready(t, ['x'.repeat(100)])
        await js.expectPull(t.id, 'C', { batch: 1, max_bytes: 50 }, ['409 Message Size Exceeds MaxBytes 1/50'])
      },
    },
    {
      name: 'max_bytes with all messages of the batch delivered',
      async run(t) {
        const js = await ready(t, ['1', '2', '3'])
        const messages = await js.pull(t.id, 'C', { batch: 2, max_bytes: 10_000 }, 3)
        expectEqual(
          messages.map((message) => (message.status ? `${message.status} ${message.description}` : message.text)),
          ['1', '2', '409 Batch Completed'],
        )
        expectEqual(headerOf(messages[2], 'Nats-Pending-Messages'), '0')
        expectTrue(Number(headerOf(messages[2], 'Nats-Pending-Bytes')) > 9000, 'bytes are left')
      },
    },
    {
      name: 'idle heartbeats of a waiting request',
      async run(t) {
        const js = await ready(t, ['1'])
        const inbox = open(js, t.id, { batch: 2, expires: 500 * ms, idle_heartbeat: 150 * ms })
        const messages = [await inbox.next()]
        while (messages.at(-1)?.status !== 408) messages.push(await inbox.next())
        const lines = messages.map(line)
        expectEqual([lines[0], lines.at(-1)], [`${t.subject}.a 1`, '408 Request Timeout 1/0'])
        expectTrue(
          lines.length >= 3 && lines.slice(1, -1).every((each) => each === '100 Idle Heartbeat'),
          `heartbeats between, got ${lines}`,
        )
        t.observe('heartbeat', describe(messages[1]).replace(/^\S+/, ''))
        expectEqual(
          [headerOf(messages[1], 'Nats-Last-Consumer'), headerOf(messages[1], 'Nats-Last-Stream')],
          ['1', '1'],
        )
      },
    },
    {
      name: 'a heartbeat of more than half of expires is refused',
      async run(t) {
        const js = await ready(t, ['1'])
        await js.expectPull(t.id, 'C', { batch: 1, expires: second, idle_heartbeat: 600 * ms }, [
          '400 Bad Request - heartbeat value too large',
        ])
        await js.expectPull(t.id, 'C', { batch: 1, idle_heartbeat: 600 * ms }, [
          '400 Bad Request - heartbeat value too large',
        ])
      },
    },
    {
      name: 'a body that is not JSON',
      async run(t) {
        const js = await ready(t, ['1', '2', '3', '4'])
        for (const body of ['garbage', '{"batch":', '{"batch":"two"}', '[]']) {
          const [status] = await js.pull(t.id, 'C', body, 1)
          expectMatch(`${status.status} ${status.description || status.text}`, /^(400 Bad Request|0 )/, body)
          t.observe(
            body,
            status.status
              ? `${status.status} ${status.description.slice(0, 11)}`
              : describe(status).replace(/^\S+ /, ''),
          )
        }
      },
    },
    {
      name: 'unknown fields of a request are ignored',
      async run(t) {
        const js = await ready(t, ['1'])
        await js.expectPull(t.id, 'C', { batch: 1, colour: 'blue' }, [`${t.subject}.a 1`])
      },
    },
    {
      name: 'a request to a consumer that is not there: nobody listens',
      async run(t) {
        const js = await ready(t, ['1'])
        expectEqual((await js.caller.request(`$JS.API.CONSUMER.MSG.NEXT.${t.id}.NONE`)).status, 503)
        expectEqual((await js.caller.request(`$JS.API.CONSUMER.MSG.NEXT.${t.id}none.C`)).status, 503)
      },
    },
    {
      name: 'a request to a push consumer',
      async run(t) {
        const js = await t.js()
        await js.stream({ name: t.id, subjects: [`${t.subject}.>`] })
        await js.consumer(t.id, { durable_name: 'C', ack_policy: 'explicit', deliver_subject: `d.${t.subject}` })
        const answer = await js.caller.request(`$JS.API.CONSUMER.MSG.NEXT.${t.id}.C`)
        t.observe('answer', describe(answer).replace(/^\S+ /, ''))
      },
    },
    {
      name: 'limits of the consumer on requests',
      async run(t) {
        const js = await ready(t, ['1'], { max_batch: 5, max_expires: second, max_bytes: 1000 })
        await js.expectPull(t.id, 'C', { batch: 6 }, ['409 Exceeded MaxRequestBatch of 5'])
        await js.expectPull(t.id, 'C', { batch: 1, expires: 2 * second }, ['409 Exceeded MaxRequestExpires of 1s'])
        await js.expectPull(t.id, 'C', { batch: 1, max_bytes: 2000 }, ['409 Exceeded MaxRequestMaxBytes of 1000'])
        await js.expectPull(t.id, 'C', { batch: 5, no_wait: true }, [`${t.subject}.a 1`, '404 No Messages'])
      },
    },
    {
      name: 'max_waiting: one request too many',
      async run(t) {
        const js = await ready(t, [], { max_waiting: 2 })
        open(js, t.id, { batch: 1, expires: 20 * second })
        open(js, t.id, { batch: 1, expires: 20 * second })
        for (;;) if ((await js.peek(`CONSUMER.INFO.${t.id}.C`)).num_waiting === 2) break
        await js.expectPull(t.id, 'C', { batch: 1, expires: 20 * second }, ['409 Exceeded MaxWaiting'])
        expectEqual((await js.consumerInfo(t.id, 'C')).num_waiting, 2)
      },
    },
    {
      name: 'a request whose inbox is gone makes room',
      async run(t) {
        const js = await ready(t, [], { max_waiting: 1 })
        const other = await t.js()
        open(other, t.id, { batch: 1, expires: 20 * second })
        for (;;) if ((await js.peek(`CONSUMER.INFO.${t.id}.C`)).num_waiting === 1) break
        other.caller.close()
        for (;;) {
          const inbox = open(js, t.id, { batch: 1, expires: 10 * second })
          await js.publishOk(`${t.subject}.a`, 'x')
          const first = await inbox.next()
          if (first.status === 0) break
          expectEqual(line(first), '409 Exceeded MaxWaiting')
          await js.ok(`STREAM.PURGE.${t.id}`)
        }
        t.observations.length = 0
      },
    },
    {
      name: 'several requests are served in turn',
      async run(t) {
        const js = await ready(t, [])
        const first = open(js, t.id, { batch: 2, expires: 10 * second })
        const second_ = open(js, t.id, { batch: 2, expires: 10 * second })
        for (;;) if ((await js.peek(`CONSUMER.INFO.${t.id}.C`)).num_waiting === 2) break
        await js.publishAll(`${t.subject}.a`, ['1', '2', '3', '4'])
        expectEqual(
          (await first.take(2)).map((m) => m.text),
          ['1', '3'],
        )
        expectEqual(
          (await second_.take(2)).map((m) => m.text),
          ['2', '4'],
        )
      },
    },
    {
      name: 'deleting the consumer ends waiting requests',
      async run(t) {
        const js = await ready(t, [])
        const inbox = open(js, t.id, { batch: 2, expires: 10 * second })
        for (;;) if ((await js.peek(`CONSUMER.INFO.${t.id}.C`)).num_waiting === 1) break
        await js.ok(`CONSUMER.DELETE.${t.id}.C`)
        const status = await inbox.next()
        expectEqual(`${status.status} ${status.description}`, '409 Consumer Deleted')
        t.observe('headers', status.headers)
      },
    },
    {
      name: 'deleting the stream ends waiting requests',
      async run(t) {
        const js = await ready(t, [])
        const inbox = open(js, t.id, { batch: 2, expires: 10 * second })
        for (;;) if ((await js.peek(`CONSUMER.INFO.${t.id}.C`)).num_waiting === 1) break
        await js.ok(`STREAM.DELETE.${t.id}`)
        const status = await inbox.next()
        expectEqual(`${status.status} ${status.description}`, '409 Consumer Deleted')
      },
    },
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
      name: 'deliver by_start_time',
      async run(t) {
        const js = await ready(t, ['1', '2', '3'])
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
        const js = await ready(t, ['1', '2', '3', '4'], { max_ack_pending: 2 })
        const inbox = open(js, t.id, { batch: 4, expires: 10 * second })
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
        const js = await ready(t, ['1', '2'], { max_ack_pending: 1 })
        const [first] = await js.pull(t.id, 'C', undefined, 1)
        const inbox = open(js, t.id, { batch: 1, no_wait: true })
        for (;;) if ((await js.peek(`CONSUMER.INFO.${t.id}.C`)).num_waiting === 1) break
        expectEqual(inbox.drain().length, 0, 'answers while nothing may be delivered')
        await js.answerSure(first)
        expectEqual((await inbox.next()).text, '2')
      },
    },
    {
      name: 'ack none: pulled messages are settled at once',
      async run(t) {
        const js = await ready(t, ['1', '2', '3'], { ack_policy: 'none' })
        const [one] = await js.expectPull(t.id, 'C', { batch: 2 }, [`${t.subject}.a 1`, `${t.subject}.a 2`])
        expectTrue(one.reply.startsWith('$JS.ACK.'), 'there is an ack subject all the same')
        await js.consumerInfo(t.id, 'C')
      },
    },
    {
      name: 'num_pending, delivered and ack floor in info',
      async run(t) {
        const js = await ready(t, ['1', '2', '3', '4', '5'])
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
        const js = await ready(t, ['1', '2', '3', '4', '5'])
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
        await js.ok(`STREAM.PURGE.${t.id}`, { filter: `${t.subject}.0`, keep: 1 })
        await js.consumerInfo(t.id, 'C')
        await js.consumerInfo(t.id, 'F')
        await js.ok(`STREAM.PURGE.${t.id}`, { seq: 5 })
        await js.consumerInfo(t.id, 'C')
        await js.consumerInfo(t.id, 'F')
        const rest = await js.pull(t.id, 'C', { batch: 9, no_wait: true }, 4)
        t.observe('rest', rest.map(line).join())
      },
    },
    {
      name: 'deleted messages are skipped',
      async run(t) {
        const js = await ready(t, ['1', '2', '3', '4'])
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
    {
      name: 'inactive_threshold: a consumer that nobody uses goes',
      async run(t) {
        const js = await ready(t, [], { inactive_threshold: 200 * ms })
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
        await js.consumer(t.id, { durable_name: 'C', ack_policy: 'explicit' })
        const messages = await js.pull(t.id, 'C', { batch: 300, expires: 10 * second }, 300)
        expectEqual(
          messages.map((m) => m.text),
          bodies,
        )
      },
    },
  ],
}
