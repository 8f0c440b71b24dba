import { describe, expect, it } from 'vitest'
import { ConsumerRig } from '../testing/consumer-rig.ts'
import type { ConsumerConfigRequest } from './consumer-config.ts'

const SECOND = 1e9

async function rig(config: ConsumerConfigRequest = {}, messages: string[] = ['1', '2']): Promise<ConsumerRig> {
  const rig = new ConsumerRig()
  await rig.stream({ name: 'S', subjects: ['s'] })
  for (const text of messages) await rig.publish('s', text)
  const made = await rig.consumer('S', 'c', { deliver_subject: 'here', ...config })
  expect(made.code, JSON.stringify(made)).toBeUndefined()
  return rig
}

describe('interest', () => {
  it('starts and stops delivery', async () => {
    const r = await rig()
    expect(await r.info('S', 'c')).toMatchObject({ delivered: { consumer_seq: 0 } })
    const first = r.listen('here')
    expect(first.got.map(({ text }) => text)).toEqual(['1', '2'])
    expect((await r.info('S', 'c')).push_bound).toBe(true)
    first.end()
    await r.publish('s', '3')
    expect(await r.info('S', 'c')).toMatchObject({ delivered: { consumer_seq: 2 }, num_pending: 1 })
    expect((await r.info('S', 'c')).push_bound).toBeUndefined()
    expect(r.listen('here').got.map(({ text }) => text)).toEqual(['3'])
  })

  it('in a deliver group is that of its members', async () => {
    const r = await rig({ deliver_group: 'workers' })
    const plain = r.listen('here')
    expect(plain.got).toEqual([])
    const member = r.listen('here', 'workers')
    expect(member.got.map(({ text }) => text)).toEqual(['1', '2'])
    // As in NATS, who listens without the group hears it too.
    expect(plain.got.map(({ text }) => text)).toEqual(['1', '2'])
  })

  it('an ephemeral goes when nobody listens for its inactive_threshold, in message time', async () => {
    const r = await rig({ durable_name: '', name: 'c', inactive_threshold: SECOND })
    const deleted = r.advisories('$JS.EVENT.ADVISORY.CONSUMER.DELETED.>')
    const listener = r.listen('here')
    await r.engine.pass(10_000)
    expect(deleted).toEqual([])
    listener.end()
    await r.engine.pass(900)
    expect(deleted).toEqual([])
    await r.engine.pass(200)
    expect(deleted).toMatchObject([{ stream: 'S', consumer: 'c', action: 'delete' }])
  })

  it('redelivers what is not answered in time', async () => {
    const r = await rig({ ack_wait: SECOND }, ['1'])
    const { got } = r.listen('here')
    await r.engine.pass(1001)
    expect(got.map(({ deliveries, seq, consumerSeq }) => [deliveries, seq, consumerSeq])).toEqual([
      [1, 1, 1],
      [2, 1, 2],
    ])
  })
})

describe('heartbeats', () => {
  it('come while it is idle and someone listens', async () => {
    const r = await rig({ idle_heartbeat: SECOND })
    await r.engine.pass(3000)
    const { got } = r.listen('here')
    await r.engine.pass(2500)
    const beats = got.filter(({ status }) => status === '100 Idle Heartbeat')
    expect(beats.map(({ header }) => [header('Nats-Last-Consumer'), header('Nats-Last-Stream')])).toEqual([
      ['2', '2'],
      ['2', '2'],
    ])
  })
})

describe('flow control', () => {
  it('asks beyond half the window, stops at the window, and doubles it with each answer', async () => {
    const body = 'x'.repeat(100_000)
    const r = await rig(
      { idle_heartbeat: SECOND, flow_control: true, ack_policy: 'none' },
      Array.from({ length: 60 }, () => body),
    )
    const { got } = r.listen('here')
    await r.engine.pass(0)
    const asked = () => got.filter(({ status }) => status === '100 FlowControl Request')
    const messages = () => got.filter(({ status }) => status === '').length
    // 2 MiB: asked after the first MiB, stopped just beyond the second.
    expect(got.findIndex(({ status }) => status !== '')).toBe(11)
    expect(messages()).toBe(21)
    expect(asked()[0].reply).toMatch(/^\$JS\.FC\.S\.c\.\w{4}$/)
    await r.engine.pass(1100)
    expect(got.at(-1)?.header('Nats-Consumer-Stalled')).toBe(asked()[0].reply)
    r.engine.send('$JS.FC.S.c.XXXX')
    await r.engine.pass(0)
    expect(messages()).toBe(21)
    r.engine.send(asked()[0].reply)
    await r.engine.pass(0)
    expect(messages()).toBeGreaterThan(21 + 20)
    expect(asked()).toHaveLength(2)
    r.engine.send(asked()[1].reply)
    await r.engine.pass(0)
    expect(messages()).toBe(60)
  })
})

