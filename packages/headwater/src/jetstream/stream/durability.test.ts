import { describe, expect, test } from 'vitest'
import { MessageView } from '../../store/message-view.ts'
import { COLD } from '../../store/stream-log.ts'
import { DiskMachine } from '../testing/disk-engine.ts'
import type { TestEngine } from '../testing/engine.ts'
import { Listener } from '../testing/listener.ts'
import type { Stream } from './stream.ts'

const seed = 20_260_101

/** Sends without waiting; what comes back is collected. */
let asked = 0
function ask(engine: TestEngine, subject: string, payload = 'x', headers: [string, string][] = []): string[] {
  const got: string[] = []
  const inbox = `_INBOX.ask.${++asked}`
  engine.bus.listen(inbox, ({ headers: block, payload: body }) => {
    got.push(new TextDecoder().decode(body) || new TextDecoder().decode(block))
  })
  const block = headers.map(([key, value]) => `${key}: ${value}\r\n`).join('')
  const bytes = new TextEncoder().encode(block === '' ? '' : `NATS/1.0\r\n${block}\r\n`)
  engine.bus.send(subject, inbox, bytes, new TextEncoder().encode(payload))
  return got
}

async function started(machine: DiskMachine, config: object = {}): Promise<TestEngine> {
  const engine = await machine.start()
  const { json } = await engine.api('STREAM.CREATE.S', { name: 'S', subjects: ['s.>'], allow_direct: true, ...config })
  expect(json.error).toBeUndefined()
  return engine
}

