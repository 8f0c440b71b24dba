import { beforeAll, describe, expect, it } from 'vitest'
import { ConsumerRig } from '../testing/consumer-rig.ts'
import { TestEngine } from '../testing/engine.ts'
import type { ConsumerConfigRequest } from './consumer-config.ts'
import { goDuration } from './consumer-rules.ts'

const SECOND = 1e9
let rig: ConsumerRig

beforeAll(async () => {
  rig = new ConsumerRig(new TestEngine())
  await rig.stream({ name: 'S', subjects: ['s.>'] })
  await rig.stream({ name: 'Q', subjects: ['q.>'], retention: 'workqueue' })
  await rig.stream({
    name: 'LIMITED',
    subjects: ['l.>'],
    consumer_limits: { max_ack_pending: 10, inactive_threshold: SECOND },
  })
  await rig.stream({ name: 'FEW', subjects: ['f.>'], max_consumers: 1 })
})

describe('defaults', () => {
  it('are those of nats-server, in its order, and only what says something is shown', async () => {
    const { config } = await rig.consumer('S', 'defaults')
    expect(JSON.stringify(config)).toBe(
      '{"durable_name":"defaults","name":"defaults","deliver_policy":"all","ack_policy":"explicit",' +
        '"ack_wait":30000000000,"max_deliver":-1,"replay_policy":"instant","max_waiting":512,"max_ack_pending":1000,' +
        '"num_replicas":0}',
    )
  })

  it.each<[string, ConsumerConfigRequest, object]>([
    ['an ephemeral goes after five seconds', { durable_name: '' }, { inactive_threshold: 5 * SECOND }],
    ['ack none has neither wait nor bound', { ack_policy: 'none' }, { ack_policy: 'none', max_deliver: -1 }],
    ['the first backoff is the wait', { backoff: [SECOND, 2 * SECOND] }, { ack_wait: SECOND }],
    ['max_deliver 0 is unlimited', { max_deliver: 0 }, { max_deliver: -1 }],
    ['negative bounds say nothing', { max_batch: -1, max_bytes: -1, max_expires: -5 }, { max_waiting: 512 }],
    ['max_ack_pending below -1 is -1', { max_ack_pending: -9 }, { max_ack_pending: -1 }],
    ['a filter list of one stays a list', { filter_subjects: ['s.1'] }, { filter_subjects: ['s.1'] }],
  ])('%s', async (name, config, shown) => {
    const id = name.replace(/\W/g, '_')
    expect((await rig.consumer('S', id, config)).config).toMatchObject(shown)
  })

  it("take the stream's consumer limits", async () => {
    const { config } = await rig.consumer('LIMITED', 'c')
    expect(config).toMatchObject({ max_ack_pending: 10, inactive_threshold: SECOND })
  })
})

