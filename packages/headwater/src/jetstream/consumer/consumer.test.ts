import { describe, expect, it } from 'vitest'
import { ConsumerRig, type Delivered } from '../testing/consumer-rig.ts'
import { TestEngine } from '../testing/engine.ts'
import type { ConsumerConfigRequest } from './consumer-config.ts'

const SECOND = 1e9
const numbers = ({ deliveries, seq, consumerSeq, pending }: Delivered) => [deliveries, seq, consumerSeq, pending]

async function rig(messages: string[], config: ConsumerConfigRequest = {}, stream: object = {}): Promise<ConsumerRig> {
  const rig = new ConsumerRig()
  await rig.stream({ name: 'S', subjects: ['s.>'], ...stream })
  for (const text of messages) await rig.publish(`s.${text}`, text)
  const made = await rig.consumer('S', 'c', config)
  expect(made.code, JSON.stringify(made)).toBeUndefined()
  return rig
}

describe('a durable pull consumer with explicit ack', () => {
  it('delivers, settles and counts', async () => {
    const r = await rig(['1', '2', '3'])
    const got = await r.pull('S', 'c', 2)
    expect(got.map(numbers)).toEqual([
      [1, 1, 1, 2],
      [1, 2, 2, 1],
    ])
    expect(got[0].reply).toMatch(/^\$JS\.ACK\.S\.c\.1\.1\.1\.1767225600000000000\.2$/)
    await r.answer(got[1])
    expect(await r.info('S', 'c')).toMatchObject({
      delivered: { consumer_seq: 2, stream_seq: 2, last_active: '2026-01-01T00:00:00Z' },
      ack_floor: { consumer_seq: 0, stream_seq: 0 },
      num_ack_pending: 1,
      num_pending: 1,
    })
    await r.answer(got[0])
    expect(await r.info('S', 'c')).toMatchObject({ ack_floor: { consumer_seq: 2, stream_seq: 2 }, num_ack_pending: 0 })
  })

  it('goes on after a restart, pending messages included', async () => {
    const r = await rig(['1', '2', '3'], { ack_wait: 10 * SECOND })
    const [one, two] = await r.pull('S', 'c', 2)
    await r.answer(one)
    await r.engine.restart()
    expect(await r.info('S', 'c')).toMatchObject({ num_ack_pending: 1, num_pending: 1, ack_floor: { stream_seq: 1 } })
    expect((await r.pull('S', 'c')).map(numbers)).toEqual([[1, 3, 3, 0]])
    await r.engine.pass(10_001)
    expect((await r.pull('S', 'c')).map(numbers)).toEqual([[2, 2, 4, 0]])
    await r.answerSure(two)
    expect(await r.info('S', 'c')).toMatchObject({ num_ack_pending: 1, num_redelivered: 0 })
  })

  it('ignores an answer to a message that it never delivered', async () => {
    const r = await rig(['1', '2'])
    const [one] = await r.pull('S', 'c')
    await r.answer({ ...one, reply: '$JS.ACK.S.c.1.2.2.1.0' })
    expect(await r.info('S', 'c')).toMatchObject({ num_ack_pending: 1, num_pending: 1, ack_floor: { stream_seq: 0 } })
  })
})

