/** What is wrong with a line: the -ERR text, and whether the connection goes on. */
import type { Case, Group } from '../support/case.ts'
import { expectEqual } from '../support/expectations.ts'

/** [name, bytes, the lines before PONG to a PING behind them; '<closed>' when the connection ends] */
const wrong: readonly (readonly [string, string, readonly string[]])[] = [
  ['an unknown operation', 'HELLO world\r\n', [`-ERR 'Unknown Protocol Operation'`, '<closed>']],
  ['an empty line', '\r\n', [`-ERR 'Unknown Protocol Operation'`, '<closed>']],
  ['PUB without arguments', 'PUB\r\n', [`-ERR 'Unknown Protocol Operation'`, '<closed>']],
  ['PUB without a size', 'PUB foo\r\n', ['<closed>']],
  ['PUB with four arguments', 'PUB foo bar baz 2\r\nhi\r\n', ['<closed>']],
  ['PUB with a size that is a word', 'PUB foo two\r\nhi\r\n', ['<closed>']],
  ['PUB with a negative size', 'PUB foo -2\r\nhi\r\n', ['<closed>']],
  ['PUB with a size of ten digits', 'PUB foo 1234567890\r\nhi\r\n', ['<closed>']],
  [
    'PUB with a payload longer than its size',
    'PUB foo 2\r\nhello\r\n',
    [`-ERR 'Unknown Protocol Operation'`, '<closed>'],
  ],
  [
    'PUB with a payload that ends with LF alone',
    'PUB foo 2\r\nhi\nPING\r\n',
    [`-ERR 'Unknown Protocol Operation'`, '<closed>'],
  ],
  ['HPUB with two arguments', 'HPUB foo 12\r\n', ['<closed>']],
  ['HPUB with a header size that is a word', 'HPUB foo x 12\r\n', ['<closed>']],
  ['SUB without arguments', 'SUB\r\n', [`-ERR 'Unknown Protocol Operation'`, '<closed>']],
  ['SUB without a sid', 'SUB foo\r\n', ['<closed>']],
  ['SUB with four arguments', 'SUB foo q 1 2\r\n', ['<closed>']],
  ['UNSUB without a sid', 'UNSUB\r\n', [`-ERR 'Unknown Protocol Operation'`, '<closed>']],
  ['UNSUB with three arguments', 'UNSUB 1 2 3\r\n', ['<closed>']],
  ['MSG from a client', 'MSG foo 1 2\r\nhi\r\n', [`-ERR 'Unknown Protocol Operation'`, '<closed>']],
  ['RS+ from a client', 'RS+ $G foo\r\n', [`-ERR 'Unknown Protocol Operation'`, '<closed>']],
  ['LS+ from a client', 'LS+ foo\r\n', [`-ERR 'Unknown Protocol Operation'`, '<closed>']],
  ['A+ from a client', 'A+ foo\r\n', [`-ERR 'Unknown Protocol Operation'`, '<closed>']],
  ['a subscription with an empty token', 'SUB foo..bar 1\r\n', [`-ERR 'Invalid Subject'`]],
  ['a subscription that begins with a dot', 'SUB .foo 1\r\n', [`-ERR 'Invalid Subject'`]],
  ['a subscription that ends with a dot', 'SUB foo. 1\r\n', [`-ERR 'Invalid Subject'`]],
  ['a subscription with > inside', 'SUB foo.>.bar 1\r\n', [`-ERR 'Invalid Subject'`]],
  ['a wildcard as published subject is let through', 'PUB foo.* 2\r\nhi\r\n', []],
  ['an empty token in a published subject is let through', 'PUB foo..bar 2\r\nhi\r\n', []],
  ['PUB with a size with leading zeros', 'PUB foo 002\r\nhi\r\n', []],
  ['PUB with a size with a sign', 'PUB foo +2\r\nhi\r\n', ['<closed>']],
  ['PUB with blanks behind the size', 'PUB foo 2   \r\nhi\r\n', []],
  ['PUB without a blank behind the verb', 'PUBfoo 2\r\nhi\r\n', [`-ERR 'Unknown Protocol Operation'`, '<closed>']],
  ['a verb cut short', 'PU foo 2\r\nhi\r\n', [`-ERR 'Unknown Protocol Operation'`, '<closed>']],
  ['a subscription to > and *', 'SUB no-such-thing-here.> 1\r\nSUB no-such-thing-here.* 2\r\n', []],
  ['a carriage return inside a line is part of it', 'PING\rPING\r\n', []],
  ['a NUL byte', '\0\r\n', [`-ERR 'Unknown Protocol Operation'`, '<closed>']],
  ['a TLS hello', '\x16\x03\x01\x02\0\x01\r\n', [`-ERR 'Unknown Protocol Operation'`, '<closed>']],
  ['a GET of HTTP', 'GET / HTTP/1.1\r\nHost: x\r\n\r\n', [`-ERR 'Unknown Protocol Operation'`, '<closed>']],
]

