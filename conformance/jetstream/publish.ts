/** Publishing to a stream: the PubAck, expectations, duplicates, roll-ups and sizes. */
import type { Case, Group } from '../support/case.ts'
import { expectEqual, expectMatch } from '../support/expectations.ts'

const second = 1_000_000_000

/** Headers of features that are off, or that a client may not set: [what, headers, error]. */
const refusedHeaders: readonly (readonly [string, readonly string[], readonly [number, number, string | RegExp]])[] = [
  ['roll-up when it is not allowed', ['Nats-Rollup: sub'], [500, 10111, 'rollup not permitted']],
  [
    'an expected stream of another name',
    ['Nats-Expected-Stream: OTHER'],
    [400, 10060, 'expected stream does not match'],
  ],
  [
    'an expected last sequence that is wrong',
    ['Nats-Expected-Last-Sequence: 7'],
    [400, 10071, 'wrong last sequence: 1'],
  ],
  ['an expected last sequence of 0', ['Nats-Expected-Last-Sequence: 0'], [400, 10071, 'wrong last sequence: 1']],
  [
    'an expected last sequence that is no number',
    ['Nats-Expected-Last-Sequence: abc'],
    [400, 10071, /wrong last sequence/],
  ],
  [
    'an expected last sequence of the subject that is wrong',
    ['Nats-Expected-Last-Subject-Sequence: 9'],
    [400, 10071, 'wrong last sequence: 1'],
  ],
  [
    'an expected last sequence of 0 of a subject that has one',
    ['Nats-Expected-Last-Subject-Sequence: 0'],
    [400, 10071, 'wrong last sequence: 1'],
  ],
  [
    'an expected last sequence of a subject that is no number',
    ['Nats-Expected-Last-Subject-Sequence: x'],
    [400, 10071, /wrong last sequence/],
  ],
  [
    'a subject to expect a sequence of, without the sequence',
    ['Nats-Expected-Last-Subject-Sequence-Subject: foo'],
    [400, 10193, 'missing sequence for expected last sequence per subject'],
  ],
  [
    'an expected last message id that is wrong',
    ['Nats-Expected-Last-Msg-Id: other'],
    [400, 10070, 'wrong last msg ID: first'],
  ],
  ['a TTL of its own when that is off', ['Nats-TTL: 5s'], [400, 10166, 'per-message TTL is disabled']],
  ['a counter when that is off', ['Nats-Incr: +1'], [400, 10168, 'message counters is disabled']],
  [
    'a schedule when that is off',
    ['Nats-Schedule: @every 5s', 'Nats-Schedule-Target: foo'],
    [400, 10188, 'message schedules is disabled'],
  ],
  [
    'a batch when that is off',
    ['Nats-Batch-Id: b1', 'Nats-Batch-Sequence: 1'],
    [400, 10174, 'atomic publish is disabled'],
  ],
  [
    'the header of sourced messages',
    ['Nats-Stream-Source: X 1'],
    [400, 10227, 'message stream source header is not allowed'],
  ],
]

const headerCases: readonly Case[] = refusedHeaders.map(([what, headers, error]) => ({
  name: `refused: ${what}`,
  async run(t) {
    const js = await t.js()
    await js.stream({ name: t.id, subjects: [t.subject] })
    await js.publishOk(t.subject, 'x', ['Nats-Msg-Id: first'])
    await js.publishFails(t.subject, headers[0].startsWith('Nats-Incr') ? '' : 'y', headers, error)
    expectMatch((await js.info(t.id)).state, { messages: 1, last_seq: 1 })
    expectMatch(await js.publishOk(t.subject, 'z'), { seq: 2 })
  },
}))