describe('answers', () => {
  it('-NAK brings it again at once, before what is new; its delay in time', async () => {
    const r = await rig(['1', '2', '3'])
    const [one, two] = await r.pull('S', 'c', 2)
    await r.answer(two, '-NAK 2s')
    await r.answer(one, '-NAK')
    expect((await r.pull('S', 'c', 5)).map(numbers)).toEqual([
      [2, 1, 3, 1],
      [1, 3, 4, 0],
    ])
    await r.engine.pass(1900)
    expect(await r.pull('S', 'c', { no_wait: true })).toMatchObject([{ status: '404 No Messages' }])
    await r.engine.pass(101)
    expect((await r.pull('S', 'c')).map(numbers)).toEqual([[2, 2, 5, 0]])
  })

  it('+WPI begins the wait anew', async () => {
    const r = await rig(['1'], { ack_wait: SECOND })
    const [one] = await r.pull('S', 'c')
    for (let i = 0; i < 5; i++) {
      await r.engine.pass(900)
      await r.answer(one, '+WPI')
    }
    expect((await r.info('S', 'c')).num_redelivered).toBe(0)
    await r.engine.pass(1001)
    expect((await r.pull('S', 'c')).map(numbers)).toEqual([[2, 1, 2, 0]])
  })

  it('+TERM ends it, with an advisory', async () => {
    const r = await rig(['1'], { ack_wait: SECOND })
    const seen = r.advisories('$JS.EVENT.ADVISORY.CONSUMER.MSG_TERMINATED.>')
    const [one] = await r.pull('S', 'c')
    await r.answerSure(one, '+TERM broken')
    await r.engine.pass(5000)
    expect((await r.info('S', 'c')).num_ack_pending).toBe(0)
    expect(seen).toMatchObject([{ stream_seq: 1, consumer_seq: 1, deliveries: 1, reason: 'broken' }])
  })

  it('ack all settles everything before', async () => {
    const r = await rig(['1', '2', '3'], { ack_policy: 'all' })
    const got = await r.pull('S', 'c', 3)
    await r.answerSure(got[1])
    expect(await r.info('S', 'c')).toMatchObject({ num_ack_pending: 1, ack_floor: { consumer_seq: 2, stream_seq: 2 } })
    await r.answerSure(got[0])
    expect((await r.info('S', 'c')).num_ack_pending).toBe(1)
  })

  it('ack none needs none', async () => {
    const r = await rig(['1', '2'], { ack_policy: 'none' })
    await r.pull('S', 'c', 1)
    expect(await r.info('S', 'c')).toMatchObject({ num_ack_pending: 0, ack_floor: { consumer_seq: 1, stream_seq: 1 } })
  })

  it('sampling makes metric events', async () => {
    const r = await rig(['1', '2', '3', '4'], { sample_freq: '50%' })
    const seen = r.advisories('$JS.EVENT.METRIC.CONSUMER.ACK.>')
    for (const delivery of await r.pull('S', 'c', 4)) {
      await r.engine.pass(10)
      await r.answer(delivery)
    }
    expect(seen).toMatchObject([
      { type: 'io.nats.jetstream.metric.v1.consumer_ack', stream_seq: 2, ack_time: 20_000_000, deliveries: 1 },
      { stream_seq: 4, ack_time: 40_000_000 },
    ])
  })
})

describe('time', () => {
  it('backoff gives each delivery its own wait, and repeats the last', async () => {
    const r = await rig(['1'], { backoff: [SECOND, 3 * SECOND], max_deliver: 5 })
    const { got } = r.ask('S', 'c', { batch: 9, expires: 3600 * SECOND })
    const times: number[] = []
    for (let ms = 0; ms < 12_000; ms += 100) {
      const before = got.length
      await r.engine.pass(100)
      if (got.length > before) times.push((ms + 100) / 1000)
    }
    expect(times).toEqual([1, 4, 7, 10])
  })

  it('max_deliver ends the deliveries by time, with one advisory; a late ack still counts', async () => {
    const r = await rig(['1'], { ack_wait: SECOND, max_deliver: 2 }, { retention: 'workqueue' })
    const seen = r.advisories('$JS.EVENT.ADVISORY.CONSUMER.MAX_DELIVERIES.>')
    const [one] = await r.pull('S', 'c')
    await r.engine.pass(1001)
    await r.pull('S', 'c')
    await r.engine.pass(100_000)
    expect(seen).toMatchObject([{ stream_seq: 1, deliveries: 2 }])
    expect(await r.info('S', 'c')).toMatchObject({ num_ack_pending: 0, num_redelivered: 1 })
    expect(await r.stored('S')).toHaveLength(1)
    await r.answerSure(one)
    expect(await r.stored('S')).toHaveLength(0)
    expect((await r.info('S', 'c')).num_redelivered).toBe(0)
  })

  it('redelivers many that are due together in the order of the stream', async () => {
    const r = await rig(
      Array.from({ length: 20 }, (_, i) => String(i)),
      { ack_wait: SECOND },
    )
    await r.pull('S', 'c', 20)
    await r.engine.pass(1001)
    const again = await r.pull('S', 'c', 20)
    expect(again.map(({ seq }) => seq)).toEqual(Array.from({ length: 20 }, (_, i) => i + 1))
  })

  it('a pull consumer that nobody uses goes; work in progress keeps it', async () => {
    const r = await rig(['1'], { durable_name: '', name: 'c', inactive_threshold: SECOND, ack_wait: 10 * SECOND })
    const deleted = r.advisories('$JS.EVENT.ADVISORY.CONSUMER.DELETED.>')
    await r.pull('S', 'c')
    await r.engine.pass(10_500)
    expect(deleted).toEqual([])
    await r.engine.pass(3000)
    expect(deleted).toMatchObject([{ consumer: 'c' }])
  })
})

