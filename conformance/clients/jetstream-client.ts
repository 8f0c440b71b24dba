/** @nats-io/jetstream as applications use it: manager, publish, consume, fetch, ordered and push consumers. */
import { AckPolicy, DeliverPolicy, type JsMsg, jetstream, jetstreamManager, RetentionPolicy } from '@nats-io/jetstream'
import { nanos } from '@nats-io/transport-node'
import type { Group } from '../support/case.ts'
import { expectEqual, expectMatch, expectTrue } from '../support/expectations.ts'
import type { Trial } from '../support/trial.ts'

async function filled(t: Trial, count: number, config: object = {}) {
  const nc = await t.client()
  const jsm = await jetstreamManager(nc)
  const js = jetstream(nc)
  await jsm.streams.add({ name: t.id, subjects: [`${t.subject}.*`], ...config })
  for (let i = 0; i < count; i++) await js.publish(`${t.subject}.${i % 2}`, `m${i}`)
  return { nc, jsm, js }
}

export const jetstreamClient: Group = {
  name: 'clients/jetstream',
  cases: [
    {
      name: 'streams: add, info, update, list, find, purge, messages, delete',
      async run(t) {
        const { jsm } = await filled(t, 6)
        const info = await jsm.streams.info(t.id, { subjects_filter: '>' })
        expectEqual(info.state.subjects, { [`${t.subject}.0`]: 3, [`${t.subject}.1`]: 3 })
        expectEqual((await jsm.streams.update(t.id, { description: 'new' })).config.description, 'new')
        expectEqual(await jsm.streams.find(`${t.subject}.0`), t.id)
        const names: string[] = []
        for await (const name of jsm.streams.names(`${t.subject}.1`)) names.push(name)
        expectEqual(names, [t.id])
        const message = await jsm.streams.getMessage(t.id, { seq: 2 })
        expectEqual([message?.string(), message?.seq], ['m1', 2])
        expectEqual(await jsm.streams.getMessage(t.id, { seq: 99 }), null)
        expectEqual(await jsm.streams.deleteMessage(t.id, 2), true)
        expectEqual((await jsm.streams.purge(t.id, { filter: `${t.subject}.0`, keep: 1 })).purged, 2)
        expectEqual(await jsm.streams.delete(t.id), true)
        const gone = await jsm.streams.info(t.id).catch((error: Error) => error.name)
        expectEqual(gone, 'StreamNotFoundError')
      },
    },
    {
      name: 'account info',
      async run(t) {
        const { jsm } = await filled(t, 0)
        const info = await jsm.getAccountInfo()
        expectTrue(info.streams > 0, 'streams')
      },
    },
    {
      name: 'publish with an id, expectations, and their errors',
      async run(t) {
        const { js } = await filled(t, 0)
        const subject = `${t.subject}.0`
        expectMatch(await js.publish(subject, 'a', { msgID: 'one' }), { stream: t.id, seq: 1, duplicate: false })
        expectMatch(await js.publish(subject, 'a', { msgID: 'one' }), { seq: 1, duplicate: true })
        await js.publish(subject, 'b', {
          expect: { lastSequence: 1, streamName: t.id, lastMsgID: 'one', lastSubjectSequence: 1 },
        })
        const error = await js.publish(subject, 'c', { expect: { lastSequence: 9 } }).catch((thrown: Error) => thrown)
        expectMatch((error as Error).message, /wrong last sequence: 2/)
        const nobody = await js.publish('nobody.captures.this', 'x').catch((thrown: Error) => thrown.name)
        expectMatch(String(nobody), /JetStreamNotEnabled|NoResponders/)
      },
    },
    {
      name: 'a thousand publishes in flight',
      async run(t) {
        const { js, jsm } = await filled(t, 0)
        const acks = await Promise.all(Array.from({ length: 1000 }, (_, i) => js.publish(`${t.subject}.0`, `m${i}`)))
        expectEqual(
          acks.map((ack) => ack.seq),
          Array.from({ length: 1000 }, (_, i) => i + 1),
        )
        expectEqual((await jsm.streams.info(t.id)).state.messages, 1000)
      },
    },
    {
      name: 'consume with explicit acks',
      async run(t) {
        const { js, jsm } = await filled(t, 300)
        await jsm.consumers.add(t.id, { durable_name: 'C', ack_policy: AckPolicy.Explicit })
        const consumer = await js.consumers.get(t.id, 'C')
        const got: string[] = []
        for await (const message of await consumer.consume({ max_messages: 50 })) {
          got.push(message.string())
          message.ack()
          if (got.length === 300) break
        }
        expectEqual(
          got,
          Array.from({ length: 300 }, (_, i) => `m${i}`),
        )
        for (;;) if ((await consumer.info()).num_ack_pending === 0) break
      },
    },
    {
      name: 'consume while messages are published',
      async run(t) {
        const { js, jsm } = await filled(t, 0)
        await jsm.consumers.add(t.id, { durable_name: 'C', ack_policy: AckPolicy.Explicit })
        const messages = await (await js.consumers.get(t.id, 'C')).consume()
        const publishing = (async () => {
          for (let i = 0; i < 100; i++) await js.publish(`${t.subject}.0`, String(i))
        })()
        let count = 0
        for await (const message of messages) {
          message.ack()
          if (++count === 100) break
        }
        await publishing
      },
    },
    {
      name: 'consume by bytes',
      async run(t) {
        const { js, jsm } = await filled(t, 50)
        await jsm.consumers.add(t.id, { durable_name: 'C', ack_policy: AckPolicy.Explicit })
        let count = 0
        for await (const message of await (await js.consumers.get(t.id, 'C')).consume({ max_bytes: 1024 })) {
          message.ack()
          if (++count === 50) break
        }
      },
    },
    {
      name: 'fetch and next',
      async run(t) {
        const { js, jsm } = await filled(t, 5)
        await jsm.consumers.add(t.id, { durable_name: 'C', ack_policy: AckPolicy.Explicit })
        const consumer = await js.consumers.get(t.id, 'C')
        const got: string[] = []
        for await (const message of await consumer.fetch({ max_messages: 3, expires: 2000 })) {
          got.push(message.string())
          message.ack()
        }
        expectEqual(got, ['m0', 'm1', 'm2'])
        expectEqual((await consumer.next({ expires: 2000 }))?.string(), 'm3')
        for await (const message of await consumer.fetch({ max_messages: 10, expires: 1000 }))
          got.push(message.string())
        expectEqual(got, ['m0', 'm1', 'm2', 'm4'])
        expectEqual(await consumer.next({ expires: 1000 }), null)
      },
    },
    {
      name: 'nak with a delay, working, term, ackAck, and what a message knows of itself',
      async run(t) {
        const { js, jsm } = await filled(t, 2)
        await jsm.consumers.add(t.id, { durable_name: 'C', ack_policy: AckPolicy.Explicit, ack_wait: nanos(5000) })
        const consumer = await js.consumers.get(t.id, 'C')
        const next = async () => (await consumer.next({ expires: 3000 })) as JsMsg
        const first = await next()
        expectMatch(first.info, {
          stream: t.id,
          consumer: 'C',
          streamSequence: 1,
          deliverySequence: 1,
          redelivered: false,
          pending: 1,
        })
        first.working()
        first.nak(100)
        expectEqual((await next()).seq, 2)
        const again = await next()
        expectMatch(again.info, { streamSequence: 1, deliveryCount: 2, redelivered: true })
        expectEqual(await again.ackAck(), true)
      },
    },
    {
      name: 'an ordered consumer reads everything in order, from a sequence, by filter',
      async run(t) {
        const { js } = await filled(t, 40)
        const read = async (options: object, count: number) => {
          const got: string[] = []
          for await (const message of await (await js.consumers.get(t.id, options)).consume()) {
            got.push(message.string())
            if (got.length === count) break
          }
          return got
        }
        expectEqual(
          await read({}, 40),
          Array.from({ length: 40 }, (_, i) => `m${i}`),
        )
        expectEqual(
          await read({ deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: 31 }, 10),
          Array.from({ length: 10 }, (_, i) => `m${30 + i}`),
        )
        expectEqual(
          await read({ filter_subjects: [`${t.subject}.1`] }, 20),
          Array.from({ length: 20 }, (_, i) => `m${i * 2 + 1}`),
        )
      },
    },
    {
      name: 'an ordered consumer goes on when its consumer is deleted under it',
      async run(t) {
        const { js, jsm } = await filled(t, 10)
        const consumer = await js.consumers.get(t.id, { idle_heartbeat: 500 } as object)
        const messages = await consumer.consume({ max_messages: 4, idle_heartbeat: 500, expires: 1000 })
        const got: string[] = []
        for await (const message of messages) {
          got.push(message.string())
          if (got.length === 5) {
            for await (const info of jsm.consumers.list(t.id)) await jsm.consumers.delete(t.id, info.name)
          }
          if (got.length === 10) break
        }
        expectEqual(
          got,
          Array.from({ length: 10 }, (_, i) => `m${i}`),
        )
      },
    },
    {
      name: 'a push consumer of the client',
      async run(t) {
        const { js, jsm } = await filled(t, 20)
        await jsm.consumers.add(t.id, {
          durable_name: 'P',
          ack_policy: AckPolicy.Explicit,
          deliver_subject: `d.${t.subject}`,
          idle_heartbeat: nanos(1000),
          flow_control: true,
        })
        const consumer = await js.consumers.getPushConsumer(t.id, 'P')
        const got: string[] = []
        for await (const message of await consumer.consume()) {
          got.push(message.string())
          message.ack()
          if (got.length === 20) break
        }
        expectEqual(got.length, 20)
      },
    },
    {
      name: 'an ordered push consumer of the client',
      async run(t) {
        const { js } = await filled(t, 20)
        const consumer = await js.consumers.getPushConsumer(t.id, { deliver_policy: DeliverPolicy.All })
        let count = 0
        for await (const message of await consumer.consume()) {
          expectEqual(message.string(), `m${count}`)
          if (++count === 20) break
        }
      },
    },
    {
      name: 'consumers: add, update, info, list, delete',
      async run(t) {
        const { jsm } = await filled(t, 3)
        await jsm.consumers.add(t.id, { durable_name: 'A', ack_policy: AckPolicy.Explicit })
        await jsm.consumers.add(t.id, {
          durable_name: 'B',
          ack_policy: AckPolicy.All,
          filter_subjects: [`${t.subject}.0`, `${t.subject}.1`],
        })
        const updated = await jsm.consumers.update(t.id, 'A', { max_deliver: 4, ack_wait: nanos(10_000) })
        expectMatch(updated.config, { max_deliver: 4, ack_wait: nanos(10_000) })
        const names: string[] = []
        for await (const info of jsm.consumers.list(t.id)) names.push(info.name)
        expectEqual(names, ['A', 'B'])
        expectEqual((await jsm.consumers.info(t.id, 'B')).num_pending, 3)
        expectEqual(await jsm.consumers.delete(t.id, 'A'), true)
        expectEqual(await jsm.consumers.info(t.id, 'A').catch((error: Error) => error.name), 'ConsumerNotFoundError')
      },
    },
    {
      name: 'direct get by the client',
      async run(t) {
        const { jsm } = await filled(t, 4, { allow_direct: true })
        const message = await jsm.direct.getMessage(t.id, { seq: 2 })
        expectEqual([message?.string(), message?.seq, message?.header.get('Nats-Stream')], ['m1', 2, t.id])
        expectEqual((await jsm.direct.getMessage(t.id, { last_by_subj: `${t.subject}.0` }))?.string(), 'm2')
        expectEqual(await jsm.direct.getMessage(t.id, { seq: 99 }), null)
      },
    },
    {
      name: 'work queue with two workers',
      async run(t) {
        const { js, jsm } = await filled(t, 100, { retention: RetentionPolicy.Workqueue })
        await jsm.consumers.add(t.id, { durable_name: 'W', ack_policy: AckPolicy.Explicit })
        const seen: string[] = []
        const open: { stop(): void }[] = []
        const worker = async () => {
          const messages = await (await js.consumers.get(t.id, 'W')).consume({ max_messages: 10 })
          open.push(messages)
          for await (const message of messages) {
            seen.push(message.string())
            await message.ackAck()
            if (seen.length === 100) for (const each of open) each.stop()
          }
        }
        await Promise.all([worker(), worker()])
        for (;;) if ((await jsm.streams.info(t.id)).state.messages === 0) break
        expectEqual(new Set(seen).size, 100)
      },
    },
    {
      name: 'advisories iterator of the client',
      async run(t) {
        const { jsm, nc } = await filled(t, 0)
        const events = jsm.advisories()
        await nc.flush()
        await jsm.consumers.add(t.id, { durable_name: 'A', ack_policy: AckPolicy.Explicit })
        for await (const event of events) {
          if ((event.data as { stream?: string }).stream !== t.id) continue
          expectMatch(event.data, { action: 'create', consumer: 'A' })
          break
        }
      },
    },
  ],
}
