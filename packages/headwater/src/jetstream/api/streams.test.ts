import { describe, expect, test } from 'vitest'
import { TestEngine } from '../testing/engine.ts'
import { apiErrors } from './errors.ts'

async function engineWith(...names: string[]): Promise<TestEngine> {
  const engine = new TestEngine()
  for (const name of names) {
    expect((await engine.api(`STREAM.CREATE.${name}`, { name, subjects: [`${name}.>`] })).json.error).toBeUndefined()
  }
  return engine
}

describe('a call', () => {
  test.each([
    ['INFO', 'anything', 'account_info', undefined],
    ['NOTHING', '', 'system', 10003],
    ['STREAM.NOTHING.S', '', 'system', 10003],
    ['STREAM.INFO', '', 'system', 10003],
    ['STREAM.INFO.S.x', '', 'system', 10003],
    ['STREAM.INFO.S', 'ignored', 'stream_info', undefined],
    ['STREAM.INFO.S', '{"x":1}', 'stream_info', 10025],
    ['STREAM.INFO.T', '', 'stream_info', 10059],
    ['STREAM.DELETE.S', '{"x":1}', 'stream_delete', 10038],
    ['STREAM.DELETE.S', 'x', 'stream_delete', 10038],
    ['STREAM.MSG.GET.S', '', 'stream_msg_get', 10003],
    ['STREAM.MSG.GET.S', '{}', 'stream_msg_get', 10003],
    ['STREAM.MSG.GET.S', '{"seq":1}', 'stream_msg_get', 10037],
    ['STREAM.MSG.GET.S', '{"seq":1,"batch":5}', 'stream_msg_get', 10003],
    ['STREAM.MSG.GET.S', '{"seq":1,"last_by_subj":"a"}', 'stream_msg_get', 10003],
    ['STREAM.MSG.DELETE.S', ' { } ', 'stream_msg_delete', 10003],
    ['STREAM.MSG.DELETE.S', '{"seq":1}', 'stream_msg_delete', 10043],
    ['STREAM.SNAPSHOT.S', '{}', 'stream_snapshot', 10064],
    ['STREAM.RESTORE.S', '{}', 'stream_restore', 10062],
    ['STREAM.PEER.REMOVE.S', '', 'stream_remove_peer', 10010],
    ['STREAM.LEADER.STEPDOWN.S', '', 'stream_leader_stepdown', 10010],
    ['META.LEADER.STEPDOWN', '', 'meta_leader_stepdown', 10010],
    ['STREAM.CREATE.T', '{"name":"S"}', 'stream_create', 10056],
    ['STREAM.CREATE.T', '', 'stream_create', 10056],
    ['STREAM.CREATE.S', '{"name":"S"}', 'stream_create', 10058],
    ['STREAM.CREATE.T', '{"name":"T","subjects":["S.a"]}', 'stream_create', 10065],
    ['STREAM.CREATE.a/b', '{"name":"a/b"}', 'stream_create', 10128],
    ['STREAM.CREATE.T', '{"name":"T","sealed":true}', 'stream_create', 10052],
    ['STREAM.UPDATE.T', '{"name":"T"}', 'stream_update', 10059],
    ['STREAM.UPDATE.S', '', 'stream_update', 10052],
    ['STREAM.UPDATE.S', '{"name":"T"}', 'stream_update', 10056],
    ['STREAM.UPDATE.S', '{"name":"S","mirror":{"name":"T"}}', 'stream_update', 10055],
  ])('%s with %s answers %s, error %s', async (subject, body, type, err_code) => {
    const engine = await engineWith('S')
    const { json } = await engine.api(subject, body)
    expect(json.type).toBe(`io.nats.jetstream.api.v1.${type}_response`)
    expect(json.error?.err_code).toBe(err_code)
  })

  test('may demand our API level and no more', async () => {
    const engine = await engineWith('S')
    const ask = (level: string) => engine.request('$JS.API.STREAM.INFO.S', '', [['Nats-Required-Api-Level', level]])
    expect((await ask('0')).json.error).toBeUndefined()
    expect((await ask('1')).json.error.err_code).toBe(10185)
    expect((await ask('x')).json.error.err_code).toBe(10185)
  })

  test('is counted, and so is each error', async () => {
    const engine = await engineWith('S')
    await engine.api('STREAM.INFO.T')
    await engine.api('STREAM.INFO.S')
    expect((await engine.api('INFO')).json.api).toEqual({ level: 0, total: 3, errors: 1 })
  })

  test('for the consumer that nobody is, or a stream without direct gets, has no responder', async () => {
    const engine = await engineWith('S')
    await expect(engine.api('CONSUMER.MSG.NEXT.S.C')).rejects.toThrow('no responders')
    await expect(engine.api('DIRECT.GET.S', { seq: 1 })).rejects.toThrow('no responders')
  })

  test('without a reply subject is carried out all the same', async () => {
    const engine = await engineWith('S')
    engine.send('$JS.API.STREAM.DELETE.S')
    expect(engine.jetstream.streams()).toEqual([])
  })
})