describe('where it begins', () => {
  const messages = ['a', 'b', 'a', 'c', 'b']
  it.each<[string, ConsumerConfigRequest, number[], number]>([
    ['all', {}, [1, 2, 3, 4, 5, 6], 0],
    ['all, filtered', { filter_subject: 's.b' }, [2, 5], 0],
    ['all, two filters', { filter_subjects: ['s.a', 's.c'] }, [1, 3, 4, 6], 0],
    ['last', { deliver_policy: 'last' }, [5, 6], 4],
    ['last, filtered', { deliver_policy: 'last', filter_subject: 's.a' }, [3, 6], 2],
    ['last of what is not there', { deliver_policy: 'last', filter_subject: 's.x' }, [], 0],
    ['new', { deliver_policy: 'new' }, [6], 5],
    ['a sequence', { deliver_policy: 'by_start_sequence', opt_start_seq: 4 }, [4, 5, 6], 3],
    ['a sequence ahead', { deliver_policy: 'by_start_sequence', opt_start_seq: 6 }, [6], 5],
    ['a time', { deliver_policy: 'by_start_time', opt_start_time: '2026-01-01T00:00:00.025Z' }, [4, 5, 6], 3],
    ['a time ahead', { deliver_policy: 'by_start_time', opt_start_time: '2027-01-01T00:00:00Z' }, [6], 5],
    ['the last of each subject', { deliver_policy: 'last_per_subject', filter_subject: 's.>' }, [3, 4, 5, 6], 2],
    ['the last of some', { deliver_policy: 'last_per_subject', filter_subjects: ['s.a', 's.b'] }, [3, 5, 6], 2],
  ])('%s', async (_, config, seqs, floor) => {
    const r = new ConsumerRig()
    await r.stream({ name: 'S', subjects: ['s.>'] })
    for (const text of messages) {
      await r.publish(`s.${text}`, text)
      await r.engine.pass(10)
    }
    const made = await r.consumer('S', 'c', config)
    expect([made.delivered, made.ack_floor]).toEqual([
      { consumer_seq: 0, stream_seq: floor },
      { consumer_seq: 0, stream_seq: floor },
    ])
    expect(made.num_pending).toBe(seqs.filter((seq) => seq < 6).length)
    await r.publish('s.a', 'sixth')
    expect((await r.info('S', 'c')).num_pending).toBe(seqs.length)
    const got = (await r.pull('S', 'c', { batch: 10, no_wait: true })).filter(({ status }) => status === '')
    expect(got.map(({ seq }) => seq)).toEqual(seqs)
    expect(got.map(({ pending }) => pending)).toEqual(seqs.map((_, i) => seqs.length - 1 - i))
  })

  it('last_per_subject goes on with its snapshot after a restart', async () => {
    const r = await rig(['a', 'b', 'c'], { deliver_policy: 'last_per_subject', filter_subject: 's.>' })
    for (const text of ['a', 'b', 'c']) await r.publish(`s.${text}`, 'newer')
    expect((await r.pull('S', 'c')).map(({ seq }) => seq)).toEqual([1])
    await r.engine.restart()
    const rest = await r.pull('S', 'c', { batch: 10, no_wait: true })
    expect(rest.map(({ seq }) => seq)).toEqual([2, 3, 4, 5, 6, 0])
  })
})

