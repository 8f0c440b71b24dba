/** PUB and SUB: who gets what. */
import type { Group } from '../support/case.ts'
import { expectEqual, expectTrue } from '../support/expectations.ts'

/** [pattern, subject, whether it matches] */
const matches: readonly (readonly [string, string, boolean])[] = [
  ['foo.bar', 'foo.bar', true],
  ['foo.bar', 'foo.baz', false],
  ['foo.*', 'foo.bar', true],
  ['foo.*', 'foo', false],
  ['foo.*', 'foo.bar.baz', false],
  ['*.bar', 'foo.bar', true],
  ['foo.*.baz', 'foo.bar.baz', true],
  ['foo.*.baz', 'foo.bar.qux', false],
  ['foo.>', 'foo.bar', true],
  ['foo.>', 'foo.bar.baz', true],
  ['foo.>', 'foo', false],
  ['foo.*.>', 'foo.bar', false],
  ['foo.*.>', 'foo.bar.baz', true],
  ['*.*', 'foo.bar', true],
  ['*.*', 'foo.bar.baz', false],
  ['foo*', 'foobar', false],
  ['foo*', 'foo*', true],
  ['foo>', 'foo>', true],
  ['*foo.bar', '*foo.bar', true],
  ['foo.*', 'foo.*', true],
  ['foo.>', 'foo.>', true],
]

