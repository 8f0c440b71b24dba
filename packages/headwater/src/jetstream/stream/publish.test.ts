import { describe, expect, test } from 'vitest'
import { TestEngine } from '../testing/engine.ts'

type Headers = [string, string][]

async function engineWith(config: object): Promise<TestEngine> {
  const engine = new TestEngine()
  const reply = await engine.api('STREAM.CREATE.S', { name: 'S', subjects: ['s.>'], ...config })
  expect(reply.json.error).toBeUndefined()
  return engine
}

describe('a PubAck', () => {
  test('is the stream and the sequence, byte for byte', async () => {
    const engine = await engineWith({})
    expect((await engine.request('s.a', 'x')).text).toBe('{"stream":"S","seq":1}')
    for (let i = 2; i < 1000; i++) engine.send('s.a', 'x')
    expect((await engine.request('s.a', 'x')).text).toBe('{"stream":"S","seq":1000}')
  })

  test.each([9, 10, 2 ** 31 - 2, 2 ** 31 - 1, 2 ** 31, 2 ** 32 + 7, 999_999_999_999, 2 ** 53 - 2])(
    'tells sequence %d + 1 right',
    async (before) => {
      const engine = await engineWith({ first_seq: before + 1 })
      expect((await engine.request('s.a', 'x')).text).toBe(`{"stream":"S","seq":${before + 1}}`)
    },
  )

  test('is not sent by a stream with no_ack', async () => {
    const engine = await engineWith({ no_ack: true })
    await expect(engine.request('s.a', 'x')).rejects.toThrow('no reply')
    expect(engine.jetstream.stream('S')?.log.state.messages).toBe(1)
  })
})

interface Row {
  name: string
  config?: object
  /** Published before, in order. */
  before?: [subject: string, payload: string, headers?: Headers][]
  subject?: string
  payload?: string
  headers?: Headers
  ack?: object
  error?: [code: number, err_code: number, description: string]
}

