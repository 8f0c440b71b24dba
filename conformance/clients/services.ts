/** Services through @nats-io/services. */
import { Svcm } from '@nats-io/services'
import { RequestError } from '@nats-io/transport-node'
import type { Group } from '../support/case.ts'
import { expectEqual } from '../support/expectations.ts'

/** The services package brings a copy of the core package of its own: the same at run time, another type. */
function svcm(nc: unknown): Svcm {
  return new Svcm(nc as ConstructorParameters<typeof Svcm>[0])
}

export const services: Group = {
  name: 'clients/services',
  cases: [
    {
      name: 'two instances answer requests, pings, info and stats',
      async run(t) {
        const nc = await t.client()
        for (let i = 0; i < 2; i++) {
          const service = await svcm(await t.client()).add({ name: t.id, version: '1.0.0', description: 'adds' })
          const group = service.addGroup(t.subject)
          group.addEndpoint('sum', (_error, message) => {
            const numbers = message.json<number[]>()
            message.respond(JSON.stringify(numbers.reduce((a, b) => a + b, 0)))
          })
          group.addEndpoint('fail', (_error, message) => {
            message.respondError(422, 'never works')
          })
        }
        await nc.flush()
        for (let i = 0; i < 10; i++)
          expectEqual((await nc.request(`${t.subject}.sum`, JSON.stringify([i, 1]))).json(), i + 1)
        const failed = await nc.request(`${t.subject}.fail`)
        expectEqual(
          [failed.headers?.get('Nats-Service-Error-Code'), failed.headers?.get('Nats-Service-Error')],
          ['422', 'never works'],
        )
        const client = svcm(nc).client({ strategy: 'count', maxMessages: 2, maxWait: 3000 })
        const count = async (iterator: Promise<AsyncIterable<{ name: string }>>) => {
          const names: string[] = []
          for await (const each of await iterator) names.push(each.name)
          return names
        }
        expectEqual(await count(client.ping(t.id)), [t.id, t.id])
        expectEqual(await count(client.info(t.id)), [t.id, t.id])
        let requests = 0
        for await (const stats of await client.stats(t.id)) {
          for (const endpoint of stats.endpoints ?? []) if (endpoint.name === 'sum') requests += endpoint.num_requests
        }
        expectEqual(requests, 10)
      },
    },
    {
      name: 'a service that stops leaves no one to answer',
      async run(t) {
        const nc = await t.client()
        const service = await svcm(nc).add({ name: t.id, version: '1.0.0' })
        service.addEndpoint(t.subject, (_error, message) => {
          message.respond('here')
        })
        expectEqual((await nc.request(t.subject)).string(), 'here')
        await service.stop()
        const error = await nc.request(t.subject).catch((thrown: Error) => thrown)
        expectEqual(error instanceof RequestError && error.isNoResponders(), true, 'no responders')
      },
    },
  ],
}
