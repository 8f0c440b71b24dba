/** Limits of a connection and of the server. */
import type { Group } from '../support/case.ts'
import { expectEqual, expectMatch, expectTrue } from '../support/expectations.ts'
import { RawClient } from '../support/raw-client.ts'

export const limits: Group = {
  name: 'core/limits',
  cases: [
    {
      name: 'max_payload is told in INFO, and a payload of exactly that passes',
      server: { maxPayloadBytes: 1024 },
      async run(t) {
        const c = await t.raw()
        expectEqual(c.info.max_payload, 1024)
        c.send(`SUB ${t.subject} 1`)
        c.send(`PUB ${t.subject} 1024`, 'x'.repeat(1024))
        await c.expect(`MSG ${t.subject} 1 1024`, 'x'.repeat(1024))
      },
    },
    {
      name: 'a payload over max_payload closes at the control line',
      server: { maxPayloadBytes: 1024 },
      async run(t) {
        const c = await t.raw()
        c.send(`PUB ${t.subject} 1025`)
        await c.expect(`-ERR 'Maximum Payload Violation'`)
        await c.expectClosed()
      },
    },
    {
      name: 'headers count towards max_payload',
      server: { maxPayloadBytes: 1024 },
      async run(t) {
        const c = await t.raw()
        c.send(`HPUB ${t.subject} 100 1025`)
        await c.expect(`-ERR 'Maximum Payload Violation'`)
        await c.expectClosed()
      },
    },
    {
      name: 'the default max_payload is 1 MiB: one byte more is refused',
      async run(t) {
        const c = await t.raw()
        c.send(`SUB ${t.subject} 1`)
        c.send(`PUB ${t.subject} 1048576`, Buffer.alloc(1048576, 120))
        await c.expectMatch(/^MSG \S+ 1 1048576$/)
        c.send(`PUB ${t.subject} 1048577`)
        await c.expect(`-ERR 'Maximum Payload Violation'`)
        await c.expectClosed()
      },
    },
    {
      name: 'max_control_line is what was configured',
      server: { maxControlLineBytes: 512 },
      async run(t) {
        const c = await t.raw()
        c.send(`SUB ${'a'.repeat(400)} 1`)
        await c.expectQuiet()
        c.send(`SUB ${'a'.repeat(600)} 2`)
        await c.expect(`-ERR 'maximum control line exceeded'`)
        await c.expectClosed()
      },
    },
    {
      name: 'max_connections: one too many gets INFO, an error, and is closed',
      server: { maxConnections: 2, fresh: true },
      async run(t) {
        const a = await t.raw()
        await t.raw()
        const third = await t.rawOpen().catch((error: Error) => error)
        if (third instanceof RawClient) {
          await third.expect(`-ERR 'maximum connections exceeded'`)
          await third.expectClosed()
        } else expectMatch(third.message, /-ERR 'maximum connections exceeded'/)
        t.observe('INFO came first', String(third instanceof RawClient))
        a.close()
        for (;;) {
          const next = await t.rawOpen().catch(() => undefined)
          if (!next) continue
          const lines = await next.linesUntilPong()
          if (lines.length === 0) return
        }
      },
    },
    {
      name: 'max_subscriptions: one too many is dropped, the connection goes on',
      server: { maxSubscriptions: 3 },
      async run(t) {
        const c = await t.raw()
        for (const sid of [1, 2, 3]) c.send(`SUB ${t.subject}.${sid} ${sid}`)
        await c.expectQuiet()
        c.send(`SUB ${t.subject}.4 4`)
        await c.expect(`-ERR 'maximum subscriptions exceeded'`)
        c.send(`PUB ${t.subject}.4 1`, 'x')
        await c.expectQuiet()
        c.send('UNSUB 1')
        c.send(`SUB ${t.subject}.4 4`)
        c.send(`PUB ${t.subject}.4 1`, 'x')
        await c.expect(`MSG ${t.subject}.4 4 1`, 'x')
      },
    },
    {
      name: 'a connection that does not answer PINGs is stale',
      server: { pingIntervalMs: 250, pingMax: 2 },
      async run(t) {
        const c = await t.raw()
        c.showPings = true
        await c.expect('PING')
        await c.expect('PING')
        await c.expect(`-ERR 'Stale Connection'`)
        await c.expectClosed()
      },
    },
    {
      name: 'a connection that answers PINGs lives',
      server: { pingIntervalMs: 250, pingMax: 2 },
      async run(t) {
        const c = await t.raw()
        c.showPings = true
        for (let i = 0; i < 4; i++) {
          await c.expect('PING')
          c.send('PONG')
        }
        c.send('PING')
        for (let frame = await c.next(); frame.line !== 'PONG'; frame = await c.next()) expectEqual(frame.line, 'PING')
      },
    },
    {
      name: 'a slow consumer by bytes is closed without a word; others are not held up',
      server: { maxPendingBytes: 1_000_000, maxPayloadBytes: 200_000 },
      async run(t) {
        const slow = await t.raw()
        slow.send(`SUB ${t.subject} 1`)
        await slow.expectQuiet()
        slow.pause()
        const fast = await t.raw()
        fast.send(`SUB ${t.subject} 1`)
        const c = await t.raw()
        const payload = Buffer.alloc(100_000, 120)
        // Past what the kernel buffers for the slow one, and its bound.
        for (let i = 0; i < 200; i++) {
          c.send(`PUB ${t.subject} ${payload.length}`, payload)
          await fast.expectMatch(/^MSG /)
        }
        await c.expectQuiet()
        slow.resume()
        let lines = 0
        for (;;) {
          const frame = await slow.next().catch((error: Error) => error)
          if (frame instanceof Error) {
            expectMatch(frame.message, /closed the connection/)
            break
          }
          expectTrue(frame.line.startsWith('MSG '), `only messages before the end, got ${frame.line}`)
          lines++
        }
        expectTrue(lines < 200, 'the slow one did not get everything')
      },
    },
    {
      name: 'a slow consumer by deadline is closed without a word',
      server: { writeDeadlineMs: 300 },
      async run(t) {
        const slow = await t.raw()
        slow.send(`SUB ${t.subject} 1`)
        await slow.expectQuiet()
        slow.pause()
        const c = await t.raw()
        const payload = Buffer.alloc(1_000_000, 120)
        // Past what the kernel buffers, far below the bound in bytes.
        for (let i = 0; i < 24; i++) c.send(`PUB ${t.subject} ${payload.length}`, payload)
        await c.expectQuiet()
        await new Promise((resolve) => setTimeout(resolve, 1000))
        slow.resume()
        let messages = 0
        for (;;) {
          const frame = await slow.next().catch((error: Error) => error)
          if (frame instanceof Error) {
            expectMatch(frame.message, /closed the connection/)
            break
          }
          expectTrue(frame.line.startsWith('MSG '), `only messages before the end, got ${frame.line}`)
          messages++
        }
        expectTrue(messages < 24, 'the slow one did not get everything')
      },
    },
    {
      name: 'many subscriptions of one connection',
      async run(t) {
        const c = await t.raw()
        const subs: string[] = []
        for (let i = 0; i < 5000; i++) subs.push(`SUB ${t.subject}.${i} ${i}\r\n`)
        c.write(subs.join(''))
        await c.expectQuiet()
        c.send(`PUB ${t.subject}.4321 2`, 'hi')
        await c.expect(`MSG ${t.subject}.4321 4321 2`, 'hi')
      },
    },
  ],
}