describe('streams', () => {
  test('are created once, and again with the same wishes', async () => {
    const engine = new TestEngine()
    const first = (await engine.api('STREAM.CREATE.S', { name: 'S', max_msgs: 5 })).json
    engine.send('S')
    const second = (await engine.api('STREAM.CREATE.S', { name: 'S', max_msgs: 5, subjects: ['S'] })).json
    expect(first.did_create).toBe(true)
    expect(second).toMatchObject({ did_create: true, created: first.created, state: { messages: 1 } })
  })

  test('tell their state', async () => {
    const engine = await engineWith('S')
    engine.send('S.a', 'x')
    await engine.pass(1000)
    for (const subject of ['S.b', 'S.a', 'S.c']) engine.send(subject, 'x')
    await engine.api('STREAM.MSG.DELETE.S', { seq: 2 })
    const { json } = await engine.api('STREAM.INFO.S', { deleted_details: true, subjects_filter: 'S.*' })
    expect(json).toMatchObject({
      total: 2,
      offset: 0,
      limit: 100_000,
      cluster: { leader: 'test' },
      state: {
        messages: 3,
        bytes: 102,
        first_seq: 1,
        first_ts: '2026-01-01T00:00:00Z',
        last_seq: 4,
        last_ts: '2026-01-01T00:00:01Z',
        num_subjects: 2,
        subjects: { 'S.a': 2, 'S.c': 1 },
        num_deleted: 1,
        deleted: [2],
        consumer_count: 0,
      },
    })
    await engine.api('STREAM.PURGE.S')
    expect((await engine.api('STREAM.INFO.S', { subjects_filter: 'S.*' })).json).toMatchObject({
      total: 0,
      limit: 0,
      state: {
        messages: 0,
        first_seq: 5,
        first_ts: '0001-01-01T00:00:00Z',
        last_seq: 4,
        last_ts: '2026-01-01T00:00:01Z',
      },
    })
  })

  test('begin with the sequence that was asked for', async () => {
    const engine = new TestEngine()
    await engine.api('STREAM.CREATE.S', { name: 'S', first_seq: 100 })
    expect((await engine.api('STREAM.INFO.S')).json.state).toMatchObject({ messages: 0, first_seq: 100, last_seq: 99 })
    expect((await engine.request('S', 'x')).json.seq).toBe(100)
  })

  test('are named and listed in pages, by subject', async () => {
    const engine = await engineWith('C', 'A', 'B')
    const names = async (body: object | string) => (await engine.api('STREAM.NAMES', body)).json
    expect(await names('')).toMatchObject({ total: 3, offset: 0, limit: 1024, streams: ['A', 'B', 'C'] })
    expect(await names({ offset: 1 })).toMatchObject({ total: 3, offset: 1, streams: ['B', 'C'] })
    expect(await names({ offset: -1 })).toMatchObject({ offset: 0, streams: ['A', 'B', 'C'] })
    expect(await names({ offset: 9 })).toMatchObject({ total: 3, offset: 3, streams: null })
    expect(await names({ subject: 'B.x' })).toMatchObject({ total: 1, streams: ['B'] })
    expect(await names({ subject: '*.x' })).toMatchObject({ total: 3 })
    expect(await names({ subject: 'D' })).toMatchObject({ total: 0, streams: null })
    const list = (await engine.api('STREAM.LIST', { offset: 2 })).json
    expect(list).toMatchObject({ total: 3, offset: 2, limit: 256 })
    expect(list.streams.map((stream: { config: { name: string } }) => stream.config.name)).toEqual(['C'])
  })

  test('change what they capture', async () => {
    const engine = await engineWith('S')
    const { json } = await engine.api('STREAM.UPDATE.S', { name: 'S', subjects: ['t', 'S.a'] })
    expect(json.config.subjects).toEqual(['t', 'S.a'])
    expect((await engine.request('t', 'x')).json.seq).toBe(1)
    expect((await engine.request('S.a', 'x')).json.seq).toBe(2)
    await expect(engine.request('S.b', 'x')).rejects.toThrow('no responders')
  })

  test('that are deleted capture nothing and are forgotten', async () => {
    const engine = await engineWith('S')
    expect((await engine.api('STREAM.DELETE.S')).json).toEqual({
      type: 'io.nats.jetstream.api.v1.stream_delete_response',
      success: true,
    })
    await expect(engine.request('S.a')).rejects.toThrow('no responders')
    await engine.restart()
    expect((await engine.api('STREAM.NAMES')).json.streams).toBeNull()
  })

  test('that are sealed take and lose nothing', async () => {
    const engine = await engineWith('S')
    engine.send('S.a', 'x')
    const sealed = { name: 'S', subjects: ['S.>'], sealed: true }
    expect((await engine.api('STREAM.UPDATE.S', sealed)).json.config).toMatchObject({ sealed: true, deny_purge: true })
    expect((await engine.request('S.a', 'x')).json.error).toEqual(apiErrors.streamSealed)
    expect((await engine.api('STREAM.PURGE.S')).json.error.err_code).toBe(10109)
    expect((await engine.api('STREAM.MSG.DELETE.S', { seq: 1 })).json.error.err_code).toBe(10109)
    expect((await engine.api('STREAM.MSG.GET.S', { seq: 1 })).json.message.seq).toBe(1)
  })

  test('deny what they are told to deny', async () => {
    const engine = new TestEngine()
    await engine.api('STREAM.CREATE.S', { name: 'S', deny_delete: true, deny_purge: true })
    engine.send('S')
    expect((await engine.api('STREAM.PURGE.S')).json.error).toEqual(
      apiErrors.streamPurgeFailed('stream purge not permitted'),
    )
    expect((await engine.api('STREAM.MSG.DELETE.S', { seq: 1 })).json.error).toEqual(
      apiErrors.streamMsgDeleteFailed('message delete not permitted'),
    )
  })

  test('come back as they were after a restart', async () => {
    const engine = await engineWith('A', 'B')
    engine.send('A.x', 'kept')
    const before = (await engine.api('STREAM.LIST')).json
    await engine.restart()
    const after = (await engine.api('STREAM.LIST')).json
    const withoutTime = (list: { streams: { ts: string }[] }) => list.streams.map(({ ts: _, ...stream }) => stream)
    expect(withoutTime(after)).toEqual(withoutTime(before))
    expect((await engine.request('A.x', 'more')).json.seq).toBe(2)
  })
})

