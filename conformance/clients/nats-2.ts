/** The older client, `nats` 2.29, as much published code uses it. */
import { AckPolicy, connect, type JsMsg, type NatsConnection, StringCodec } from 'nats'
import type { Group } from '../support/case.ts'
import { expectEqual, expectMatch } from '../support/expectations.ts'
import type { Trial } from '../support/trial.ts'

const text = StringCodec()

async function open(t: Trial): Promise<NatsConnection> {
  return t.defer(await connect({ servers: t.url }), (nc) => nc.close())
}

export const nats2: Group = {
  name: 'clients/nats 2.29',
  cases: [
    {
      name: 'request and reply',
      async run(t) {
        const nc = await open(t)
        nc.subscribe(t.subject, { callback: (_error, message) => message.respond(message.data) })
        expectEqual(text.decode((await nc.request(t.subject, text.encode('hello'))).data), 'hello')
        expectMatch(await nc.request('nobody.listens').then(String, (error: { code: string }) => error.code), '503')
      },
    },
    {
      name: 'publish to a stream and consume',
      async run(t) {
        const nc = await open(t)
        const jsm = await nc.jetstreamManager()
        await jsm.streams.add({ name: t.id, subjects: [`${t.subject}.*`] })
        const js = nc.jetstream()
        for (let i = 0; i < 20; i++) await js.publish(`${t.subject}.a`, text.encode(String(i)), { msgID: `id${i}` })
        expectEqual((await js.publish(`${t.subject}.a`, text.encode('0'), { msgID: 'id0' })).duplicate, true)
        await jsm.consumers.add(t.id, { durable_name: 'C', ack_policy: AckPolicy.Explicit, max_deliver: 3 })
        const consumer = await js.consumers.get(t.id, 'C')
        const got: string[] = []
        for await (const message of await consumer.consume()) {
          got.push(text.decode(message.data))
          message.ack()
          if (got.length === 20) break
        }
        expectEqual(
          got,
          Array.from({ length: 20 }, (_, i) => String(i)),
        )
      },
    },
    {
      name: 'fetch, nak and redelivery',
      async run(t) {
        const nc = await open(t)
        const jsm = await nc.jetstreamManager()
        await jsm.streams.add({ name: t.id, subjects: [t.subject] })
        const js = nc.jetstream()
        await js.publish(t.subject, text.encode('x'))
        await jsm.consumers.add(t.id, { durable_name: 'C', ack_policy: AckPolicy.Explicit })
        const consumer = await js.consumers.get(t.id, 'C')
        const first = (await consumer.next({ expires: 3000 })) as JsMsg
        first.nak()
        const again = (await consumer.next({ expires: 3000 })) as JsMsg
        expectEqual([again.seq, again.info.redeliveryCount, again.redelivered], [1, 2, true])
        expectEqual(await again.ackAck(), true)
      },
    },
    {
      name: 'an ordered consumer',
      async run(t) {
        const nc = await open(t)
        const jsm = await nc.jetstreamManager()
        await jsm.streams.add({ name: t.id, subjects: [t.subject] })
        const js = nc.jetstream()
        for (let i = 0; i < 10; i++) await js.publish(t.subject, text.encode(String(i)))
        let count = 0
        for await (const message of await (await js.consumers.get(t.id)).consume()) {
          expectEqual(text.decode(message.data), String(count))
          if (++count === 10) break
        }
      },
    },
    {
      name: 'legacy subscribe: push, bound to a durable',
      async run(t) {
        const nc = await open(t)
        const jsm = await nc.jetstreamManager()
        await jsm.streams.add({ name: t.id, subjects: [t.subject] })
        const js = nc.jetstream()
        await js.publish(t.subject, text.encode('x'))
        const sub = await js.subscribe(t.subject, {
          config: { durable_name: 'D', deliver_subject: `d.${t.subject}`, ack_policy: AckPolicy.Explicit },
          stream: t.id,
          mack: true,
          ordered: false,
          isBind: false,
          max: 1,
        } as never)
        for await (const message of sub) {
          expectEqual(text.decode(message.data), 'x')
          message.ack()
          break
        }
      },
    },
    {
      name: 'key-value: put, get, watch, keys, history',
      async run(t) {
        const nc = await open(t)
        const store = await nc.jetstream().views.kv(t.id, { history: 3 })
        for (const value of ['1', '2', '3', '4']) await store.put('a', text.encode(value))
        const entry = await store.get('a')
        expectEqual([entry?.revision, entry?.operation], [4, 'PUT'])
        await store.put('b', text.encode('x'))
        const keys: string[] = []
        for await (const key of await store.keys()) keys.push(key)
        expectEqual(keys.sort(), ['a', 'b'])
        const watch = await store.watch({ key: 'a' })
        for await (const entry of watch) {
          expectEqual(text.decode(entry.value), '4')
          break
        }
        expectMatch(
          await store.create('a', text.encode('no')).then(String, (error: Error) => error.message),
          /wrong last sequence: 4/,
        )
      },
    },
    {
      name: 'object store: put and get',
      async run(t) {
        const nc = await open(t)
        const os = await nc.jetstream().views.os(t.id)
        const data = new Uint8Array(300_000).fill(5)
        await os.putBlob({ name: 'file' }, data)
        expectEqual((await os.getBlob('file'))?.length, 300_000)
      },
    },
    {
      name: 'services',
      async run(t) {
        const nc = await open(t)
        const service = await nc.services.add({ name: t.id, version: '1.0.0' })
        service.addEndpoint(t.subject, (_error, message) => {
          message.respond(text.encode('here'))
        })
        expectEqual(text.decode((await nc.request(t.subject)).data), 'here')
        const names: string[] = []
        for await (const info of await nc.services
          .client({ strategy: 'count' as never, maxMessages: 1, maxWait: 2000 })
          .ping(t.id))
          names.push(info.name)
        expectEqual(names, [t.id])
      },
    },
  ],
}