describe('rate limit', () => {
  it('lets a burst through and then so many bits a second', async () => {
    const rig = new ConsumerRig()
    await rig.stream({ name: 'S', subjects: ['s'], max_msg_size: 1000 })
    for (let i = 0; i < 30; i++) await rig.publish('s', 'x'.repeat(900))
    await rig.consumer('S', 'c', { deliver_subject: 'here', rate_limit_bps: 80_000 })
    const { got } = rig.listen('here')
    await rig.engine.pass(0)
    const atOnce = got.length
    expect(atOnce).toBeLessThan(4)
    await rig.engine.pass(1000)
    // 10,000 bytes a second, a message of 900 and its subjects.
    expect(got.length - atOnce).toBeGreaterThan(8)
    expect(got.length - atOnce).toBeLessThan(13)
  })
})

describe('headers_only', () => {
  it('sends headers and the size', async () => {
    const r = await rig({ headers_only: true }, [])
    await r.publish('s', 'twelve bytes', [['Trace', 'a']])
    await r.publish('s', '')
    const { got } = r.listen('here')
    expect(got.map(({ text, header }) => [text, header('Trace'), header('Nats-Msg-Size')])).toEqual([
      ['', 'a', '12'],
      ['', undefined, '0'],
    ])
  })
})

describe('replay', () => {
  it('original keeps the gaps of what lay there, in message time', async () => {
    const rig = new ConsumerRig()
    await rig.stream({ name: 'S', subjects: ['s'] })
    for (const gapMs of [0, 1000, 5000]) {
      await rig.engine.pass(gapMs)
      await rig.publish('s', String(gapMs))
    }
    await rig.consumer('S', 'c', { deliver_subject: 'here', replay_policy: 'original' })
    const { got } = rig.listen('here')
    const counts: number[] = []
    for (const ms of [0, 999, 1, 4999, 1]) {
      await rig.engine.pass(ms)
      counts.push(got.length)
    }
    expect(counts).toEqual([1, 1, 2, 2, 3])
    await rig.publish('s', 'new ones come at once')
    await rig.engine.pass(0)
    expect(got).toHaveLength(4)
  })
})

describe('an ordered consumer, as the official clients make it', () => {
  it('numbers from one without gaps, starts where it is told, and needs no answers', async () => {
    const rig = new ConsumerRig()
    await rig.stream({ name: 'S', subjects: ['s.>'] })
    for (let i = 1; i <= 5; i++) await rig.publish(`s.${i % 2}`, String(i))
    const { got } = rig.listen('inbox')
    const made = await rig.consumer('S', 'ordered1', {
      durable_name: '',
      name: 'ordered1',
      ack_policy: 'none',
      max_deliver: 1,
      mem_storage: true,
      num_replicas: 1,
      inactive_threshold: 300 * SECOND,
      flow_control: true,
      idle_heartbeat: 5 * SECOND,
      deliver_subject: 'inbox',
      deliver_policy: 'by_start_sequence',
      opt_start_seq: 2,
      filter_subject: 's.1',
    })
    expect(made.num_pending).toBe(2)
    expect(got.map(({ seq, consumerSeq, pending }) => [seq, consumerSeq, pending])).toEqual([
      [3, 1, 1],
      [5, 2, 0],
    ])
    expect(await rig.info('S', 'ordered1')).toMatchObject({ num_ack_pending: 0, ack_floor: { consumer_seq: 2 } })
    // In memory only: a restart ends it.
    await rig.engine.restart()
    expect((await rig.engine.api('CONSUMER.INFO.S.ordered1')).json.error.err_code).toBe(10014)
  })
})