describe('refused', () => {
  it.each<[string, ConsumerConfigRequest, number, string | RegExp]>([
    ['bad name', { name: 'a', durable_name: 'a.b' }, 10017, /does not match durable name/],
    ['replicas', { num_replicas: 3 }, 10074, /not supported in non-clustered/],
    ['negative replicas', { num_replicas: -1 }, 10133, /can ?not be negative/],
    ['negative backoff', { backoff: [-1] }, 10184, 'consumer backoff needs to be positive'],
    ['negative wait', { ack_wait: -1 }, 10183, 'consumer ack wait needs to be positive'],
    ['more backoffs than deliveries', { backoff: [1, 2, 3], max_deliver: 2 }, 10116, /length of backoff/],
    ['a long description', { description: 'x'.repeat(4097) }, 10107, /maximum allowed is 4096/],
    [
      'long metadata',
      { metadata: { a: 'x'.repeat(131_072) } },
      10135,
      'consumer metadata exceeds maximum size of 128KB',
    ],
    ['a deliver subject with wildcards', { deliver_subject: 'd.*' }, 10079, /has wildcards/],
    ['an invalid deliver subject', { deliver_subject: 'd..x' }, 10112, /invalid push consumer/],
    ['a cycle', { deliver_subject: 's.x' }, 10081, /forms a cycle/],
    ['push with max_waiting', { deliver_subject: 'd', max_waiting: 5 }, 10080, /max waiting/],
    [
      'push, ack none, max_ack_pending',
      { deliver_subject: 'd', ack_policy: 'none', max_ack_pending: 5 },
      10082,
      /ack policy/,
    ],
    ['a fast heartbeat', { deliver_subject: 'd', idle_heartbeat: 1 }, 10083, />= 100ms/],
    ['pull with rate limit', { rate_limit_bps: 1 }, 10086, /rate limit/],
    ['pull with heartbeat', { idle_heartbeat: SECOND }, 10088, /heartbeat requires a push/],
    ['pull with flow control', { flow_control: true }, 10089, /flow control requires a push/],
    ['flow control without heartbeat', { deliver_subject: 'd', flow_control: true }, 10108, /needs heartbeats/],
    ['short max_expires', { max_expires: 1 }, 10115, />= 1ms/],
    ['both kinds of filter', { filter_subject: 's.1', filter_subjects: ['s.2'] }, 10136, /both FilterSubject/],
    ['an empty filter', { filter_subjects: [''] }, 10139, /cannot be empty/],
    ['filters within each other', { filter_subjects: ['s.*', 's.1'] }, 10138, /cannot overlap/],
    ['an invalid filter', { filter_subject: 's..1' }, 10052, 'invalid subject'],
    [
      'a start sequence with deliver all',
      { opt_start_seq: 1 },
      10094,
      /deliver all, but optional start sequence is also set/,
    ],
    ['no start sequence', { deliver_policy: 'by_start_sequence' }, 10094, /start sequence is not set/],
    ['no start time', { deliver_policy: 'by_start_time' }, 10094, /start time is not set/],
    ['last_per_subject without filter', { deliver_policy: 'last_per_subject' }, 10094, /filter subject is not set/],
    ['sampling that is no number', { sample_freq: 'x' }, 10095, /strconv.Atoi: parsing "x"/],
    ['negative sampling', { sample_freq: '-1%' }, 10095, /<nil>/],
    ['pause_until', { pause_until: '2030-01-01T00:00:00Z' }, 10052, /pause_until is not supported/],
    ['priority groups', { priority_groups: ['a'], priority_policy: 'overflow' }, 10052, /priority_groups is not/],
    ['ack policy flow_control', { ack_policy: 'flow_control' }, 10052, /ack_policy flow_control is not/],
    ['direct for pull', { direct: true }, 10090, /direct requires a push/],
    ['direct and durable', { direct: true, deliver_subject: 'd' }, 10091, /requires an ephemeral/],
    ['sourcing', { sourcing: true }, 10052, /sourcing is not supported/],
  ])('%s', async (_, config, err_code, description) => {
    const refused = await rig.consumer('S', 'refused', config)
    expect(refused.err_code, JSON.stringify(refused)).toBe(err_code)
    expect(refused.description).toMatch(description)
  })

  it('work queues want explicit acks, everything from the start, and disjoint filters', async () => {
    const code = async (name: string, config: ConsumerConfigRequest) => (await rig.consumer('Q', name, config)).err_code
    expect(await code('a', { ack_policy: 'none' })).toBe(10084)
    expect(await code('a', { ack_policy: 'all' })).toBe(10098)
    expect(await code('a', { deliver_policy: 'new' })).toBe(10101)
    expect(await code('a', { filter_subject: 'q.1.>' })).toBeUndefined()
    expect(await code('b', {})).toBe(10099)
    expect(await code('b', { filter_subject: 'q.*.x' })).toBe(10100)
    expect(await code('b', { filter_subject: 'q.2.>' })).toBeUndefined()
    expect(await code('b', { filter_subject: 'q.>' })).toBe(10100)
  })

  it('what exceeds the limits of the stream', async () => {
    expect((await rig.consumer('LIMITED', 'm', { max_ack_pending: 11 })).err_code).toBe(10121)
    expect(await rig.consumer('LIMITED', 'm', { inactive_threshold: 2 * SECOND })).toMatchObject({
      err_code: 10153,
      description: 'consumer inactive threshold exceeds system limit of 1s',
    })
    expect((await rig.consumer('FEW', 'one')).err_code).toBeUndefined()
    expect((await rig.consumer('FEW', 'two')).err_code).toBe(10026)
  })

  it('in pedantic mode, whatever would be changed silently', async () => {
    const { json } = await rig.engine.api('CONSUMER.CREATE.S.p', {
      stream_name: 'S',
      pedantic: true,
      config: { name: 'p', ack_policy: 'explicit', max_batch: -1 },
    })
    expect(json.error).toMatchObject({ err_code: 10157, description: 'pedantic mode: max_batch must not be negative' })
  })
})

