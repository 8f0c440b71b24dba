/** Pull: requests, what they bring, and how they end. */

import type { Group } from '../support/case.ts'
import { expectEqual, expectMatch, expectTrue } from '../support/expectations.ts'
import { ackNumbers, line } from '../support/jetstream-caller.ts'
import { describe, headerOf } from '../support/messages.ts'
import { openPull, pullReady } from './pull-setup.ts'

const second = 1_000_000_000
const ms = 1_000_000

export const pull: Group = {
  name: 'jetstream/pull',
  cases: [
    {
      name: 'one message, with its subject, its ack subject and its headers',
      async run(t) {
        const js = await pullReady(t, ['one', 'two'])
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
        const js = await pullReady(t, ['1', '2', '3', '4', '5', '6', '7'])
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
        const js = await pullReady(t, [])
        const [status] = await js.expectPull(t.id, 'C', { batch: 1, no_wait: true }, ['404 No Messages'])
        expectEqual(status.headers, [])
      },
    },
    {
      name: 'no_wait brings what is there, then 404',
      async run(t) {
        const js = await pullReady(t, ['1', '2'])
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
        const js = await pullReady(t, ['1', '2'])
        await js.expectPull(t.id, 'C', { batch: 2, no_wait: true }, [`${t.subject}.a 1`, `${t.subject}.a 2`])
      },
    },
    {
      name: 'expires: what is there, then 408 with what is missing',
      async run(t) {
        const js = await pullReady(t, ['1'])
        await js.expectPull(t.id, 'C', { batch: 3, expires: 150 * ms }, [`${t.subject}.a 1`, '408 Request Timeout 2/0'])
      },
    },
    {
      name: 'expires with max_bytes: 408 tells the bytes too',
      async run(t) {
        const js = await pullReady(t, [])
        await js.expectPull(t.id, 'C', { batch: 3, expires: 100 * ms, max_bytes: 1000 }, ['408 Request Timeout 3/1000'])
      },
    },
    {
      name: 'a waiting request gets messages as they come',
      async run(t) {
        const js = await pullReady(t, [])
        const inbox = openPull(js, t.id, { batch: 2, expires: 5 * second })
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
        const js = await pullReady(t, [])
        const inbox = openPull(js, t.id, { batch: 3, no_wait: true, expires: 5 * second })
        for (;;) if ((await js.peek(`CONSUMER.INFO.${t.id}.C`)).num_waiting === 1) break
        await js.publishOk(`${t.subject}.a`, '1')
        expectEqual((await inbox.take(2)).map(line), [`${t.subject}.a 1`, '404 No Messages'])
      },
    },
    {
      name: 'no_wait with expires and nothing: 408 at the end',
      async run(t) {
        const js = await pullReady(t, [])
        await js.expectPull(t.id, 'C', { batch: 3, no_wait: true, expires: 100 * ms }, ['408 Request Timeout 3/0'])
      },
    },
    {
      name: 'max_bytes ends before a message that would be over it',
      async run(t) {
        const js = await pullReady(t, ['x'.repeat(100), 'y'.repeat(100), 'z'.repeat(100)])
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
        const js = await pullReady(t, ['x'.repeat(100)])
        await js.expectPull(t.id, 'C', { batch: 1, max_bytes: 50 }, ['409 Message Size Exceeds MaxBytes 1/50'])
      },
    },
    {
      name: 'max_bytes with all messages of the batch delivered',
      async run(t) {
        const js = await pullReady(t, ['1', '2', '3'])
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
        const js = await pullReady(t, ['1'])
        const inbox = openPull(js, t.id, { batch: 2, expires: 500 * ms, idle_heartbeat: 150 * ms })
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
        const js = await pullReady(t, ['1'])
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
        const js = await pullReady(t, ['1', '2', '3', '4'])
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
        const js = await pullReady(t, ['1'])
        await js.expectPull(t.id, 'C', { batch: 1, colour: 'blue' }, [`${t.subject}.a 1`])
      },
    },
    {
      name: 'a request to a consumer that is not there: nobody listens',
      async run(t) {
        const js = await pullReady(t, ['1'])
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
        const js = await pullReady(t, ['1'], { max_batch: 5, max_expires: second, max_bytes: 1000 })
        await js.expectPull(t.id, 'C', { batch: 6 }, ['409 Exceeded MaxRequestBatch of 5'])
        await js.expectPull(t.id, 'C', { batch: 1, expires: 2 * second }, ['409 Exceeded MaxRequestExpires of 1s'])
        await js.expectPull(t.id, 'C', { batch: 1, max_bytes: 2000 }, ['409 Exceeded MaxRequestMaxBytes of 1000'])
        await js.expectPull(t.id, 'C', { batch: 5, no_wait: true }, [`${t.subject}.a 1`, '404 No Messages'])
      },
    },
    {
      name: 'max_waiting: one request too many',
      async run(t) {
        const js = await pullReady(t, [], { max_waiting: 2 })
        openPull(js, t.id, { batch: 1, expires: 20 * second })
        openPull(js, t.id, { batch: 1, expires: 20 * second })
        for (;;) if ((await js.peek(`CONSUMER.INFO.${t.id}.C`)).num_waiting === 2) break
        await js.expectPull(t.id, 'C', { batch: 1, expires: 20 * second }, ['409 Exceeded MaxWaiting'])
        expectEqual((await js.consumerInfo(t.id, 'C')).num_waiting, 2)
      },
    },
    {
      name: 'a request whose inbox is gone makes room',
      async run(t) {
        const js = await pullReady(t, [], { max_waiting: 1 })
        const other = await t.js()
        openPull(other, t.id, { batch: 1, expires: 20 * second })
        for (;;) if ((await js.peek(`CONSUMER.INFO.${t.id}.C`)).num_waiting === 1) break
        other.caller.close()
        for (;;) {
          const inbox = openPull(js, t.id, { batch: 1, expires: 10 * second })
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
        const js = await pullReady(t, [])
        const first = openPull(js, t.id, { batch: 2, expires: 10 * second })
        const second_ = openPull(js, t.id, { batch: 2, expires: 10 * second })
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
        const js = await pullReady(t, [])
        const inbox = openPull(js, t.id, { batch: 2, expires: 10 * second })
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
        const js = await pullReady(t, [])
        const inbox = openPull(js, t.id, { batch: 2, expires: 10 * second })
        for (;;) if ((await js.peek(`CONSUMER.INFO.${t.id}.C`)).num_waiting === 1) break
        await js.ok(`STREAM.DELETE.${t.id}`)
        const status = await inbox.next()
        expectEqual(`${status.status} ${status.description}`, '409 Consumer Deleted')
      },
    },
    {
      name: 'a negative expires, and one that is a text',
      async run(t) {
        const js = await pullReady(t, ['1', '2'])
        for (const body of [
          { batch: 1, expires: -1 },
          { batch: 1, expires: '1s' },
        ]) {
          const [answer] = await js.pull(t.id, 'C', body, 1)
          t.observe(
            JSON.stringify(body),
            answer.status
              ? `${answer.status} ${answer.description.slice(0, 11)}`
              : describe(answer).replace(/^\S+ /, ''),
          )
        }
      },
    },
    {
      name: 'a request without a reply subject',
      async run(t) {
        const js = await pullReady(t, ['1'])
        js.caller.publish(`$JS.API.CONSUMER.MSG.NEXT.${t.id}.C`, '')
        await js.caller.flush()
        await js.okPeek('INFO')
        await js.expectPull(t.id, 'C', undefined, [`${t.subject}.a 1`])
        await js.consumerInfo(t.id, 'C')
      },
    },
    {
      name: 'a request whose reply nobody hears takes nothing',
      async run(t) {
        const js = await pullReady(t, ['1'])
        js.caller.publish(`$JS.API.CONSUMER.MSG.NEXT.${t.id}.C`, JSON.stringify({ batch: 1, expires: second }), {
          reply: `_INBOX.${t.subject}.nobody`,
        })
        await js.caller.flush()
        await js.okPeek('INFO')
        const [message] = await js.pull(t.id, 'C', { batch: 1, expires: 5 * second }, 1)
        expectEqual([message.text, Number(message.reply.split('.')[4])], ['1', 1])
      },
    },
    {
      name: 'a request through a queue subscription as inbox',
      async run(t) {
        const js = await pullReady(t, ['1'])
        const inbox = js.caller.subscribe(`_INBOX.${t.subject}.q`, 'workers')
        js.caller.publish(`$JS.API.CONSUMER.MSG.NEXT.${t.id}.C`, '', { reply: inbox.subject })
        expectEqual((await inbox.next()).text, '1')
      },
    },
  ],
}