export const publish: Group = {
  name: 'jetstream/publish',
  cases: [
    ...headerCases,
    {
      name: 'the PubAck, byte for byte',
      async run(t) {
        const js = await t.js()
        await js.stream({ name: t.id, subjects: [t.subject] })
        const ack = await js.caller.request(t.subject, 'x')
        expectEqual([ack.text, ack.headers, ack.reply], [`{"stream":"${t.id}","seq":1}`, [], ''])
        const again = await js.caller.request(t.subject, 'x', ['Nats-Msg-Id: a'])
        expectEqual(again.text, `{"stream":"${t.id}","seq":2}`)
        const duplicate = await js.caller.request(t.subject, 'x', ['Nats-Msg-Id: a'])
        expectEqual(duplicate.text, `{"stream":"${t.id}","seq":2,"duplicate": true}`)
        const refused = await js.caller.request(t.subject, 'x', ['Nats-Expected-Last-Sequence: 9'])
        expectEqual(JSON.parse(refused.text), {
          stream: t.id,
          seq: 0,
          error: { code: 400, err_code: 10071, description: 'wrong last sequence: 2' },
        })
        t.observe('refusal', refused.text)
      },
    },
    {
      name: 'a publish without a reply is stored',
      async run(t) {
        const js = await t.js()
        await js.stream({ name: t.id, subjects: [t.subject] })
        js.caller.publish(t.subject, 'x')
        await js.caller.flush()
        expectMatch(await js.publishOk(t.subject, 'y'), { seq: 2 })
      },
    },
    {
      name: 'plain subscribers of a captured subject get the message too, with its reply',
      async run(t) {
        const js = await t.js()
        await js.stream({ name: t.id, subjects: [t.subject] })
        const plain = js.caller.subscribe(t.subject)
        await js.publishOk(t.subject, 'x', ['A: 1'])
        const message = await plain.next()
        expectMatch(message, { text: 'x', headers: [['A', '1']], reply: /^_INBOX/ })
      },
    },
    {
      name: 'no_ack streams do not answer',
      async run(t) {
        const js = await t.js()
        await js.stream({ name: t.id, subjects: [t.subject], no_ack: true })
        const inbox = js.caller.subscribe(js.caller.newInbox())
        js.caller.publish(t.subject, 'x', { reply: inbox.subject })
        js.caller.publish(t.subject, 'x', { reply: inbox.subject, headers: ['Nats-Expected-Last-Sequence: 9'] })
        await js.caller.flush()
        for (;;) if ((await js.peek(`STREAM.INFO.${t.id}`)).state.messages === 1) break
        expectEqual(inbox.drain().length, 0)
      },
    },
    {
      name: 'expectations that hold',
      async run(t) {
        const js = await t.js()
        await js.stream({ name: t.id, subjects: [`${t.subject}.*`] })
        await js.publishOk(`${t.subject}.a`, '1', ['Nats-Expected-Last-Sequence: 0'])
        await js.publishOk(`${t.subject}.a`, '2', [
          `Nats-Expected-Stream: ${t.id}`,
          'Nats-Expected-Last-Sequence: 1',
          'Nats-Msg-Id: m2',
        ])
        await js.publishOk(`${t.subject}.a`, '3', ['Nats-Expected-Last-Msg-Id: m2'])
        await js.publishOk(`${t.subject}.b`, '4', ['Nats-Expected-Last-Subject-Sequence: 0'])
        await js.publishOk(`${t.subject}.a`, '5', ['Nats-Expected-Last-Subject-Sequence: 3'])
        await js.publishOk(`${t.subject}.c`, '6', [
          'Nats-Expected-Last-Subject-Sequence: 4',
          `Nats-Expected-Last-Subject-Sequence-Subject: ${t.subject}.b`,
        ])
        await js.publish(`${t.subject}.c`, '7', [
          'Nats-Expected-Last-Subject-Sequence: 6',
          `Nats-Expected-Last-Subject-Sequence-Subject: ${t.subject}.*`,
        ])
        await js.publish(`${t.subject}.c`, '8', [
          'Nats-Expected-Last-Subject-Sequence: 1',
          `Nats-Expected-Last-Subject-Sequence-Subject: ${t.subject}.*`,
        ])
        await js.publish(`${t.subject}.c`, '9', [
          'Nats-Expected-Last-Subject-Sequence: 0',
          `Nats-Expected-Last-Subject-Sequence-Subject: ${t.subject}.none`,
        ])
      },
    },
    {
      name: 'the expected last sequence of a subject after purge and delete',
      async run(t) {
        const js = await t.js()
        await js.stream({ name: t.id, subjects: [`${t.subject}.*`] })
        await js.publishOk(`${t.subject}.a`, '1')
        await js.publishOk(`${t.subject}.a`, '2')
        await js.ok(`STREAM.MSG.DELETE.${t.id}`, { seq: 2 })
        await js.publishOk(`${t.subject}.a`, '3', ['Nats-Expected-Last-Subject-Sequence: 1'])
        await js.ok(`STREAM.PURGE.${t.id}`, { filter: `${t.subject}.a` })
        await js.publishOk(`${t.subject}.a`, '4', ['Nats-Expected-Last-Subject-Sequence: 0'])
        await js.publishOk(`${t.subject}.a`, '5', ['Nats-Expected-Last-Sequence: 4'])
      },
    },
    {
      name: 'header names are case sensitive, blanks before a value do not count, the first one counts',
      async run(t) {
        const js = await t.js()
        await js.stream({ name: t.id, subjects: [t.subject] })
        await js.publishOk(t.subject, 'x', ['nats-expected-stream: OTHER', 'NATS-MSG-ID: a'])
        await js.publishOk(t.subject, 'x', ['NATS-MSG-ID: a'])
        await js.publishOk(t.subject, 'x', [`Nats-Expected-Stream:    ${t.id}`])
        await js.publishOk(t.subject, 'x', [`Nats-Expected-Stream:${t.id}`])
        await js.publish(t.subject, 'x', [`Nats-Expected-Stream: ${t.id}   `])
        await js.publish(t.subject, 'x', [`Nats-Expected-Stream: ${t.id}`, 'Nats-Expected-Stream: OTHER'])
        await js.publish(t.subject, 'x', ['X-Nats-Expected-Stream: OTHER'])
        await js.publish(t.subject, 'x', ['Nats-Expected-Stream: '])
      },
    },
    {
      name: 'a status line is not stored, the rest of the headers is',
      async run(t) {
        const js = await t.js()
        await js.stream({ name: t.id, subjects: [t.subject] })
        const raw = await t.raw()
        const block = 'NATS/1.0 200 Fine\r\nA: 1\r\n\r\n'
        raw.send(`HPUB ${t.subject} ${block.length} ${block.length}`, block)
        await raw.expectQuiet()
        for (let reply = { error: true }; reply.error; ) reply = await js.peek(`STREAM.MSG.GET.${t.id}`, { seq: 1 })
        const { message } = await js.ok(`STREAM.MSG.GET.${t.id}`, { seq: 1 })
        t.observe('headers', Buffer.from(message.hdrs ?? '', 'base64').toString())
      },
    },
    {
      name: 'a header block without headers',
      async run(t) {
        const js = await t.js()
        await js.stream({ name: t.id, subjects: [t.subject] })
        await js.publishOk(t.subject, 'x', [])
        const { message } = await js.ok(`STREAM.MSG.GET.${t.id}`, { seq: 1 })
        t.observe('headers', Buffer.from(message.hdrs ?? '', 'base64').toString())
        await js.info(t.id)
      },
    },
    {
      name: 'roll-up of a subject, and of all',
      async run(t) {
        const js = await t.js()
        await js.stream({ name: t.id, subjects: [`${t.subject}.*`], allow_rollup_hdrs: true })
        for (const subject of ['a', 'b', 'a', 'b']) await js.publishOk(`${t.subject}.${subject}`, 'x')
        expectMatch(await js.publishOk(`${t.subject}.a`, 'rolled', ['Nats-Rollup: sub']), { seq: 5 })
        expectMatch((await js.info(t.id, { deleted_details: true, subjects_filter: '>' })).state, {
          messages: 3,
          first_seq: 2,
          deleted: [3],
        })
        await js.publishOk(`${t.subject}.c`, 'rolled', ['Nats-Rollup: all'])
        expectMatch((await js.info(t.id)).state, { messages: 1, first_seq: 6, last_seq: 6 })
        await js.publishOk(`${t.subject}.c`, 'rolled', ['Nats-Rollup: ALL'])
        await js.publishFails(`${t.subject}.a`, 'x', ['Nats-Rollup: some'], [500, 10111, /rollup value invalid/])
        await js.info(t.id)
      },
    },
    {
      name: 'max_msg_size counts headers and body',
      async run(t) {
        const js = await t.js()
        await js.stream({ name: t.id, subjects: [t.subject], max_msg_size: 30 })
        await js.publishOk(t.subject, 'x'.repeat(30))
        await js.publishFails(t.subject, 'x'.repeat(31), undefined, [
          400,
          10054,
          'message size exceeds maximum allowed',
        ])
        await js.publishOk(t.subject, 'x'.repeat(12), ['A: 1'])
        await js.publishFails(t.subject, 'x'.repeat(13), ['A: 1'], [400, 10054, 'message size exceeds maximum allowed'])
      },
    },
    {
      name: 'headers of more than 64 KiB are refused',
      async run(t) {
        const js = await t.js()
        await js.stream({ name: t.id, subjects: [t.subject] })
        await js.publishFails(
          t.subject,
          'x',
          [`Big: ${'h'.repeat(65_536)}`],
          [400, 10097, 'header size exceeds maximum allowed of 64k'],
        )
        await js.publishOk(t.subject, 'x', [`Big: ${'h'.repeat(65_000)}`])
      },
    },
    {
      name: 'first_seq gives the first message its sequence',
      async run(t) {
        const js = await t.js()
        await js.stream({ name: t.id, subjects: [t.subject], first_seq: 100 })
        await js.info(t.id)
        expectMatch(await js.publishOk(t.subject, 'x'), { seq: 100 })
        await js.info(t.id)
      },
    },
    {
      name: 'a message to a stream with max_age of a second disappears',
      async run(t) {
        const js = await t.js()
        await js.stream({ name: t.id, subjects: [t.subject], max_age: second })
        await js.publishOk(t.subject, 'x')
        for (;;) {
          const { state } = await js.peek(`STREAM.INFO.${t.id}`)
          if (state.messages === 0) break
          await new Promise((resolve) => setTimeout(resolve, 50))
        }
        await js.info(t.id)
        expectMatch(await js.publishOk(t.subject, 'y'), { seq: 2 })
      },
    },
    {
      name: 'a stream keeps everything over a restart',
      server: { fresh: true },
      async run(t) {
        const js = await t.js()
        await js.stream({ name: t.id, subjects: [`${t.subject}.*`], description: 'kept', max_msgs: 100 })
        await js.stream({ name: `${t.id}M`, subjects: ['memory'], storage: 'memory' })
        for (let i = 0; i < 20; i++)
          await js.publishOk(`${t.subject}.${i % 3}`, `body ${i}`, i % 2 ? [`N: ${i}`] : undefined)
        await js.publishOk('memory', 'gone')
        for (const seq of [3, 7, 20]) await js.ok(`STREAM.MSG.DELETE.${t.id}`, { seq })
        await js.ok(`STREAM.PURGE.${t.id}`, { filter: `${t.subject}.1` })
        await t.server.restart()
        const again = await t.js()
        await again.info(t.id, { deleted_details: true, subjects_filter: '>' })
        for (const seq of [1, 4, 6, 19]) await again.api(`STREAM.MSG.GET.${t.id}`, { seq })
        t.observe(
          'memory stream',
          (await again.peek(`STREAM.INFO.${t.id}M`)).error?.err_code ??
            (await again.peek(`STREAM.INFO.${t.id}M`)).state.messages,
        )
        expectMatch(await again.publishOk(`${t.subject}.0`, 'next'), { seq: 21 })
      },
    },
  ],
}