describe('messages that leave the stream', () => {
  it('are skipped, and no longer counted', async () => {
    const r = await rig(['1', '2', '3', '4'])
    await r.pull('S', 'c')
    await r.engine.api('STREAM.MSG.DELETE.S', { seq: 3 })
    expect((await r.info('S', 'c')).num_pending).toBe(2)
    expect((await r.pull('S', 'c', { batch: 9, no_wait: true })).map(({ seq }) => seq)).toEqual([2, 4, 0])
  })

  it('while they wait for an answer: settled, with an advisory', async () => {
    const r = await rig(['1', '2'])
    const seen = r.advisories('$JS.EVENT.ADVISORY.CONSUMER.MSG_TERMINATED.>')
    await r.pull('S', 'c', 2)
    await r.engine.api('STREAM.MSG.DELETE.S', { seq: 1 })
    await r.engine.pass(0)
    expect(seen).toMatchObject([{ stream_seq: 1, reason: 'Unacknowledged message was deleted' }])
    expect(await r.info('S', 'c')).toMatchObject({ num_ack_pending: 1, ack_floor: { stream_seq: 1 } })
  })

  it('by a purge: position, floor and pending move', async () => {
    const r = await rig(['1', '2', '3'])
    await r.pull('S', 'c', 2)
    await r.engine.api('STREAM.PURGE.S')
    expect(await r.info('S', 'c')).toMatchObject({
      delivered: { consumer_seq: 2, stream_seq: 3 },
      ack_floor: { consumer_seq: 2, stream_seq: 3 },
      num_ack_pending: 0,
      num_pending: 0,
    })
    await r.publish('s.4', '4')
    expect((await r.pull('S', 'c')).map(numbers)).toEqual([[1, 4, 3, 0]])
  })
})

describe('max_ack_pending', () => {
  it('stops what is new, not what comes again; an ack makes room', async () => {
    const r = await rig(['1', '2', '3'], { max_ack_pending: 1 })
    const { got } = r.ask('S', 'c', { batch: 9, expires: 60 * SECOND })
    await r.engine.pass(0)
    await r.answer(got[0], '-NAK')
    expect(got.map(numbers)).toEqual([
      [1, 1, 1, 2],
      [2, 1, 2, 2],
    ])
    await r.answer(got[1])
    expect(got.map(({ seq }) => seq)).toEqual([1, 1, 2])
  })
})

describe('lists', () => {
  it('are sorted and paged', async () => {
    const r = new ConsumerRig(new TestEngine())
    await r.stream({ name: 'S', subjects: ['s'] })
    for (const name of ['b', 'a', 'c']) await r.consumer('S', name)
    expect((await r.engine.api('CONSUMER.NAMES.S', { offset: 1 })).json).toMatchObject({
      total: 3,
      offset: 1,
      limit: 1024,
      consumers: ['b', 'c'],
    })
    const { json } = await r.engine.api('CONSUMER.LIST.S')
    expect(json.consumers.map(({ name }: { name: string }) => name)).toEqual(['a', 'b', 'c'])
    expect((await r.engine.api('CONSUMER.NAMES.X')).json).toMatchObject({
      error: { err_code: 10059 },
      total: 0,
      consumers: [],
    })
    await r.engine.api('CONSUMER.DELETE.S.b')
    expect((await r.engine.api('CONSUMER.DELETE.S.b')).json.error.err_code).toBe(10014)
    expect((await r.engine.api('CONSUMER.INFO.S.a', { x: 1 })).json.error.err_code).toBe(10038)
  })

  it('advisories tell of creation and deletion', async () => {
    const r = new ConsumerRig()
    const seen = r.advisories()
    await r.stream({ name: 'S', subjects: ['s'] })
    await r.consumer('S', 'c')
    await r.engine.api('CONSUMER.DELETE.S.c')
    await r.engine.pass(0)
    expect(seen.map(({ stream, consumer, action }) => [stream, consumer, action])).toEqual([
      ['S', 'c', 'create'],
      ['S', 'c', 'delete'],
    ])
  })
})
