/** CONNECT: its options, and what the server says back. */
import type { Group } from '../support/case.ts'
import { expectEqual, expectMatch } from '../support/expectations.ts'

export const connect: Group = {
  name: 'core/connect',
  cases: [
    {
      name: 'PING is answered by PONG, before CONNECT too',
      async run(t) {
        const c = await t.rawOpen()
        c.send('PING')
        await c.expect('PONG')
      },
    },
    {
      name: 'without CONNECT a connection is verbose',
      async run(t) {
        const c = await t.rawOpen()
        c.send(`SUB ${t.subject} 1`)
        await c.expect('+OK')
        c.send(`PUB ${t.subject} 2`, 'hi')
        await c.expectUntilPong('+OK', `MSG ${t.subject} 1 2 "hi"`)
      },
    },
    {
      name: 'verbose is off when CONNECT says so',
      async run(t) {
        const c = await t.rawOpen()
        c.send('CONNECT {"verbose":false}')
        await c.expectQuiet()
      },
    },
    {
      name: 'an empty CONNECT leaves verbose on',
      async run(t) {
        const c = await t.rawOpen()
        c.send('CONNECT {}')
        await c.expect('+OK')
        c.send('PING')
        await c.expect('PONG')
      },
    },
    {
      name: 'verbose: +OK after CONNECT, SUB, UNSUB and PUB, none after PING',
      async run(t) {
        const c = await t.rawOpen()
        c.connect({ verbose: true })
        await c.expect('+OK')
        c.send(`SUB ${t.subject} 1`)
        await c.expect('+OK')
        c.send('UNSUB 1')
        await c.expect('+OK')
        c.send(`PUB ${t.subject} 0`, '')
        await c.expect('+OK')
        c.send('PING')
        await c.expect('PONG')
      },
    },
    {
      name: 'verbose: +OK comes before the message that a publisher sends to itself',
      async run(t) {
        const c = await t.raw({ verbose: true })
        c.send(`SUB ${t.subject} 1`)
        await c.expect('+OK')
        c.send(`PUB ${t.subject} 2`, 'hi')
        await c.expectUntilPong('+OK', `MSG ${t.subject} 1 2 "hi"`)
      },
    },
    {
      name: 'protocol 1: after the first PONG comes a second INFO with connect_info',
      async run(t) {
        const c = await t.rawOpen()
        c.connect({ protocol: 1 })
        c.send('PING')
        await c.expect('PONG')
        const frame = await c.expectMatch(/^INFO /)
        const second = JSON.parse(frame.line.slice(5))
        expectMatch(second, {
          connect_info: true,
          remote_account: '$G',
          server_id: c.info.server_id,
          client_id: c.info.client_id,
        })
        expectEqual(second.acc_is_sys, undefined, 'acc_is_sys')
        await c.expectQuiet()
      },
    },
    {
      name: 'protocol 0: no second INFO',
      async run(t) {
        const c = await t.rawOpen()
        c.connect({ protocol: 0 })
        await c.expectQuiet()
        await c.expectQuiet()
      },
    },
    {
      name: 'a protocol out of range is refused',
      async run(t) {
        const c = await t.rawOpen()
        c.connect({ protocol: 9 })
        await c.expect(`-ERR 'invalid client protocol'`)
        await c.expectClosed()
      },
    },
    {
      name: 'no_responders without headers is refused',
      async run(t) {
        const c = await t.rawOpen()
        c.connect({ headers: false, no_responders: true })
        await c.expect(`-ERR 'no responders requires headers support'`)
        await c.expectClosed()
      },
    },
    {
      name: 'CONNECT that is not JSON closes the connection',
      async run(t) {
        const c = await t.rawOpen()
        c.send('CONNECT {"verbose":')
        await c.expectUntilPong('<closed>')
      },
    },
    {
      name: 'CONNECT with a field of the wrong type',
      async run(t) {
        const c = await t.rawOpen()
        c.send('CONNECT {"verbose":"yes"}')
        await c.expectUntilPong('<closed>')
      },
    },
    {
      name: 'CONNECT without an argument',
      async run(t) {
        const c = await t.rawOpen()
        c.send('CONNECT')
        await c.expectUntilPong('<closed>')
      },
    },
    {
      name: 'unknown CONNECT fields are ignored',
      async run(t) {
        const c = await t.rawOpen()
        c.connect({ colour: 'blue', nested: { deep: [1, 2] } })
        await c.expectQuiet()
      },
    },
    {
      name: 'field names of CONNECT match whatever their case',
      async run(t) {
        const c = await t.rawOpen()
        c.send('CONNECT {"Verbose":false,"PEDANTIC":false}')
        await c.expectQuiet()
      },
    },
    {
      name: 'a second CONNECT drops the subscriptions of the connection',
      async run(t) {
        const c = await t.raw()
        c.send(`SUB ${t.subject} 1`)
        c.connect()
        c.send(`PUB ${t.subject} 2`, 'hi')
        await c.expectQuiet()
      },
    },
    {
      name: 'a second CONNECT keeps what it does not mention',
      async run(t) {
        const c = await t.raw({ verbose: false })
        c.send('CONNECT {"name":"again"}')
        c.send(`SUB ${t.subject} 1`)
        await c.expectQuiet()
      },
    },
    {
      name: 'a legacy account in CONNECT is refused',
      async run(t) {
        const c = await t.rawOpen()
        c.connect({ account: 'other' })
        await c.expectUntilPong(`-ERR 'Authorization Violation'`, '<closed>')
      },
    },
    {
      name: 'operations are read in any case, with tabs and runs of blanks',
      async run(t) {
        const c = await t.rawOpen()
        c.send('connect {"verbose":false}')
        c.send(`sUb \t ${t.subject}   7 `)
        c.send(`pub\t${t.subject}\t 2`, 'hi')
        await c.expect(`MSG ${t.subject} 7 2`, 'hi')
        c.send('ping')
        await c.expect('PONG')
      },
    },
    {
      name: 'a bare line feed ends a control line',
      async run(t) {
        const c = await t.raw()
        c.write(`SUB ${t.subject} 1\nPING\n`)
        await c.expect('PONG')
        c.send(`PUB ${t.subject} 2`, 'ok')
        await c.expect(`MSG ${t.subject} 1 2`, 'ok')
      },
    },
    {
      name: 'PING and PONG may have arguments; +OK from a client is ignored',
      async run(t) {
        const c = await t.raw()
        c.send('PING hello')
        await c.expect('PONG')
        c.send('PONG hello')
        c.send('+OK')
        await c.expectQuiet()
      },
    },
    {
      name: 'INFO from a client is ignored',
      async run(t) {
        const c = await t.raw()
        c.send('INFO {"server_id":"x"}')
        await c.expectQuiet()
      },
    },
    {
      name: '-ERR from a client closes the connection',
      async run(t) {
        const c = await t.raw()
        c.send(`-ERR 'I am unhappy'`)
        await c.expectClosed()
      },
    },
    {
      name: 'echo off: a connection does not hear itself, others do',
      async run(t) {
        const c = await t.raw({ echo: false })
        const other = await t.raw()
        c.send(`SUB ${t.subject} 1`)
        other.send(`SUB ${t.subject} 1`)
        await other.expectQuiet()
        c.send(`PUB ${t.subject} 2`, 'hi')
        await c.expectQuiet()
        await other.expect(`MSG ${t.subject} 1 2`, 'hi')
      },
    },
    {
      name: 'echo off: answers of JetStream still come',
      async run(t) {
        const c = await t.raw({ echo: false })
        c.send('SUB _INBOX.x 1')
        c.send('PUB $JS.API.INFO _INBOX.x 0', '')
        await c.expectMatch(/^MSG _INBOX\.x 1 \d+$/)
      },
    },
    {
      name: 'bytes may come in any split',
      async run(t) {
        const c = await t.raw()
        for (const byte of Buffer.from(`SUB ${t.subject} 1\r\nPUB ${t.subject} 5\r\nhello\r\n`)) {
          c.write(Uint8Array.of(byte))
          await new Promise((resolve) => setImmediate(resolve))
        }
        await c.expect(`MSG ${t.subject} 1 5`, 'hello')
      },
    },
  ],
}
