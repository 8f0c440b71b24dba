/** HPUB, HMSG and no responders. */
import type { Group } from '../support/case.ts'
import { expectEqual } from '../support/expectations.ts'

export const headers: Group = {
  name: 'core/headers',
  cases: [
    {
      name: 'HPUB is delivered as HMSG, byte for byte',
      async run(t) {
        const c = await t.raw()
        const block = 'NATS/1.0\r\nkey:v\r\nKEY:  spaced  \r\nkey: again\r\n\r\n'
        c.send(`SUB ${t.subject} 1`)
        c.send(`HPUB ${t.subject} ${block.length} ${block.length + 4}`, `${block}body`)
        await c.expect(`HMSG ${t.subject} 1 ${block.length} ${block.length + 4}`, `${block}body`)
      },
    },
    {
      name: 'HPUB with a reply subject',
      async run(t) {
        const c = await t.raw()
        c.send(`SUB ${t.subject} 1`)
        c.publishWithHeaders(t.subject, ['A: 1'], 'x', 'answer.here')
        await c.expect(`HMSG ${t.subject} 1 answer.here 18 19`, 'NATS/1.0\r\nA: 1\r\n\r\nx')
      },
    },
    {
      name: 'HPUB with headers alone',
      async run(t) {
        const c = await t.raw()
        c.send(`SUB ${t.subject} 1`)
        c.publishWithHeaders(t.subject, ['A: 1'])
        await c.expect(`HMSG ${t.subject} 1 18 18`, 'NATS/1.0\r\nA: 1\r\n\r\n')
      },
    },
    {
      name: 'a status line from a client passes through',
      async run(t) {
        const c = await t.raw()
        const block = 'NATS/1.0 503 No One\r\n\r\n'
        c.send(`SUB ${t.subject} 1`)
        c.send(`HPUB ${t.subject} ${block.length} ${block.length}`, block)
        await c.expect(`HMSG ${t.subject} 1 ${block.length} ${block.length}`, block)
      },
    },
    {
      name: 'a subscriber without headers gets the body alone',
      async run(t) {
        const c = await t.raw()
        const old = await t.raw({ headers: false, no_responders: false })
        old.send(`SUB ${t.subject} 1`)
        await old.expectQuiet()
        c.publishWithHeaders(t.subject, ['A: 1'], 'body', 'r')
        await old.expect(`MSG ${t.subject} 1 r 4`, 'body')
      },
    },
    {
      name: 'HPUB from a connection without headers closes it',
      async run(t) {
        const c = await t.raw({ headers: false, no_responders: false })
        c.publishWithHeaders(t.subject, ['A: 1'], 'body')
        await c.expectUntilPong('<closed>')
      },
    },
    {
      name: 'a header size over the total size closes the connection',
      async run(t) {
        const c = await t.raw()
        c.send(`HPUB ${t.subject} 30 20`, 'x'.repeat(20))
        await c.expectUntilPong('<closed>')
      },
    },
    {
      name: 'a header block that does not begin with NATS/1.0 passes through',
      async run(t) {
        const c = await t.raw()
        c.send(`SUB ${t.subject} 1`)
        c.send(`HPUB ${t.subject} 12 14`, 'hello world!ok')
        await c.expectUntilPong(`HMSG ${t.subject} 1 12 14 "hello world!ok"`)
      },
    },
    {
      name: 'a header size of zero',
      async run(t) {
        const c = await t.raw()
        c.send(`SUB ${t.subject} 1`)
        c.send(`HPUB ${t.subject} 0 2`, 'ok')
        await c.expectUntilPong(`MSG ${t.subject} 1 2 "ok"`)
      },
    },
    {
      name: 'no responders: 503 with the subject, to the plain subscription on the reply',
      async run(t) {
        const c = await t.raw()
        c.send('SUB _INBOX.none 5')
        c.send(`PUB ${t.subject} _INBOX.none 2`, 'hi')
        const size = 32 + t.subject.length
        await c.expect(`HMSG _INBOX.none 5 ${size} ${size}`, `NATS/1.0 503\r\nNats-Subject: ${t.subject}\r\n\r\n`)
      },
    },
    {
      name: 'no responders: through a wildcard subscription on the reply too',
      async run(t) {
        const c = await t.raw()
        c.send('SUB _INBOX.wild.* 5')
        c.send(`PUB ${t.subject} _INBOX.wild.1 2`, 'hi')
        const size = 32 + t.subject.length
        await c.expect(`HMSG _INBOX.wild.1 5 ${size} ${size}`)
      },
    },
    {
      name: 'no responders: nothing for a queue subscription on the reply',
      async run(t) {
        const c = await t.raw()
        c.send('SUB _INBOX.q group 5')
        c.send(`PUB ${t.subject} _INBOX.q 2`, 'hi')
        await c.expectQuiet()
      },
    },
    {
      name: 'no responders: nothing for another connection that listens on the reply',
      async run(t) {
        const c = await t.raw()
        const other = await t.raw()
        other.send(`SUB _INBOX.${t.subject} 5`)
        await other.expectQuiet()
        c.send(`PUB ${t.subject} _INBOX.${t.subject} 2`, 'hi')
        await c.expectQuiet()
        await other.expectQuiet()
      },
    },
    {
      name: 'no responders: nothing without the CONNECT option',
      async run(t) {
        const c = await t.raw({ no_responders: false })
        c.send('SUB _INBOX.none 5')
        c.send(`PUB ${t.subject} _INBOX.none 2`, 'hi')
        await c.expectQuiet()
      },
    },
    {
      name: 'no responders: a queue member that hears counts as one',
      async run(t) {
        const c = await t.raw()
        c.send('SUB _INBOX.none 5')
        c.send(`SUB ${t.subject} workers 6`)
        c.send(`PUB ${t.subject} _INBOX.none 2`, 'hi')
        await c.expect(`MSG ${t.subject} 6 _INBOX.none 2`, 'hi')
        await c.expectQuiet()
      },
    },
    {
      name: 'no responders: after the last subscriber left',
      async run(t) {
        const c = await t.raw()
        c.send('SUB _INBOX.none 5')
        c.send(`SUB ${t.subject} 6`)
        c.send('UNSUB 6')
        c.send(`PUB ${t.subject} _INBOX.none 0`, '')
        await c.expectMatch(/^HMSG _INBOX\.none 5 /)
      },
    },
    {
      name: 'no responders: echo off and no one else listens',
      async run(t) {
        const c = await t.raw({ echo: false })
        c.send('SUB _INBOX.none 5')
        c.send(`SUB ${t.subject} 6`)
        c.send(`PUB ${t.subject} _INBOX.none 2`, 'hi')
        await c.expectUntilPong(`HMSG _INBOX.none 5 41 41 "NATS/1.0 503\\r\\nNats-Subject: ${t.subject}\\r\\n\\r\\n"`)
      },
    },
    {
      name: 'no responders: HPUB gets it too',
      async run(t) {
        const c = await t.raw()
        c.send('SUB _INBOX.none 5')
        c.publishWithHeaders(t.subject, ['A: 1'], 'x', '_INBOX.none')
        await c.expectMatch(/^HMSG _INBOX\.none 5 /)
      },
    },
    {
      name: 'a stream that captures the subject is a responder',
      async run(t) {
        const js = await t.js()
        await js.stream({ name: t.id, subjects: [t.subject], storage: 'memory' })
        const ack = await js.caller.request(t.subject, 'x')
        expectEqual([ack.status, ack.text], [0, `{"stream":"${t.id}","seq":1}`])
      },
    },
  ],
}
