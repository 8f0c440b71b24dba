/** Lame duck mode: clients are told, new ones are not taken, and all are closed in the end. */
import type { Group } from '../support/case.ts'
import { expectMatch, expectTrue } from '../support/expectations.ts'
import { RawClient } from '../support/raw-client.ts'

const quickly = { fresh: true, lameDuckDurationMs: 30_000, lameDuckGraceMs: 200 }

export const lameDuck: Group = {
  name: 'core/lame duck',
  cases: [
    {
      name: 'clients of protocol 1 get INFO with ldm',
      server: quickly,
      async run(t) {
        const c = await t.rawOpen()
        c.connect({ protocol: 1 })
        c.send('PING')
        await c.expect('PONG')
        await c.expectMatch(/^INFO .*"connect_info":true/)
        t.server.lameDuck()
        const frame = await c.expectMatch(/^INFO /)
        expectMatch(JSON.parse(frame.line.slice(5)), { ldm: true })
      },
    },
    {
      name: 'a new connection is refused',
      server: quickly,
      async run(t) {
        const c = await t.rawOpen()
        c.connect({ protocol: 1 })
        c.send('PING')
        await c.expect('PONG')
        await c.expectMatch(/^INFO /)
        t.server.lameDuck()
        await c.expectMatch(/^INFO /)
        const late = await RawClient.open(t.server).catch((error: Error) => error)
        t.defer(late, (it) => it instanceof RawClient && it.close())
        expectMatch(late instanceof Error ? late.message : 'connected', /closed the connection|ECONNREFUSED/)
      },
    },
    {
      name: 'connections are closed after the grace period',
      server: quickly,
      async run(t) {
        const c = await t.raw()
        const startedMs = performance.now()
        t.server.lameDuck()
        await c.expectClosed(10_000)
        expectTrue(performance.now() - startedMs > 150, 'not before the grace period is over')
      },
    },
    {
      name: 'an official client hears of it',
      server: quickly,
      async run(t) {
        const nc = await t.client({ reconnect: false })
        const told = (async () => {
          for await (const status of nc.status()) if (status.type === 'ldm') return
        })()
        await nc.flush()
        t.server.lameDuck()
        await told
      },
    },
  ],
}