const rows: Row[] = [
  { name: 'expected stream', headers: [['Nats-Expected-Stream', 'S']], ack: { seq: 1 } },
  {
    name: 'another expected stream',
    headers: [['Nats-Expected-Stream', 'T']],
    error: [400, 10060, 'expected stream does not match'],
  },
  {
    name: 'expected last sequence',
    before: [['s.a', '1']],
    headers: [['Nats-Expected-Last-Sequence', '1']],
    ack: { seq: 2 },
  },
  {
    name: 'expected last sequence, wrong',
    before: [['s.a', '1']],
    headers: [['Nats-Expected-Last-Sequence', '0']],
    error: [400, 10071, 'wrong last sequence: 1'],
  },
  {
    name: 'expected last sequence, garbage',
    headers: [['Nats-Expected-Last-Sequence', 'x']],
    error: [400, 10071, 'wrong last sequence: 0'],
  },
  {
    name: 'expected last subject sequence',
    before: [
      ['s.a', '1'],
      ['s.b', '2'],
    ],
    headers: [['Nats-Expected-Last-Subject-Sequence', '1']],
    ack: { seq: 3 },
  },
  {
    name: 'expected last subject sequence zero: must not exist',
    before: [['s.a', '1']],
    headers: [['Nats-Expected-Last-Subject-Sequence', '0']],
    error: [400, 10071, 'wrong last sequence: 1'],
  },
  {
    name: 'expected last subject sequence of a wildcard',
    before: [
      ['s.a.1', '1'],
      ['s.a.2', '2'],
      ['s.b', '3'],
    ],
    headers: [
      ['Nats-Expected-Last-Subject-Sequence', '2'],
      ['Nats-Expected-Last-Subject-Sequence-Subject', 's.a.*'],
    ],
    ack: { seq: 4 },
  },
  {
    name: 'the subject of an expectation alone',
    headers: [['Nats-Expected-Last-Subject-Sequence-Subject', 's.a']],
    error: [400, 10193, 'missing sequence for expected last sequence per subject'],
  },
  {
    name: 'a duplicate',
    before: [['s.a', '1', [['Nats-Msg-Id', 'one']]]],
    headers: [['Nats-Msg-Id', 'one']],
    ack: { seq: 1, duplicate: true },
  },
  {
    name: 'an expectation is checked before the duplicate',
    before: [['s.a', '1', [['Nats-Msg-Id', 'one']]]],
    headers: [
      ['Nats-Msg-Id', 'one'],
      ['Nats-Expected-Last-Sequence', '0'],
    ],
    error: [400, 10071, 'wrong last sequence: 1'],
  },
  {
    name: 'a duplicate is found across subjects',
    before: [['s.b', '1', [['Nats-Msg-Id', 'one']]]],
    headers: [['Nats-Msg-Id', 'one']],
    ack: { seq: 1, duplicate: true },
  },
  {
    name: 'expected last message id',
    before: [['s.a', '1', [['Nats-Msg-Id', 'one']]]],
    headers: [['Nats-Expected-Last-Msg-Id', 'one']],
    ack: { seq: 2 },
  },
  {
    name: 'expected last message id, wrong',
    before: [['s.a', '1', [['Nats-Msg-Id', 'one']]]],
    headers: [['Nats-Expected-Last-Msg-Id', 'two']],
    error: [400, 10070, 'wrong last msg ID: one'],
  },
  {
    name: 'a roll-up that is not allowed',
    headers: [['Nats-Rollup', 'sub']],
    error: [500, 10111, 'rollup not permitted'],
  },
  {
    name: 'a roll-up of nothing known',
    config: { allow_rollup_hdrs: true },
    headers: [['Nats-Rollup', 'Half']],
    error: [500, 10111, 'rollup value invalid: "half"'],
  },
  { name: 'a lifetime', headers: [['Nats-TTL', '5s']], error: [400, 10166, 'per-message TTL is disabled'] },
  { name: 'a counter', headers: [['Nats-Incr', '1']], error: [400, 10168, 'message counters is disabled'] },
  {
    name: 'a schedule',
    headers: [['Nats-Schedule', '@at 2030-01-01T00:00:00Z']],
    error: [400, 10188, 'message schedules is disabled'],
  },
  { name: 'a batch', headers: [['Nats-Batch-Id', 'b']], error: [400, 10174, 'atomic publish is disabled'] },
  {
    name: 'a source that is not one',
    headers: [['Nats-Stream-Source', 'x']],
    error: [400, 10227, 'message stream source header is not allowed'],
  },
  { name: 'headers that mean nothing to streams', headers: [['nats-msg-id', 'x']], ack: { seq: 1 } },
  { name: 'max_msg_size met', config: { max_msg_size: 5 }, payload: '12345', ack: { seq: 1 } },
  {
    name: 'max_msg_size passed',
    config: { max_msg_size: 5 },
    payload: '123456',
    error: [400, 10054, 'message size exceeds maximum allowed'],
  },
  {
    name: 'headers beyond 64k',
    headers: [['X', 'x'.repeat(65_536)]],
    error: [400, 10097, 'header size exceeds maximum allowed of 64k'],
  },
  {
    name: 'discard new, max_msgs',
    config: { discard: 'new', max_msgs: 1 },
    before: [['s.a', '1']],
    error: [503, 10077, 'maximum messages exceeded'],
  },
  {
    name: 'discard new, max_bytes',
    config: { discard: 'new', max_bytes: 67 },
    before: [['s.a', '1']],
    error: [503, 10077, 'maximum bytes exceeded'],
  },
  {
    name: 'discard new lets a replacement through',
    config: { discard: 'new', max_msgs: 1, max_msgs_per_subject: 1 },
    before: [['s.a', '1']],
    ack: { seq: 2 },
  },
  {
    name: 'discard new per subject',
    config: { discard: 'new', max_msgs_per_subject: 1, discard_new_per_subject: true },
    before: [['s.a', '1']],
    error: [503, 10077, 'maximum messages per subject exceeded'],
  },
  {
    name: 'discard new per subject, another subject',
    config: { discard: 'new', max_msgs_per_subject: 1, discard_new_per_subject: true },
    before: [['s.b', '1']],
    ack: { seq: 2 },
  },
  {
    name: 'interest that nobody has: a sequence, and nothing kept',
    config: { retention: 'interest' },
    ack: { seq: 1 },
  },
  {
    name: 'max_msg_size is checked before what the headers ask for',
    config: { max_msg_size: 10 },
    headers: [['Nats-Expected-Stream', 'T']],
    error: [400, 10054, 'message size exceeds maximum allowed'],
  },
  { name: 'empty expectations ask for nothing', headers: [['Nats-Expected-Last-Sequence', '']], ack: { seq: 1 } },
  { name: 'a lifetime too short', headers: [['Nats-TTL', '0.5s']], error: [400, 10165, 'invalid per-message TTL'] },
]