const wrongLines: readonly Case[] = wrong.map(([name, bytes, lines]) => ({
  name,
  async run(t) {
    const c = await t.raw()
    c.write(bytes)
    expectEqual(await c.linesUntilPong(), lines, 'answers')
  },
}))

export const errors: Group = {
  name: 'core/errors',
  cases: [
    ...wrongLines,
    {
      name: 'pedantic: a wildcard as published subject is complained about, and the message still goes its way',
      async run(t) {
        const c = await t.raw({ pedantic: true })
        c.send(`SUB ${t.subject}.> 1`)
        c.send(`PUB ${t.subject}.* 2`, 'hi')
        await c.expectUntilPong(`-ERR 'Invalid Publish Subject'`, `MSG ${t.subject}.* 1 2 "hi"`)
      },
    },
    {
      name: 'pedantic: an empty token in a published subject',
      async run(t) {
        const c = await t.raw({ pedantic: true })
        c.send(`PUB ${t.subject}..a 2`, 'hi')
        expectEqual(await c.linesUntilPong(), [`-ERR 'Invalid Publish Subject'`])
      },
    },
    {
      name: 'an invalid subject leaves the connection and its other subscriptions alone',
      async run(t) {
        const c = await t.raw()
        c.send(`SUB ${t.subject} 1`)
        c.send('SUB foo..bar 2')
        await c.expect(`-ERR 'Invalid Subject'`)
        c.send(`PUB ${t.subject} 2`, 'hi')
        await c.expect(`MSG ${t.subject} 1 2`, 'hi')
      },
    },
    {
      name: 'reserved reply subjects: $JS.ACK',
      async run(t) {
        const c = await t.raw()
        c.send(`SUB ${t.subject} 1`)
        c.send(`PUB ${t.subject} $JS.ACK.S.C.1.1.1.1.0 2`, 'hi')
        await c.expectUntilPong(`-ERR 'Permissions Violation for Publish with Reply of "$JS.ACK.S.C.1.1.1.1.0"'`)
      },
    },
    {
      name: 'reserved reply subjects: _R_ and _GR_',
      async run(t) {
        const c = await t.raw()
        c.send(`PUB ${t.subject} _R_.abc 2`, 'hi')
        c.send(`PUB ${t.subject} _GR_.abc 2`, 'hi')
        await c.expectUntilPong(
          `-ERR 'Permissions Violation for Publish with Reply of "_R_.abc"'`,
          `-ERR 'Permissions Violation for Publish with Reply of "_GR_.abc"'`,
        )
      },
    },
    {
      name: 'the queue group _sys_ is not for clients',
      async run(t) {
        const c = await t.raw()
        c.send(`SUB ${t.subject} _sys_ 1`)
        await c.expectUntilPong(`-ERR 'Permissions Violation for Subscription to "${t.subject}" using queue "_sys_"'`)
      },
    },
    {
      name: 'publishing to $GNR and $NRG',
      async run(t) {
        const c = await t.raw()
        c.send('PUB $GNR.x 2', 'hi')
        c.send('PUB $NRG.x 2', 'hi')
        await c.expectUntilPong(`-ERR 'Permissions Violation for Publish to "$NRG.x"'`)
      },
    },
    {
      name: 'publishing to $JS.ACK is allowed',
      async run(t) {
        const c = await t.raw()
        c.send('PUB $JS.ACK.NONE.NONE.1.1.1.1.0 4', '+ACK')
        await c.expectQuiet()
      },
    },
    {
      name: 'a CONNECT of 5000 bytes is over the control line',
      async run(t) {
        const c = await t.rawOpen()
        c.connect({ name: 'n'.repeat(5000) })
        await c.expectUntilPong(`-ERR 'maximum control line exceeded'`, '<closed>')
      },
    },
    {
      name: 'a subject that makes the control line longer than 4096 bytes',
      async run(t) {
        const c = await t.raw()
        c.send(`SUB ${'a'.repeat(4200)} 1`)
        await c.expect(`-ERR 'maximum control line exceeded'`)
        await c.expectClosed()
      },
    },
    {
      name: 'a control line of more than 4096 bytes that never ends',
      async run(t) {
        const c = await t.raw()
        c.write(`SUB ${'a'.repeat(9000)}`)
        await c.expect(`-ERR 'maximum control line exceeded'`)
        await c.expectClosed()
      },
    },
  ],
}