export const pubsub: Group = {
  name: 'core/pubsub',
  cases: [
    ...matches.map(([pattern, subject, matched]) => ({
      name: `${pattern} ${matched ? 'matches' : 'does not match'} ${subject}`,
      async run(t: import('../support/trial.ts').Trial) {
        const c = await t.raw()
        c.send(`SUB ${t.subject}.${pattern} 1`)
        c.send(`PUB ${t.subject}.${subject} 2`, 'ok')
        if (matched) await c.expect(`MSG ${t.subject}.${subject} 1 2`, 'ok')
        await c.expectQuiet()
      },
    })),
    {
      name: 'a message carries its reply subject',
      async run(t) {
        const c = await t.raw()
        c.send(`SUB ${t.subject} 1`)
        c.send(`PUB ${t.subject} reply.here 2`, 'hi')
        await c.expect(`MSG ${t.subject} 1 reply.here 2`, 'hi')
      },
    },
    {
      name: 'an empty payload',
      async run(t) {
        const c = await t.raw()
        c.send(`SUB ${t.subject} 1`)
        c.send(`PUB ${t.subject} 0`, '')
        await c.expect(`MSG ${t.subject} 1 0`, '')
      },
    },
    {
      name: 'any bytes are payload',
      async run(t) {
        const c = await t.raw()
        const payload = Buffer.from([0, 13, 10, 255, 13, 10, 43, 79, 75])
        c.send(`SUB ${t.subject} 1`)
        c.send(`PUB ${t.subject} ${payload.length}`, payload)
        const frame = await c.expectMatch(/^MSG /)
        expectEqual(frame.payload?.toString('hex'), payload.toString('hex'))
      },
    },
    {
      name: 'a subject in UTF-8 is delivered as it is',
      async run(t) {
        const c = await t.raw()
        c.send(`SUB ${t.subject}.grün.* 1`)
        c.send(`PUB ${t.subject}.grün.ü 2`, 'hi')
        await c.expect(`MSG ${t.subject}.grün.ü 1 2`, 'hi')
      },
    },
    {
      name: 'every matching subscription of a connection gets the message, once each',
      async run(t) {
        const c = await t.raw()
        c.send(`SUB ${t.subject}.a 1`)
        c.send(`SUB ${t.subject}.* 2`)
        c.send(`SUB ${t.subject}.> 3`)
        c.send(`SUB ${t.subject}.a 4`)
        c.send(`PUB ${t.subject}.a 2`, 'hi')
        const lines = (await c.linesUntilPong()).sort()
        expectEqual(
          lines,
          ['1', '2', '3', '4'].map((sid) => `MSG ${t.subject}.a ${sid} 2 "hi"`),
        )
      },
    },
    {
      name: 'messages of one publisher come in order',
      async run(t) {
        const c = await t.raw()
        const other = await t.raw()
        other.send(`SUB ${t.subject} 1`)
        await other.expectQuiet()
        for (let i = 0; i < 200; i++) c.send(`PUB ${t.subject} ${String(i).length}`, String(i))
        for (let i = 0; i < 200; i++) await other.expect(`MSG ${t.subject} 1 ${String(i).length}`, String(i))
      },
    },
    {
      name: 'a sid may be any word',
      async run(t) {
        const c = await t.raw()
        c.send(`SUB ${t.subject} my-sid_1`)
        c.send(`PUB ${t.subject} 2`, 'hi')
        await c.expect(`MSG ${t.subject} my-sid_1 2`, 'hi')
        c.send('UNSUB my-sid_1')
        c.send(`PUB ${t.subject} 2`, 'hi')
        await c.expectQuiet()
      },
    },
    {
      name: 'a sid that is in use already: the old subscription stays',
      async run(t) {
        const c = await t.raw()
        c.send(`SUB ${t.subject}.a 1`)
        c.send(`SUB ${t.subject}.b 1`)
        c.send(`PUB ${t.subject}.b 1`, 'b')
        c.send(`PUB ${t.subject}.a 1`, 'a')
        await c.expect(`MSG ${t.subject}.a 1 1`, 'a')
        await c.expectQuiet()
      },
    },
    {
      name: 'a sid that is in use already is answered +OK when verbose',
      async run(t) {
        const c = await t.raw({ verbose: true })
        c.send(`SUB ${t.subject}.a 1`)
        await c.expect('+OK')
        c.send(`SUB ${t.subject}.b 1`)
        await c.expect('+OK')
      },
    },
    {
      name: 'a sid is free again after UNSUB',
      async run(t) {
        const c = await t.raw()
        c.send(`SUB ${t.subject}.a 1`)
        c.send('UNSUB 1')
        c.send(`SUB ${t.subject}.b 1`)
        c.send(`PUB ${t.subject}.a 1`, 'a')
        c.send(`PUB ${t.subject}.b 1`, 'b')
        await c.expect(`MSG ${t.subject}.b 1 1`, 'b')
        await c.expectQuiet()
      },
    },
    {
      name: 'UNSUB of an unknown sid is ignored',
      async run(t) {
        const c = await t.raw()
        c.send('UNSUB 99')
        c.send('UNSUB 99 5')
        await c.expectQuiet()
      },
    },
    {
      name: 'UNSUB with a maximum counts from SUB on',
      async run(t) {
        const c = await t.raw()
        c.send(`SUB ${t.subject} 1`)
        c.send(`PUB ${t.subject} 1`, 'a')
        await c.expect(`MSG ${t.subject} 1 1`, 'a')
        c.send('UNSUB 1 3')
        for (const body of ['b', 'c', 'd', 'e']) c.send(`PUB ${t.subject} 1`, body)
        await c.expect(`MSG ${t.subject} 1 1`, 'b')
        await c.expect(`MSG ${t.subject} 1 1`, 'c')
        await c.expectQuiet()
      },
    },
    {
      name: 'UNSUB with a maximum that is reached already removes at once',
      async run(t) {
        const c = await t.raw()
        c.send(`SUB ${t.subject} 1`)
        for (const body of ['a', 'b']) {
          c.send(`PUB ${t.subject} 1`, body)
          await c.expect(`MSG ${t.subject} 1 1`, body)
        }
        c.send('UNSUB 1 2')
        c.send(`PUB ${t.subject} 1`, 'c')
        await c.expectQuiet()
      },
    },
    {
      name: 'UNSUB with a smaller maximum than delivered removes at once',
      async run(t) {
        const c = await t.raw()
        c.send(`SUB ${t.subject} 1`)
        for (const body of ['a', 'b', 'c']) {
          c.send(`PUB ${t.subject} 1`, body)
          await c.expect(`MSG ${t.subject} 1 1`, body)
        }
        c.send('UNSUB 1 1')
        c.send(`PUB ${t.subject} 1`, 'd')
        await c.expectQuiet()
      },
    },
    {
      name: 'UNSUB after a maximum was set removes at once',
      async run(t) {
        const c = await t.raw()
        c.send(`SUB ${t.subject} 1`)
        c.send('UNSUB 1 10')
        c.send('UNSUB 1')
        c.send(`PUB ${t.subject} 1`, 'a')
        await c.expectQuiet()
      },
    },
    {
      name: 'UNSUB with 0, or a word, as maximum removes at once',
      async run(t) {
        const c = await t.raw()
        c.send(`SUB ${t.subject} 1`)
        c.send('UNSUB 1 0')
        c.send(`PUB ${t.subject} 1`, 'a')
        await c.expectQuiet()
        c.send(`SUB ${t.subject} 2`)
        c.send('UNSUB 2 many')
        c.send(`PUB ${t.subject} 1`, 'b')
        await c.expectQuiet()
      },
    },
    {
      name: 'a closed connection takes its subscriptions with it',
      async run(t) {
        const gone = await t.raw()
        gone.send(`SUB ${t.subject} 1`)
        await gone.expectQuiet()
        gone.close()
        const c = await t.raw()
        for (;;) {
          c.send('SUB _INBOX.gone 9')
          c.send(`PUB ${t.subject} _INBOX.gone 0`, '')
          const lines = await c.linesUntilPong()
          if (lines.length > 0) return expectTrue(lines[0].includes('503'), `a 503, got ${lines[0]}`)
        }
      },
    },
    {
      name: 'queue group: one member gets each message, and all members get some',
      async run(t) {
        const members = [await t.raw(), await t.raw(), await t.raw()]
        for (const member of members) member.send(`SUB ${t.subject} workers 1`)
        for (const member of members) await member.expectQuiet()
        const c = await t.raw()
        for (let i = 0; i < 300; i++) c.send(`PUB ${t.subject} 1`, 'x')
        await c.expectQuiet()
        const counts: number[] = []
        for (const member of members) counts.push((await member.linesUntilPong()).length)
        expectEqual(
          counts.reduce((a, b) => a + b),
          300,
          'messages of all members',
        )
        expectTrue(
          counts.every((count) => count > 30),
          `each member gets its share, got ${counts}`,
        )
      },
    },
    {
      name: 'queue groups: one message to each group, and one to each plain subscription',
      async run(t) {
        const c = await t.raw()
        c.send(`SUB ${t.subject} a 1`)
        c.send(`SUB ${t.subject} a 2`)
        c.send(`SUB ${t.subject} b 3`)
        c.send(`SUB ${t.subject} 4`)
        c.send(`PUB ${t.subject} 1`, 'x')
        const sids = (await c.linesUntilPong()).map((line) => line.split(' ')[2]).sort()
        expectEqual(sids.length, 3)
        expectTrue(sids[0] === '1' || sids[0] === '2', `one of group a, got ${sids}`)
        expectEqual(sids.slice(1), ['3', '4'])
      },
    },
    {
      name: 'queue group members may subscribe by different patterns',
      async run(t) {
        const c = await t.raw()
        c.send(`SUB ${t.subject}.a workers 1`)
        c.send(`SUB ${t.subject}.* workers 2`)
        for (let i = 0; i < 40; i++) c.send(`PUB ${t.subject}.a 1`, 'x')
        expectEqual((await c.linesUntilPong()).length, 40)
      },
    },
    {
      name: 'queue group with echo off: another member is chosen',
      async run(t) {
        const c = await t.raw({ echo: false })
        const other = await t.raw()
        c.send(`SUB ${t.subject} workers 1`)
        other.send(`SUB ${t.subject} workers 1`)
        await other.expectQuiet()
        for (let i = 0; i < 20; i++) c.send(`PUB ${t.subject} 1`, 'x')
        await c.expectQuiet()
        expectEqual((await other.linesUntilPong()).length, 20)
      },
    },
    {
      name: 'queue group member with a maximum leaves the group when it is reached',
      async run(t) {
        const c = await t.raw()
        c.send(`SUB ${t.subject} workers 1`)
        c.send('UNSUB 1 2')
        for (let i = 0; i < 5; i++) c.send(`PUB ${t.subject} 1`, 'x')
        expectEqual((await c.linesUntilPong()).length, 2)
      },
    },
  ],
}
