/** Push: delivery to a subject, groups, heartbeats, flow control, rate limits. */
import type { Group } from '../support/case.ts'
import { expectEqual, expectMatch, expectTrue } from '../support/expectations.ts'
import { ackNumbers, line } from '../support/jetstream-caller.ts'
import { describe, headerOf } from '../support/messages.ts'
import type { Trial } from '../support/trial.ts'

const second = 1_000_000_000
const ms = 1_000_000

async function withStream(t: Trial, bodies: readonly string[]) {
  const js = await t.js()
  await js.stream({ name: t.id, subjects: [t.subject] })
  await js.publishAll(t.subject, bodies)
  return js
}

function config(t: Trial, more: Record<string, unknown> = {}): Record<string, unknown> {
  return { durable_name: 'C', ack_policy: 'explicit', deliver_subject: `d.${t.subject}`, ...more }
}

export const push: Group = {
  name: 'jetstream/push',
  cases: [
    {
      name: 'messages come to the deliver subject, as they were published',
      async run(t) {
        const js = await withStream(t, ['1', '2'])
        const inbox = js.caller.subscribe(`d.${t.subject}`)
        await js.consumer(t.id, config(t))
        const [first, next] = await inbox.take(2)
        t.observe('first', describe(first))
        expectEqual([first.subject, first.text, next.text], [t.subject, '1', '2'])
        expectEqual(ackNumbers(next), { delivered: 1, stream: 2, consumer: 2, pending: 0 })
        await js.publishOk(t.subject, '3', ['A: 1'])
        t.observe('third', describe(await inbox.next()))
      },
    },
    {
      name: 'nothing is delivered until someone listens',
      async run(t) {
        const js = await withStream(t, ['1', '2'])
        await js.consumer(t.id, config(t))
        expectMatch(await js.consumerInfo(t.id, 'C'), { delivered: { consumer_seq: 0 }, num_pending: 2 })
        const inbox = js.caller.subscribe(`d.${t.subject}`)
        expectEqual(
          (await inbox.take(2)).map((m) => m.text),
          ['1', '2'],
        )
      },
    },
    {
      name: 'delivery stops when the listener goes, and goes on with the next',
      async run(t) {
        const js = await withStream(t, ['1'])
        const inbox = js.caller.subscribe(`d.${t.subject}`)
        await js.consumer(t.id, config(t))
        await js.answerSure(await inbox.next())
        js.caller.unsubscribe(inbox)
        await js.caller.flush()
        for (;;) if (!(await js.peek(`CONSUMER.INFO.${t.id}.C`)).push_bound) break
        await js.publishOk(t.subject, '2')
        await js.pending(t.id, 'C', 1)
        expectMatch(await js.consumerInfo(t.id, 'C'), { delivered: { consumer_seq: 1 }, num_pending: 1 })
        const again = js.caller.subscribe(`d.${t.subject}`)
        expectEqual((await again.next()).text, '2')
      },
    },
    {
      name: 'deliver group: members share',
      async run(t) {
        const js = await withStream(t, [])
        const members = [js.caller.subscribe(`d.${t.subject}`, 'g'), js.caller.subscribe(`d.${t.subject}`, 'g')]
        await js.consumer(t.id, config(t, { deliver_group: 'g' }))
        for (let i = 0; i < 60; i++) js.caller.publish(t.subject, String(i))
        await js.caller.flush()
        for (;;) if ((await js.peek(`CONSUMER.INFO.${t.id}.C`)).delivered.consumer_seq === 60) break
        await js.caller.flush()
        const counts = members.map((member) => member.drain().length)
        expectEqual(counts[0] + counts[1], 60)
        expectTrue(
          counts.every((count) => count > 5),
          `each member gets its share, got ${counts}`,
        )
      },
    },
    {
      name: 'deliver group: a listener without the group does not count',
      async run(t) {
        const js = await withStream(t, ['1'])
        const plain = js.caller.subscribe(`d.${t.subject}`)
        await js.consumer(t.id, config(t, { deliver_group: 'g' }))
        await js.caller.flush()
        expectMatch(await js.consumerInfo(t.id, 'C'), { delivered: { consumer_seq: 0 } })
        const member = js.caller.subscribe(`d.${t.subject}`, 'g')
        expectEqual((await member.next()).text, '1')
        t.observe('the plain one got', String(plain.drain().length))
      },
    },
    {
      name: 'ack_wait: an unanswered message comes again',
      async run(t) {
        const js = await withStream(t, ['1'])
        const inbox = js.caller.subscribe(`d.${t.subject}`)
        await js.consumer(t.id, config(t, { ack_wait: 200 * ms }))
        await inbox.next()
        const again = await inbox.next()
        expectEqual([again.text, ackNumbers(again).delivered, ackNumbers(again).consumer], ['1', 2, 2])
        await js.answerSure(again)
      },
    },
    {
      name: '-NAK brings it again at once',
      async run(t) {
        const js = await withStream(t, ['1'])
        const inbox = js.caller.subscribe(`d.${t.subject}`)
        await js.consumer(t.id, config(t))
        js.answer(await inbox.next(), '-NAK')
        expectEqual(ackNumbers(await inbox.next()).delivered, 2)
      },
    },
    {
      name: 'max_ack_pending holds back',
      async run(t) {
        const js = await withStream(t, ['1', '2', '3'])
        const inbox = js.caller.subscribe(`d.${t.subject}`)
        await js.consumer(t.id, config(t, { max_ack_pending: 1 }))
        const first = await inbox.next()
        await js.okPeek(`CONSUMER.INFO.${t.id}.C`)
        expectEqual(inbox.drain().length, 0)
        await js.answerSure(first)
        expectEqual((await inbox.next()).text, '2')
      },
    },
    {
      name: 'ack none: settled on delivery',
      async run(t) {
        const js = await withStream(t, ['1', '2'])
        const inbox = js.caller.subscribe(`d.${t.subject}`)
        await js.consumer(t.id, config(t, { ack_policy: 'none' }))
        const [first] = await inbox.take(2)
        t.observe('first', describe(first))
        expectMatch(await js.consumerInfo(t.id, 'C'), {
          num_ack_pending: 0,
          ack_floor: { consumer_seq: 2, stream_seq: 2 },
        })
      },
    },
    {
      name: 'heartbeats while there is nothing',
      async run(t) {
        const js = await withStream(t, ['1'])
        const inbox = js.caller.subscribe(`d.${t.subject}`)
        await js.consumer(t.id, config(t, { idle_heartbeat: 150 * ms }))
        await js.answerSure(await inbox.next())
        const heartbeat = await inbox.next()
        expectEqual(line(heartbeat), '100 Idle Heartbeat')
        expectEqual(
          [headerOf(heartbeat, 'Nats-Last-Consumer'), headerOf(heartbeat, 'Nats-Last-Stream'), heartbeat.reply],
          ['1', '1', ''],
        )
        t.observe('heartbeat', describe(heartbeat))
        expectEqual(line(await inbox.next()), '100 Idle Heartbeat')
      },
    },
    {
      name: 'headers_only',
      async run(t) {
        const js = await withStream(t, ['hello'])
        const inbox = js.caller.subscribe(`d.${t.subject}`)
        await js.consumer(t.id, config(t, { headers_only: true }))
        t.observe('message', describe(await inbox.next()))
      },
    },
    {
      name: 'flow control: a request that waits for its answer',
      async run(t) {
        const js = await t.js()
        await js.stream({ name: t.id, subjects: [t.subject], storage: 'memory' })
        const inbox = js.caller.subscribe(`d.${t.subject}`)
        await js.consumer(t.id, config(t, { ack_policy: 'none', flow_control: true, idle_heartbeat: 300 * ms }))
        const body = 'x'.repeat(100_000)
        for (let i = 0; i < 60; i++) js.caller.publish(t.subject, body)
        await js.caller.flush()
        let received = 0
        let requests = 0
        let stalled = false
        let unanswered = ''
        while (received < 60) {
          const message = await inbox.next()
          if (message.status === 0) {
            received++
            continue
          }
          if (message.description === 'FlowControl Request') {
            requests++
            expectMatch(message.reply, new RegExp(`^\\$JS\\.FC\\.${t.id}\\.C\\.\\w+$`))
            // The first one waits for a heartbeat that tells that the consumer stands.
            if (requests === 1) unanswered = message.reply
            else js.caller.publish(message.reply)
            continue
          }
          const told = headerOf(message, 'Nats-Consumer-Stalled')
          if (told === undefined) continue
          expectEqual(told, unanswered)
          stalled = true
          js.caller.publish(told)
        }
        expectTrue(requests > 1 && stalled, `requests and a stall, got ${requests} and ${stalled}`)
      },
    },
    {
      name: 'rate limit: bits in a second',
      async run(t) {
        const js = await t.js()
        // What may pass at once is one message: max_msg_size where there is one, else max_payload.
        await js.stream({ name: t.id, subjects: [t.subject], storage: 'memory', max_msg_size: 20_000 })
        for (let i = 0; i < 20; i++) await js.publishOk(t.subject, 'x'.repeat(10_000))
        const inbox = js.caller.subscribe(`d.${t.subject}`)
        const startedMs = performance.now()
        await js.consumer(t.id, config(t, { ack_policy: 'none', rate_limit_bps: 8 * 200_000 }))
        await inbox.take(20)
        const took = performance.now() - startedMs
        expectTrue(took > 300 && took < 4000, `about a second for 200 kB, took ${took} ms`)
      },
    },
    {
      name: 'an ephemeral push consumer goes when its listener is gone',
      async run(t) {
        const js = await withStream(t, ['1'])
        const other = await t.js()
        const inbox = other.caller.subscribe(`d.${t.subject}`)
        await other.caller.flush()
        await js.ok(`CONSUMER.CREATE.${t.id}.E`, {
          stream_name: t.id,
          config: {
            name: 'E',
            ack_policy: 'explicit',
            deliver_subject: `d.${t.subject}`,
            inactive_threshold: 200 * ms,
          },
        })
        await inbox.next()
        other.caller.close()
        for (;;) {
          if ((await js.peek(`CONSUMER.INFO.${t.id}.E`)).error?.err_code === 10014) return
          await new Promise((resolve) => setTimeout(resolve, 50))
        }
      },
    },
    {
      name: 'an ephemeral push consumer stays while someone listens',
      async run(t) {
        const js = await withStream(t, ['1'])
        const inbox = js.caller.subscribe(`d.${t.subject}`)
        await js.ok(`CONSUMER.CREATE.${t.id}.E`, {
          stream_name: t.id,
          config: { name: 'E', ack_policy: 'none', deliver_subject: `d.${t.subject}`, inactive_threshold: 200 * ms },
        })
        await inbox.next()
        await new Promise((resolve) => setTimeout(resolve, 700))
        await js.ok(`CONSUMER.INFO.${t.id}.E`)
      },
    },
    {
      name: 'deliver last_per_subject, then what is new',
      async run(t) {
        const js = await t.js()
        await js.stream({ name: t.id, subjects: [`${t.subject}.*`] })
        for (const [subject, body] of [
          ['a', '1'],
          ['b', '2'],
          ['a', '3'],
        ])
          await js.publishOk(`${t.subject}.${subject}`, body)
        const inbox = js.caller.subscribe(`d.${t.subject}`)
        await js.consumer(
          t.id,
          config(t, { ack_policy: 'none', deliver_policy: 'last_per_subject', filter_subject: `${t.subject}.*` }),
        )
        const messages = await inbox.take(2)
        expectEqual(
          messages.map((m) => [m.text, ackNumbers(m).pending]),
          [
            ['2', 1],
            ['3', 0],
          ],
        )
        await js.publishOk(`${t.subject}.a`, '4')
        await js.publishOk(`${t.subject}.a`, '5')
        expectEqual(
          (await inbox.take(2)).map((m) => m.text),
          ['4', '5'],
        )
      },
    },
    {
      name: 'a deliver subject of another kind by update',
      async run(t) {
        const js = await withStream(t, ['1'])
        await js.consumer(t.id, config(t))
        await js.consumer(t.id, config(t, { deliver_subject: `e.${t.subject}` }))
        const inbox = js.caller.subscribe(`e.${t.subject}`)
        expectEqual((await inbox.next()).text, '1')
      },
    },
    {
      name: 'a raw client sees MSG with the subject of the message and its own sid',
      async run(t) {
        const js = await withStream(t, ['hello'])
        const raw = await t.raw()
        raw.send(`SUB d.${t.subject} 42`)
        await raw.expectQuiet()
        await js.consumer(t.id, config(t))
        const frame = await raw.next()
        expectMatch(frame.line, new RegExp(`^MSG ${t.subject} 42 \\$JS\\.ACK\\.${t.id}\\.C\\.1\\.1\\.1\\.\\d+\\.0 5$`))
        expectEqual(frame.payload?.toString(), 'hello')
      },
    },
    {
      name: 'a direct consumer of the kind that ordered readers make',
      async run(t) {
        const js = await withStream(t, ['1', '2'])
        const inbox = js.caller.subscribe(`d.${t.subject}`)
        await js.consumer(t.id, {
          name: 'O',
          ack_policy: 'none',
          max_deliver: 1,
          mem_storage: true,
          num_replicas: 1,
          flow_control: true,
          idle_heartbeat: 5 * second,
          inactive_threshold: 300 * second,
          deliver_subject: `d.${t.subject}`,
          ack_wait: 22 * 3600 * second,
        })
        expectEqual(
          (await inbox.take(2)).map((m) => ackNumbers(m).consumer),
          [1, 2],
        )
        await js.consumerInfo(t.id, 'O')
      },
    },
  ],
}