describe('on disk', () => {
  test('nothing is told before it is synced: ack, duplicate, wrong sequence, info, direct get', async () => {
    const machine = new DiskMachine(seed)
    const engine = await started(machine)
    const id: [string, string][] = [['Nats-Msg-Id', 'one']]
    const replies = [
      ask(engine, 's.a', 'x', id),
      ask(engine, 's.a', 'x', [...id, ['A', '1']]),
      ask(engine, 's.b', 'x', [['Nats-Expected-Last-Sequence', '0']]),
      ask(engine, '$JS.API.STREAM.INFO.S', ''),
      ask(engine, '$JS.API.DIRECT.GET.S.s.a', ''),
      ask(engine, '$JS.API.STREAM.MSG.GET.S', '{"seq":1}'),
    ]
    engine.endTurns()
    expect(replies.flat()).toEqual([])
    await engine.pass(50)
    expect(replies[0]).toEqual(['{"stream":"S","seq":1}'])
    expect(replies[1]).toEqual(['{"stream":"S","seq":1,"duplicate": true}'])
    expect(replies[2][0]).toContain('wrong last sequence: 1')
    expect(JSON.parse(replies[3][0]).state.messages).toBe(1)
    expect(replies[4]).toEqual(['x'])
    expect(JSON.parse(replies[5][0]).message.seq).toBe(1)
  })

  test('a memory stream is acknowledged at once', async () => {
    const engine = await started(new DiskMachine(seed), { storage: 'memory' })
    expect(ask(engine, 's.a')).toEqual(['{"stream":"S","seq":1}'])
  })

  test('what was acknowledged is there after the power went, with its stream, ids and times', async () => {
    const machine = new DiskMachine(seed)
    let engine = await started(machine, { description: 'kept', max_msgs_per_subject: 2 })
    const before = (await engine.api('STREAM.INFO.S')).json
    for (let i = 1; i <= 5; i++) await engine.request('s.a', String(i), [['Nats-Msg-Id', String(i)]])
    const { json: stored } = await engine.api('STREAM.MSG.GET.S', { seq: 5 })
    ask(engine, 's.a', 'not acknowledged')
    engine = await machine.crash('power')
    const after = (await engine.api('STREAM.INFO.S')).json
    expect(after.config).toEqual(before.config)
    expect(after.created).toBe(before.created)
    expect(after.state).toMatchObject({ messages: 2, first_seq: 4 })
    expect((await engine.api('STREAM.MSG.GET.S', { seq: 5 })).json).toEqual(stored)
    // The window is whole: 3 is known, though its message left.
    expect((await engine.request('s.a', 'x', [['Nats-Msg-Id', '5']])).json.duplicate).toBe(true)
    expect((await engine.request('s.a', 'x', [['Nats-Msg-Id', '3']])).json).toEqual({
      stream: 'S',
      seq: 3,
      duplicate: true,
    })
  })

  test('the first time is exact after a start, though the first message is only on disk', async () => {
    const machine = new DiskMachine(seed, { journalBytes: 8 * 1024 })
    // A short window: else reading it back brings the first message into memory.
    let engine = await started(machine, { duplicate_window: 100_000_000 })
    for (let i = 1; i <= 40; i++) await engine.request('s.a', 'x'.repeat(1000))
    const { first_ts } = (await engine.api('STREAM.INFO.S')).json.state
    expect(first_ts).not.toMatch(/^0001/)
    await engine.pass(1000)
    engine = await machine.crash('kill')
    expect(engine.jetstream.stream('S')?.log.read(1, new MessageView())).toBe(COLD)
    const list = (await engine.api('STREAM.LIST')).json.streams
    expect(list[0].state.first_ts).toBe(first_ts)
    engine = await machine.crash('kill')
    expect((await engine.api('STREAM.INFO.S')).json.state.first_ts).toBe(first_ts)
  })

  test('a deleted stream is gone after a crash, and who published to it before was answered', async () => {
    const machine = new DiskMachine(seed)
    let engine = await started(machine)
    const ack = ask(engine, 's.a')
    const deleted = ask(engine, '$JS.API.STREAM.DELETE.S', '')
    await engine.pass(50)
    expect(ack).toEqual(['{"stream":"S","seq":1}'])
    expect(JSON.parse(deleted[0]).success).toBe(true)
    engine = await machine.crash('power')
    expect((await engine.api('STREAM.INFO.S')).json.error.err_code).toBe(10059)
  })

  test('a failed write refuses who waits and who comes, and reads go on', async () => {
    const machine = new DiskMachine(seed)
    const engine = await started(machine)
    await engine.request('s.a', 'safe')
    machine.disk.failNext('write')
    const waiting = ask(engine, 's.a', 'lost?')
    const duplicate = ask(engine, 's.a', 'x', [['Nats-Expected-Last-Sequence', '9']])
    await engine.pass(50)
    expect(JSON.parse(waiting[0])).toMatchObject({ error: { code: 503, err_code: 10077 }, stream: 'S', seq: 0 })
    expect(duplicate).toHaveLength(1)
    expect((await engine.request('s.a', 'later')).json.error.err_code).toBe(10077)
    expect((await engine.api('STREAM.CREATE.T', { name: 'T' })).json.error.err_code).toBe(10023)
    expect(
      (await engine.api('STREAM.UPDATE.S', { name: 'S', subjects: ['s.>'], max_msgs: 9 })).json.error.err_code,
    ).toBe(10023)
    expect((await engine.request('$JS.API.DIRECT.GET.S', '{"seq":1}')).text).toBe('safe')
    expect((await engine.api('STREAM.INFO.S')).json.error).toBeUndefined()
  })

  test('a publisher that is faster than the disk is asked to wait, and released', async () => {
    const machine = new DiskMachine(seed, { openBytesMax: 4000 })
    const engine = await started(machine)
    for (let i = 0; i < 20; i++) engine.send('s.a', 'x'.repeat(1000))
    expect(engine.bus.pauses).toBeGreaterThan(0)
    expect(engine.bus.releases).toBe(0)
    await engine.pass(100)
    expect(engine.bus.releases).toBeGreaterThan(0)
    expect((await engine.api('STREAM.INFO.S')).json.state.messages).toBe(20)
  })
})

describe('a disk', () => {
  test('that is full refuses messages, not purges, and takes them again when there is room', async () => {
    const machine = new DiskMachine(seed, { journalBytes: 64 * 1024, segmentBytes: 64 * 1024 })
    const engine = await started(machine)
    machine.disk.faults.capacityBytes = 600_000
    let refused: { err_code: number } | undefined
    for (let i = 0; i < 3000 && !refused; i++) {
      refused = (await engine.request('s.a', 'x'.repeat(1000))).json.error
    }
    expect(refused).toMatchObject({ code: 503, err_code: 10023, description: 'insufficient resources' })
    expect((await engine.api('STREAM.PURGE.S', { keep: 1 })).json.success).toBe(true)
    machine.disk.faults.capacityBytes = Number.POSITIVE_INFINITY
    await engine.pass(60_000)
    expect((await engine.request('s.a', 'x')).json.error).toBeUndefined()
  })

  test('that answers slowly makes the API refuse what is too much', async () => {
    const machine = new DiskMachine(seed)
    const engine = await started(machine)
    engine.send('s.a', 'x')
    const answers: string[][] = []
    for (let i = 0; i < 10_001; i++) answers.push(ask(engine, '$JS.API.STREAM.INFO.NONE', String(i)))
    expect(answers.filter((answer) => answer.length > 0)).toHaveLength(1)
    expect(JSON.parse(answers[10_000][0]).error).toEqual({
      code: 429,
      err_code: 10167,
      description: 'too many requests',
    })
    await engine.pass(50)
    expect(answers.every((answer) => answer.length === 1)).toBe(true)
    expect((await engine.api('STREAM.INFO.S')).json.error).toBeUndefined()
  })
})