describe('the three forms of create', () => {
  const create = async (subject: string, config: object, more: object = {}) =>
    (await rig.engine.api(`CONSUMER.${subject}`, { stream_name: 'S', config, ...more })).json

  it('names an ephemeral itself, outside its config', async () => {
    const { name, config } = await create('CREATE.S', {})
    expect(name).toMatch(/^\w{8}$/)
    expect(config.name).toBeUndefined()
  })

  it.each<[string, string, object, number]>([
    ['an ephemeral with a durable name', 'CREATE.S', { durable_name: 'd' }, 10020],
    ['another name in the durable', 'DURABLE.CREATE.S.d', { durable_name: 'e' }, 10017],
    ['no name in the durable', 'DURABLE.CREATE.S.d', {}, 10018],
    ['no name in the subject', 'DURABLE.CREATE.S', { durable_name: 'd' }, 10016],
    ['another filter than the subject says', 'CREATE.S.d.s.1', { filter_subject: 's.2' }, 10131],
    ['several filters and one in the subject', 'CREATE.S.d.s.1', { filter_subjects: ['s.1'] }, 10137],
    ['a path in the name', 'CREATE.S.a\\b', {}, 10127],
  ])('refuses %s', async (_, subject, config, err_code) => {
    expect((await create(subject, config)).error?.err_code).toBe(err_code)
  })

  it('refuses another stream in the body, a stream that is not there, and an unknown action', async () => {
    expect((await create('CREATE.X.c', {})).error.err_code).toBe(10056)
    expect((await create('CREATE.X.c', {}, { stream_name: 'X' })).error.err_code).toBe(10059)
    expect((await create('CREATE.S.c', {}, { action: 'x' })).error).toMatchObject({
      err_code: 10025,
      description: 'invalid JSON: unknown consumer action: "x"',
    })
    expect((await create('CREATE.S.c', { x: 1 })).error.description).toBe('invalid JSON: json: unknown field "x"')
  })

  it('creates only, updates only, or either', async () => {
    const config = { durable_name: 'act', ack_policy: 'explicit' }
    expect((await create('CREATE.S.act', config, { action: 'update' })).error.err_code).toBe(10149)
    expect((await create('CREATE.S.act', config, { action: 'create' })).name).toBe('act')
    expect((await create('CREATE.S.act', config, { action: 'create' })).name).toBe('act')
    const changed = { ...config, description: 'new' }
    expect((await create('CREATE.S.act', changed, { action: 'create' })).error.err_code).toBe(10148)
    expect((await create('CREATE.S.act', changed)).config.description).toBe('new')
  })

  it('refuses by name what is not there yet', async () => {
    for (const call of ['PAUSE', 'RESET', 'UNPIN']) {
      const { json } = await rig.engine.api(`CONSUMER.${call}.S.act`, {})
      expect(json.error.description).toContain('not supported by Headwater yet')
    }
    const { json } = await rig.engine.api('CONSUMER.LEADER.STEPDOWN.S.act')
    expect(json.error.err_code).toBe(10010)
  })
})

describe('an update', () => {
  it.each<[string, ConsumerConfigRequest, ConsumerConfigRequest, string]>([
    ['deliver_policy', {}, { deliver_policy: 'new' }, 'deliver policy can not be updated'],
    ['ack_policy', {}, { ack_policy: 'all' }, 'ack policy can not be updated'],
    ['replay_policy', {}, { replay_policy: 'original' }, 'replay policy can not be updated'],
    ['mem_storage', {}, { mem_storage: true }, 'storage type can not be updated'],
    ['max_waiting', {}, { max_waiting: 5 }, 'max waiting can not be updated'],
    ['pull to push', {}, { deliver_subject: 'd' }, 'can not update pull consumer to push based'],
    ['push to pull', { deliver_subject: 'd' }, {}, 'can not update push consumer to pull based'],
    [
      'heartbeat',
      { deliver_subject: 'd' },
      { deliver_subject: 'd', idle_heartbeat: SECOND },
      'heart beats can not be updated',
    ],
  ])('may not change %s', async (name, before, after, description) => {
    const id = `u_${name.replace(/\W/g, '_')}`
    await rig.consumer('S', id, before)
    expect(await rig.consumer('S', id, after)).toMatchObject({ code: 500, err_code: 10012, description })
  })

  it('moves a push consumer only while nobody listens', async () => {
    await rig.consumer('S', 'push', { deliver_subject: 'here' })
    const { end } = rig.listen('here')
    expect((await rig.consumer('S', 'push', { deliver_subject: 'there' })).err_code).toBe(10013)
    end()
    expect((await rig.consumer('S', 'push', { deliver_subject: 'there' })).config.deliver_subject).toBe('there')
  })

  it('of filters keeps the position and counts anew', async () => {
    const r = new ConsumerRig()
    await r.stream({ name: 'S', subjects: ['s.>'] })
    for (const n of [1, 2, 1, 2, 2]) await r.publish(`s.${n}`, String(n))
    await r.consumer('S', 'c', { filter_subject: 's.1' })
    expect((await r.pull('S', 'c')).map(({ seq }) => seq)).toEqual([1])
    await r.consumer('S', 'c', { filter_subject: 's.2' })
    expect((await r.info('S', 'c')).num_pending).toBe(3)
    expect((await r.pull('S', 'c', { batch: 9, no_wait: true })).map(({ seq }) => seq)).toEqual([2, 4, 5, 0])
  })

  it('takes effect: max_ack_pending opens the way', async () => {
    const r = new ConsumerRig()
    await r.stream({ name: 'S', subjects: ['s'] })
    for (let i = 0; i < 3; i++) await r.publish('s')
    await r.consumer('S', 'c', { max_ack_pending: 1 })
    const { got } = r.ask('S', 'c', { batch: 3, expires: 60 * SECOND })
    await r.engine.pass(0)
    expect(got).toHaveLength(1)
    await r.consumer('S', 'c', { max_ack_pending: 2 })
    expect(got).toHaveLength(2)
  })
})

it.each([
  [0, '0s'],
  [250_000_000, '250ms'],
  [1_500_000_000, '1.5s'],
  [90 * SECOND, '1m30s'],
  [3600 * SECOND, '1h0m0s'],
  [1500, '1.5µs'],
])('%d ns are told as %s', (ns, text) => {
  expect(goDuration(ns)).toBe(text)
})
