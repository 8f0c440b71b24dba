import { describe, expect, it } from 'vitest'
import { ConsumerRig, type Delivered } from '../testing/consumer-rig.ts'
import type { ConsumerConfigRequest } from './consumer-config.ts'

const SECOND = 1e9

async function rig(messages: string[] = [], config: ConsumerConfigRequest = {}): Promise<ConsumerRig> {
  const rig = new ConsumerRig()
  await rig.stream({ name: 'S', subjects: ['s'] })
  for (const text of messages) await rig.publish('s', text)
  const made = await rig.consumer('S', 'c', config)
  expect(made.code, JSON.stringify(made)).toBeUndefined()
  return rig
}

/** A message's text, or a status with what it says of the rest. */
function line({ status, text, header }: Delivered): string {
  if (status === '') return text
  const messages = header('Nats-Pending-Messages')
  return messages === undefined ? status : `${status} (${messages}, ${header('Nats-Pending-Bytes')})`
}

describe('a request', () => {
  it.each<[string, unknown, string[]]>([
    ['without a body is for one', '', ['1']],
    ['of a number', '2', ['1', '2']],
    ['of zero is for one', { batch: 0 }, ['1']],
    [
      'that does not wait gets what is there, and the end',
      { batch: 9, no_wait: true },
      ['1', '2', '3', '404 No Messages'],
    ],
    ['that is served whole ends without a word', { batch: 3, no_wait: true }, ['1', '2', '3']],
  ])('%s', async (_, body, lines) => {
    const r = await rig(['1', '2', '3'])
    expect((await r.pull('S', 'c', body)).map(line)).toEqual(lines)
  })

  it.each<[string, ConsumerConfigRequest, unknown, string]>([
    ['bad JSON', {}, '{"batch":', '400 Bad Request - unexpected end of JSON input'],
    [
      'a wrong type',
      {},
      '{"batch":"x"}',
      '400 Bad Request - json: cannot unmarshal string into Go struct field JSApiConsumerGetNextRequest.batch of type int',
    ],
    [
      'a heartbeat beyond half the wait',
      {},
      { batch: 1, expires: SECOND, idle_heartbeat: SECOND },
      '400 Bad Request - heartbeat value too large',
    ],
    ['a heartbeat without a wait', {}, { batch: 1, idle_heartbeat: 1 }, '400 Bad Request - heartbeat value too large'],
    ['too large a batch', { max_batch: 5 }, { batch: 6 }, '409 Exceeded MaxRequestBatch of 5'],
    [
      'too long a wait',
      { max_expires: SECOND },
      { batch: 1, expires: 2 * SECOND },
      '409 Exceeded MaxRequestExpires of 1s',
    ],
    ['too many bytes', { max_bytes: 10 }, { batch: 1, max_bytes: 11 }, '409 Exceeded MaxRequestMaxBytes of 10'],
    ['an overflow bound', {}, { batch: 1, min_pending: 1 }, '400 Bad Request - Not a Overflow Priority consumer'],
    ['a pin', {}, { batch: 1, id: 'x' }, '400 Bad Request - Not a Pinned Client Priority consumer'],
    ['a priority beyond nine', {}, { batch: 1, priority: 10 }, '400 Bad Request - Priority must be between 0 and 9'],
    ['a push consumer', { deliver_subject: 'd' }, '', '409 Consumer is push based'],
    ['nothing to get, and no wait', {}, { batch: 1, no_wait: true }, '404 No Messages'],
  ])('is refused for %s', async (_, config, body, status) => {
    const r = await rig([], config)
    expect((await r.pull('S', 'c', body)).map(line)).toEqual([status])
  })

  it('has no listener when the consumer is not there, or gone', async () => {
    const r = await rig()
    expect(() => r.ask('S', 'none')).toThrow('no responders')
    await r.engine.api('CONSUMER.DELETE.S.c')
    expect(() => r.ask('S', 'c')).toThrow('no responders')
  })
})