describe('a publish', () => {
  test.each(rows)(
    '$name',
    async ({ config = {}, before = [], subject = 's.a', payload = 'x', headers, ack, error }) => {
      const engine = await engineWith(config)
      for (const message of before) engine.send(...message)
      const reply = await engine.request(subject, payload, headers)
      if (error) {
        const [code, err_code, description] = error
        expect(reply.json).toEqual({ error: { code, err_code, description }, stream: 'S', seq: 0 })
        expect(engine.jetstream.stream('S')?.log.state.lastSeq).toBe(before.length)
      } else {
        expect(reply.json).toEqual({ stream: 'S', ...ack })
      }
    },
  )

  test('replaces all, or all of its subject, when it rolls up', async () => {
    const engine = await engineWith({ allow_rollup_hdrs: true })
    for (const subject of ['s.a', 's.a', 's.b', 's.b']) engine.send(subject, 'x')
    await engine.request('s.a', 'y', [['Nats-Rollup', 'SUB']])
    expect(engine.jetstream.stream('S')?.log.subjects()).toEqual([
      ['s.a', 1],
      ['s.b', 2],
    ])
    await engine.request('s.c', 'z', [['Nats-Rollup', 'all']])
    expect(engine.jetstream.stream('S')?.log.subjects()).toEqual([['s.c', 1]])
  })

  test('is stored without a status in its first line, and without the note about its requester', async () => {
    const engine = await engineWith({})
    const block = 'NATS/1.0 503 Odd\r\nA: 1\r\nNats-Request-Info: {}\r\n\r\n'
    engine.bus.send('s.a', '', new TextEncoder().encode(block), new TextEncoder().encode('body'))
    const { message } = (await engine.api('STREAM.MSG.GET.S', { seq: 1 })).json
    expect(Buffer.from(message.hdrs, 'base64').toString()).toBe('NATS/1.0\r\nA: 1\r\n\r\n')
    expect(Buffer.from(message.data, 'base64').toString()).toBe('body')
  })

  test('of an old id is no duplicate once the window has passed', async () => {
    const engine = await engineWith({ duplicate_window: 1e9 })
    const id: Headers = [['Nats-Msg-Id', 'one']]
    await engine.request('s.a', 'x', id)
    await engine.pass(999)
    expect((await engine.request('s.a', 'x', id)).json).toEqual({ stream: 'S', seq: 1, duplicate: true })
    await engine.pass(1)
    expect((await engine.request('s.a', 'x', id)).json).toEqual({ stream: 'S', seq: 2 })
  })

  test('of an id is a duplicate after a restart, as long as the window lasts', async () => {
    const engine = await engineWith({ duplicate_window: 60e9 })
    await engine.request('s.a', 'x', [['Nats-Msg-Id', 'old']])
    await engine.pass(50_000)
    await engine.request('s.a', 'x', [['Nats-Msg-Id', 'new']])
    await engine.pass(10_000)
    await engine.restart()
    expect((await engine.request('s.a', 'x', [['Nats-Msg-Id', 'new']])).json.duplicate).toBe(true)
    expect((await engine.request('s.a', 'x', [['Nats-Expected-Last-Msg-Id', 'new']])).json.seq).toBe(3)
    expect((await engine.request('s.a', 'x', [['Nats-Msg-Id', 'old']])).json).toEqual({ stream: 'S', seq: 4 })
  })

  test('may expect the last id after a restart, however old it is', async () => {
    const engine = await engineWith({ duplicate_window: 1e9 })
    await engine.request('s.a', 'x', [['Nats-Msg-Id', 'old']])
    await engine.pass(5000)
    await engine.restart()
    const expecting = (id: string) => engine.request('s.a', 'x', [['Nats-Expected-Last-Msg-Id', id]])
    expect((await expecting('new')).json.error.description).toBe('wrong last msg ID: old')
    expect((await expecting('old')).json.seq).toBe(2)
  })
})
