import { describe, expect, test } from 'vitest'
import { TestEngine } from '../testing/engine.ts'

async function engine(): Promise<TestEngine> {
  const engine = new TestEngine()
  await engine.api('STREAM.CREATE.S', { name: 'S', subjects: ['s.>'], allow_direct: true })
  engine.send('s.a', 'one')
  engine.send('s.b', 'two', [['X', 'y']])
  engine.send('s.a', 'three')
  return engine
}

describe('a direct get', () => {
  test.each<[string, string, string]>([
    ['S', '{"seq":1}', 'one'],
    ['S', '{"last_by_subj":"s.a"}', 'three'],
    ['S', '{"last_by_subj":"s.*"}', 'three'],
    ['S', '{"next_by_subj":"s.a"}', 'one'],
    ['S', '{"next_by_subj":"s.a","seq":2}', 'three'],
    ['S', '{"start_time":"2020-01-01T00:00:00Z"}', 'one'],
    ['S', '{"start_time":"2020-01-01T00:00:00Z","next_by_subj":"s.b"}', 'two'],
    ['S', '{"seq":1,"unknown":true}', 'one'],
    ['S.s.a', '', 'three'],
    ['S.s.b', '{}', 'two'],
    ['S.s.*', '', 'three'],
    ['S', '{"seq":9}', '404 Message Not Found'],
    ['S', '{"start_time":"2040-01-01T00:00:00Z"}', '404 Message Not Found'],
    ['S.s.z', '', '404 Message Not Found'],
    ['S', '', '408 Empty Request'],
    ['S', '{}', '408 Empty Request'],
    ['S', '{"seq":0}', '408 Empty Request'],
    ['S', 'x', '408 Malformed Request'],
    ['S', '{"seq":"x"}', '408 Malformed Request'],
    ['S', '{"seq":1,"last_by_subj":"s.a"}', '408 Bad Request'],
    ['S', '{"seq":1,"start_time":"2020-01-01T00:00:00Z"}', '408 Bad Request'],
    ['S', '{"last_by_subj":"s.a","batch":2}', '408 Bad Request'],
    ['S', '{"seq":1,"batch":2}', '408 Batch Get Not Supported By Headwater Yet'],
    ['S', '{"multi_last":["s.a"]}', '408 Batch Get Not Supported By Headwater Yet'],
    ['S.s.a', '{"seq":1}', '408 Bad Request'],
  ])('of %s with %s is %s', async (place, body, expected) => {
    const { text, headers } = await (await engine()).api(`DIRECT.GET.${place}`, body)
    const status = /^NATS\/1\.0 (.*)\r\n/.exec(headers)?.[1]
    expect(status ?? text).toBe(expected)
  })

  test('carries the message, its headers and its place', async () => {
    const { text, headers } = await (await engine()).api('DIRECT.GET.S', { seq: 2 })
    expect(text).toBe('two')
    expect(headers).toBe(
      'NATS/1.0\r\nX: y\r\nNats-Stream: S\r\nNats-Subject: s.b\r\nNats-Sequence: 2\r\nNats-Time-Stamp: 2026-01-01T00:00:00Z\r\n\r\n',
    )
  })

  test('carries the bare body when asked so', async () => {
    const { text, headers } = await (await engine()).api('DIRECT.GET.S', { seq: 2, no_hdr: true })
    expect([text, headers]).toEqual(['two', ''])
  })

  test('comes and goes with allow_direct, and with the stream', async () => {
    const it = await engine()
    await it.api('STREAM.UPDATE.S', { name: 'S', subjects: ['s.>'] })
    await expect(it.api('DIRECT.GET.S', { seq: 1 })).rejects.toThrow('no responders')
    await it.api('STREAM.UPDATE.S', { name: 'S', subjects: ['s.>'], allow_direct: true })
    expect((await it.api('DIRECT.GET.S', { seq: 1 })).text).toBe('one')
    await it.restart()
    expect((await it.api('DIRECT.GET.S', { seq: 1 })).text).toBe('one')
    await it.api('STREAM.DELETE.S')
    await expect(it.api('DIRECT.GET.S', { seq: 1 })).rejects.toThrow('no responders')
  })
})

describe('a get over the API', () => {
  test('carries everything in JSON', async () => {
    const { json } = await (await engine()).api('STREAM.MSG.GET.S', { seq: 2 })
    expect(json.message).toEqual({
      subject: 's.b',
      seq: 2,
      hdrs: Buffer.from('NATS/1.0\r\nX: y\r\n\r\n').toString('base64'),
      data: Buffer.from('two').toString('base64'),
      time: '2026-01-01T00:00:00Z',
    })
  })

  test.each<[object, number | undefined]>([
    [{ last_by_subj: 's.a' }, 3],
    [{ last_by_subj: '>' }, 3],
    [{ next_by_subj: 's.b' }, 2],
    [{ next_by_subj: 's.b', seq: 3 }, undefined],
    [{ start_time: '2025-01-01T00:00:00Z' }, 1],
    [{ start_time: '2027-01-01T00:00:00Z' }, undefined],
  ])('%o finds %s', async (request, seq) => {
    const { json } = await (await engine()).api('STREAM.MSG.GET.S', request)
    expect(json.message?.seq).toBe(seq)
    expect(json.error?.err_code).toBe(seq === undefined ? 10037 : undefined)
  })
})