describe('waiting', () => {
  it('ends with what was not given', async () => {
    const r = await rig(['1'])
    const { got } = r.ask('S', 'c', { batch: 5, expires: SECOND })
    await r.engine.pass(999)
    expect(got.map(line)).toEqual(['1'])
    await r.engine.pass(2)
    expect(got.map(line)).toEqual(['1', '408 Request Timeout (4, 0)'])
    expect((await r.info('S', 'c')).num_waiting).toBe(0)
  })

  it('with no_wait and a wait takes the first message and whatever is there, then ends', async () => {
    const r = await rig()
    const { got } = r.ask('S', 'c', { batch: 5, no_wait: true, expires: 10 * SECOND })
    await r.engine.pass(5000)
    expect(got).toEqual([])
    await r.publish('s', 'first')
    expect(got.map(line)).toEqual(['first', '404 No Messages'])
  })

  it('is bounded; with a heartbeat the refusal is silent', async () => {
    const r = await rig([], { max_waiting: 2 })
    const asks = [1, 2, 3].map(() => r.ask('S', 'c', { batch: 1, expires: 60 * SECOND }))
    const silent = r.ask('S', 'c', { batch: 1, expires: 60 * SECOND, idle_heartbeat: SECOND })
    expect(asks.map(({ got }) => got.map(line))).toEqual([[], [], ['409 Exceeded MaxWaiting']])
    expect(silent.got).toEqual([])
    // Room is made by those whom nobody listens for any more.
    asks[0].end()
    expect(r.ask('S', 'c', { batch: 1, expires: 60 * SECOND }).got).toEqual([])
  })

  it('is refused when what is there is asked for already', async () => {
    const r = await rig(['1', '2'], { max_ack_pending: 1 })
    const first = r.ask('S', 'c', { batch: 5, expires: 60 * SECOND })
    const second = r.ask('S', 'c', { batch: 1, no_wait: true })
    await r.engine.pass(0)
    expect(first.got.map(line)).toEqual(['1'])
    expect(second.got.map(line)).toEqual(['408 Requests Pending'])
  })

  it('goes round: one message each', async () => {
    const r = await rig()
    const asks = [1, 2].map(() => r.ask('S', 'c', { batch: 3, expires: 60 * SECOND }))
    for (let i = 1; i <= 6; i++) await r.publish('s', String(i))
    expect(asks.map(({ got }) => got.map(line))).toEqual([
      ['1', '3', '5'],
      ['2', '4', '6'],
    ])
  })

  it('passes over those whom nobody listens for', async () => {
    const r = await rig()
    const gone = r.ask('S', 'c', { batch: 1, expires: 60 * SECOND })
    const there = r.ask('S', 'c', { batch: 1, expires: 60 * SECOND })
    gone.end()
    await r.publish('s', '1')
    expect(there.got.map(line)).toEqual(['1'])
    expect(there.got[0].deliveries).toBe(1)
  })

  it('sends heartbeats while nothing comes', async () => {
    const r = await rig(['1'])
    const { got } = r.ask('S', 'c', { batch: 5, expires: 10 * SECOND, idle_heartbeat: SECOND })
    await r.engine.pass(500)
    await r.publish('s', '2')
    await r.engine.pass(2100)
    expect(got.map(line)).toEqual(['1', '2', '100 Idle Heartbeat', '100 Idle Heartbeat'])
    expect([got[3].header('Nats-Last-Consumer'), got[3].header('Nats-Last-Stream')]).toEqual(['2', '2'])
  })

  it('is told when the consumer is deleted, and when the server stops', async () => {
    for (const [end, status] of [
      [async (r: ConsumerRig) => r.engine.api('CONSUMER.DELETE.S.c'), '409 Consumer Deleted'],
      [async (r: ConsumerRig) => r.engine.api('STREAM.DELETE.S'), '409 Consumer Deleted'],
      [async (r: ConsumerRig) => r.engine.jetstream.close(), '409 Server Shutdown (2, 0)'],
    ] as const) {
      const r = await rig()
      const { got } = r.ask('S', 'c', { batch: 2, expires: 60 * SECOND })
      await end(r)
      expect(got.map(line)).toEqual([status])
    }
  })
})

describe('max_bytes', () => {
  /** What a message counts as: subject, ack subject, payload. */
  const size = (delivery: Delivered): number => delivery.subject.length + delivery.reply.length + delivery.text.length

  it('ends before a message that does not fit', async () => {
    const r = await rig(['a', 'b'.repeat(100)])
    const [one] = await r.pull('S', 'c', { batch: 1 })
    await r.answer(one, '-NAK')
    const bytes = size(one) + 10
    const lines = (await r.pull('S', 'c', { batch: 5, max_bytes: bytes, no_wait: true })).map(line)
    expect(lines).toEqual(['a', '409 Message Size Exceeds MaxBytes (4, 10)'])
  })

  it('says when the batch is complete and bytes are left, and nothing when they are used up', async () => {
    const r = await rig(['a', 'b'])
    const [one] = await r.pull('S', 'c', { batch: 1, max_bytes: 1000 })
    const rest = 1000 - size(one)
    const again = r.ask('S', 'c', { batch: 1, max_bytes: 1000 })
    await r.engine.pass(0)
    expect(again.got.map(line)).toEqual(['b', `409 Batch Completed (0, ${rest})`])
    await r.answer(one, '-NAK')
    expect((await r.pull('S', 'c', { batch: 5, max_bytes: size(one) })).map(line)).toEqual(['a'])
    expect((await r.info('S', 'c')).num_waiting).toBe(0)
  })
})

describe('+NXT', () => {
  it('acknowledges and asks for more, at the reply of the answer', async () => {
    const r = await rig(['1', '2', '3'])
    const [one] = await r.pull('S', 'c')
    const next = r.listen('next')
    r.engine.bus.send(one.reply, 'next', new Uint8Array(0), new TextEncoder().encode('+NXT {"batch":2}'))
    await r.engine.pass(0)
    expect(next.got.map(line)).toEqual(['2', '3'])
    expect((await r.info('S', 'c')).ack_floor.stream_seq).toBe(1)
  })
})
