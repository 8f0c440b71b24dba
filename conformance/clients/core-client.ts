/** The official client: requests, queues, headers, drain, reconnect, unmodified. */
import { type Msg, headers as newHeaders, RequestError } from '@nats-io/transport-node'
import type { Group } from '../support/case.ts'
import { expectEqual, expectMatch, expectTrue } from '../support/expectations.ts'

export const coreClient: Group = {
  name: 'clients/core',
  cases: [
    {
      name: 'publish and subscribe with headers',
      async run(t) {
        const nc = await t.client()
        const sub = nc.subscribe(`${t.subject}.*`, { max: 1 })
        const h = newHeaders()
        h.append('A', '1')
        h.append('A', '2')
        nc.publish(`${t.subject}.x`, 'hello', { headers: h, reply: 'answer.here' })
        const got: Msg[] = []
        for await (const message of sub) got.push(message)
        expectEqual(
          got.map((m) => [m.subject, m.string(), m.reply, m.headers?.values('A')]),
          [[`${t.subject}.x`, 'hello', 'answer.here', ['1', '2']]],
        )
      },
    },
    {
      name: 'request and reply',
      async run(t) {
        const nc = await t.client()
        const server = await t.client()
        server.subscribe(t.subject, { callback: (_error, message) => void message.respond(`re: ${message.string()}`) })
        await server.flush()
        expectEqual((await nc.request(t.subject, 'a')).string(), 're: a')
        expectEqual((await nc.request(t.subject, 'b', { noMux: true, timeout: 2000 })).string(), 're: b')
        const answers = await Promise.all(Array.from({ length: 50 }, (_, i) => nc.request(t.subject, String(i))))
        expectEqual(
          answers.map((m) => m.string()),
          Array.from({ length: 50 }, (_, i) => `re: ${i}`),
        )
      },
    },
    {
      name: 'a request that nobody hears fails at once',
      async run(t) {
        const nc = await t.client()
        const error = await nc.request(t.subject, 'x').catch((thrown: Error) => thrown)
        expectEqual(error instanceof RequestError && error.isNoResponders(), true, 'no responders')
      },
    },
    {
      name: 'requestMany',
      async run(t) {
        const nc = await t.client()
        for (const name of ['a', 'b', 'c'])
          nc.subscribe(t.subject, { callback: (_error, message) => void message.respond(name) })
        const answers: string[] = []
        for await (const message of await nc.requestMany(t.subject, '', { maxMessages: 3, maxWait: 3000 }))
          answers.push(message.string())
        expectEqual(answers.sort(), ['a', 'b', 'c'])
      },
    },
    {
      name: 'queue subscriptions share',
      async run(t) {
        const nc = await t.client()
        const counts = [0, 0]
        for (const i of [0, 1]) nc.subscribe(t.subject, { queue: 'q', callback: () => void counts[i]++ })
        for (let i = 0; i < 100; i++) nc.publish(t.subject)
        await nc.flush()
        await nc.flush()
        expectEqual(counts[0] + counts[1], 100)
        expectTrue(counts[0] > 10 && counts[1] > 10, `both get some, got ${counts}`)
      },
    },
    {
      name: 'drain delivers what came before it, and closes',
      async run(t) {
        const nc = await t.client()
        const other = await t.client()
        let count = 0
        nc.subscribe(t.subject, { callback: () => void count++ })
        await nc.flush()
        for (let i = 0; i < 500; i++) other.publish(t.subject, 'x')
        await other.flush()
        await nc.drain()
        expectEqual([count, nc.isClosed()], [500, true])
      },
    },
    {
      name: 'rtt, and what the client knows of the server',
      async run(t) {
        const nc = await t.client({ name: 'conformance' })
        expectTrue((await nc.rtt()) >= 0, 'rtt')
        expectMatch(nc.info, { headers: true, max_payload: 1048576, jetstream: true, proto: 1 })
        expectEqual(nc.getServer(), `${t.server.host}:${t.server.port}`)
      },
    },
    {
      name: 'a payload of a mebibyte goes through, a larger one is refused by the client',
      async run(t) {
        const nc = await t.client()
        const sub = nc.subscribe(t.subject, { max: 1 })
        nc.publish(t.subject, new Uint8Array(1048576).fill(7))
        for await (const message of sub) expectEqual(message.data.length, 1048576)
        let thrown = ''
        try {
          nc.publish(t.subject, new Uint8Array(1048577))
        } catch (error) {
          thrown = (error as Error).message
        }
        expectMatch(thrown, /max_payload/i)
      },
    },
    {
      name: 'the client comes back after a restart, and its subscriptions with it',
      server: { fresh: true },
      async run(t) {
        const nc = await t.client({ reconnectTimeWait: 50, maxReconnectAttempts: -1, waitOnFirstConnect: true })
        const sub = nc.subscribe(t.subject, { max: 1 })
        await nc.flush()
        const back = (async () => {
          for await (const status of nc.status()) if (status.type === 'reconnect') return
        })()
        await t.server.restart()
        await back
        nc.publish(t.subject, 'again')
        for await (const message of sub) expectEqual(message.string(), 'again')
      },
    },
  ],
}