describe('messages that are on disk only', () => {
  /** A stream of which the first messages have left memory: `n` messages on subjects s.0 to s.9. */
  async function coldStream(n: number, ageMs: number, config: object = {}): Promise<{ engine: TestEngine }> {
    const machine = new DiskMachine(seed, { journalBytes: 64 * 1024, segmentBytes: 64 * 1024 })
    let engine = await started(machine, config)
    for (let i = 0; i < n; i++) {
      engine.send(`s.${i % 10}`, `${i + 1} ${'x'.repeat(500)}`, [['Nats-Msg-Id', `id${i + 1}`]])
      if (i % 20 === 19) await engine.pass(20)
    }
    await engine.pass(ageMs)
    engine = await machine.crash('kill')
    await engine.pass(500)
    return { engine }
  }

  test('are found by sequence, by subject and by time, and deleted', async () => {
    const { engine } = await coldStream(2000, 150_000)
    expect(engine.jetstream.stream('S')?.log.read(1000, new MessageView())).toBe(COLD)
    expect((await engine.request('$JS.API.DIRECT.GET.S', '{"seq":1000}')).text).toMatch(/^1000 x/)
    expect((await engine.request('$JS.API.DIRECT.GET.S', '{"next_by_subj":"s.4"}')).text).toMatch(/^5 x/)
    expect((await engine.api('STREAM.MSG.GET.S', { start_time: '2020-01-01T00:00:00Z' })).json.message.seq).toBe(1)
    expect((await engine.api('STREAM.MSG.DELETE.S', { seq: 1007 })).json).toMatchObject({ success: true })
    expect((await engine.api('STREAM.MSG.GET.S', { seq: 1007 })).json.error.err_code).toBe(10037)
    expect((await engine.api('STREAM.MSG.DELETE.S', { seq: 1007 })).json.error.err_code).toBe(10043)
    expect((await engine.api('STREAM.PURGE.S', { filter: 's.1' })).json.purged).toBe(200)
    expect((await engine.api('STREAM.PURGE.S', { keep: 100 })).json.purged).toBe(1699)
  })

  test('still make a duplicate of the same id, as long as the window lasts', async () => {
    const { engine } = await coldStream(600, 500)
    expect((await engine.request('s.a', 'x', [['Nats-Msg-Id', 'id1']])).json).toEqual({
      stream: 'S',
      seq: 1,
      duplicate: true,
    })
  })

  test('go by limits, and the consumers hear of it', async () => {
    const { engine } = await coldStream(2000, 150_000)
    expect(engine.jetstream.stream('S')?.log.read(1000, new MessageView())).toBe(COLD)
    const created = await engine.api('CONSUMER.CREATE.S.C', {
      stream_name: 'S',
      config: { name: 'C', durable_name: 'C', ack_policy: 'explicit' },
    })
    expect(created.json.num_pending).toBe(2000)
    await engine.api('STREAM.UPDATE.S', { name: 'S', subjects: ['s.>'], max_msgs: 900 })
    expect((await engine.api('CONSUMER.INFO.S.C')).json.num_pending).toBe(900)
    await engine.request('s.a', 'x')
    expect((await engine.api('STREAM.INFO.S')).json.state).toMatchObject({ messages: 900, first_seq: 1102 })
    expect((await engine.api('CONSUMER.INFO.S.C')).json.num_pending).toBe(900)
  })

  test('go from an interest stream with the ack, in its frame', async () => {
    const { engine } = await coldStream(2000, 150_000)
    const stream = engine.jetstream.stream('S') as Stream
    const some = new Listener(stream, 'some', ['s.1'])
    const all = new Listener(
      stream,
      'all',
      Array.from({ length: 10 }, (_, i) => `s.${i}`),
    )
    await engine.api('STREAM.UPDATE.S', { name: 'S', subjects: ['s.>'], retention: 'interest' })
    const isThere = (seq: number): boolean => stream.log.nextSeq(seq) === seq
    expect(stream.log.read(992, new MessageView())).toBe(COLD)
    for (const seq of [991, 992, 993]) all.settle(stream, seq)
    // The other one wants s.1, which the one in the middle is on.
    expect([991, 992, 993].filter(isThere)).toEqual([992])
    some.settle(stream, 992)
    expect(isThere(992)).toBe(false)
    stream.removeConsumer('all')
    await engine.pass(100)
    expect(stream.log.state.messages).toBe(199)
  })
})