describe('the account', () => {
  test('tells what it uses and may use', async () => {
    const engine = new TestEngine({ limits: { maxStorageBytes: 10_000, maxStreams: 5 } })
    await engine.api('STREAM.CREATE.F', { name: 'F', max_bytes: 4000 })
    await engine.api('STREAM.CREATE.M', { name: 'M', storage: 'memory' })
    engine.send('F', 'x')
    engine.send('M', 'x')
    expect((await engine.api('INFO')).json).toMatchObject({
      memory: 18,
      storage: 32,
      reserved_memory: 0,
      reserved_storage: 4000,
      streams: 2,
      consumers: 0,
      limits: { max_memory: -1, max_storage: 10_000, max_streams: 5 },
    })
  })

  test.each<[string, object, object[], number]>([
    ['streams', { maxStreams: 1 }, [{}, {}], 10027],
    ['reserved storage', { maxStorageBytes: 1000 }, [{ max_bytes: 600 }, { max_bytes: 600 }], 10047],
    ['reserved memory', { maxMemoryBytes: 10 }, [{ max_bytes: 600, storage: 'memory' }], 10028],
  ])('bounds %s', async (_, limits, configs, err_code) => {
    const engine = new TestEngine({ limits })
    let last = 0
    for (const [i, config] of configs.entries()) {
      last = (await engine.api(`STREAM.CREATE.S${i}`, { name: `S${i}`, ...config })).json.error?.err_code
    }
    expect(last).toBe(err_code)
  })

  test('reserves what an update adds, not what was there', async () => {
    const engine = new TestEngine({ limits: { maxStorageBytes: 1000 } })
    await engine.api('STREAM.CREATE.S', { name: 'S', max_bytes: 600 })
    expect((await engine.api('STREAM.UPDATE.S', { name: 'S', max_bytes: 1000 })).json.error).toBeUndefined()
    expect((await engine.api('STREAM.UPDATE.S', { name: 'S', max_bytes: 1001 })).json.error.err_code).toBe(10047)
  })

  test('bounds what is stored, over all streams, and takes more when there is room again', async () => {
    const engine = new TestEngine({ limits: { maxStorageBytes: 200 } })
    await engine.api('STREAM.CREATE.A', { name: 'A' })
    await engine.api('STREAM.CREATE.B', { name: 'B' })
    expect((await engine.request('A', 'x'.repeat(60))).json.seq).toBe(1)
    expect((await engine.request('B', 'x'.repeat(60))).json.seq).toBe(1)
    expect((await engine.request('A', 'x'.repeat(60))).json.error).toEqual(apiErrors.accountResourcesExceeded)
    await engine.api('STREAM.PURGE.B')
    expect((await engine.request('A', 'x'.repeat(60))).json.seq).toBe(2)
  })
})
