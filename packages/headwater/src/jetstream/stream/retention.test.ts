import { describe, expect, test } from 'vitest'
import { TestEngine } from '../testing/engine.ts'
import { Listener } from '../testing/listener.ts'
import { type Arrival, countedBytes, overLimit, overSubjectLimit, refusal, untilTooOldMs } from './retention.ts'
import type { Stream } from './stream.ts'
import { withDefaults } from './stream-config.ts'

describe('counted bytes', () => {
  test.each([
    ['file', 5, 0, 10, 45],
    ['file', 5, 20, 10, 69],
    ['memory', 5, 0, 10, 31],
    ['memory', 5, 20, 10, 51],
  ] as const)(
    'of a %s message with subject %d, headers %d and payload %d are %d',
    (storage, subject, headers, payload, sum) => {
      expect(countedBytes(storage, subject, headers, payload)).toBe(sum)
    },
  )

  test.each(['file', 'memory'] as const)('are what a %s stream counts', async (storage) => {
    const engine = new TestEngine()
    await engine.api('STREAM.CREATE.S', { name: 'S', subjects: ['s.>'], storage })
    engine.send('s.abc', 'payload')
    engine.send('s.abc', 'payload', [['A', 'b']])
    const expected = countedBytes(storage, 5, 0, 7) + countedBytes(storage, 5, 'NATS/1.0\r\nA: b\r\n\r\n'.length, 7)
    expect((await engine.api('STREAM.INFO.S')).json.state.bytes).toBe(expected)
  })
})

describe('limits', () => {
  const config = (limits: object) => withDefaults({ name: 'S', ...limits })
  test.each([
    [{}, 1e9, 1e12, false],
    [{ max_msgs: 2 }, 2, 0, false],
    [{ max_msgs: 2 }, 3, 0, true],
    [{ max_bytes: 100 }, 1, 100, false],
    [{ max_bytes: 100 }, 1, 101, true],
    [{ max_bytes: 100 }, 0, 101, false],
  ])('%o with %d messages and %d bytes: over is %s', (limits, messages, bytes, over) => {
    expect(overLimit(config(limits), { messages, bytes })).toBe(over)
  })

  test('of a subject', () => {
    expect(overSubjectLimit(config({}), 1e9)).toBe(false)
    expect(overSubjectLimit(config({ max_msgs_per_subject: 2 }), 2)).toBe(false)
    expect(overSubjectLimit(config({ max_msgs_per_subject: 2 }), 3)).toBe(true)
  })

  test.each([
    [0, 1, 0, 5000, undefined],
    [1e9, 0, 0, 5000, undefined],
    [1e9, 1, 4500, 5000, 500],
    [1e9, 1, 4000, 5000, 0],
    [1e9, 1, 1000, 5000, -3000],
  ])('age %d ns, %d messages, first at %d, now %d: %s ms left', (max_age, messages, first, now, left) => {
    expect(untilTooOldMs(config({ max_age }), messages, first, now)).toBe(left)
  })

  const arrival = (more: Partial<Arrival>): Arrival => ({
    counts: { messages: 10, bytes: 1000 },
    bytes: 50,
    subjectMessages: 1,
    rollup: false,
    oldestOfSubjectBytes: () => 50,
    ...more,
  })
  const discardNew = { discard: 'new' as const }
  test.each<[string, object, Partial<Arrival>, string | undefined]>([
    ['old', { max_msgs: 1 }, {}, undefined],
    ['new, room', { ...discardNew, max_msgs: 11, max_bytes: 1050 }, {}, undefined],
    ['new, messages', { ...discardNew, max_msgs: 10 }, {}, 'maximum messages exceeded'],
    ['new, bytes', { ...discardNew, max_bytes: 1049 }, {}, 'maximum bytes exceeded'],
    ['new, replaces', { ...discardNew, max_msgs: 10, max_msgs_per_subject: 1 }, {}, undefined],
    ['new, replaces as much', { ...discardNew, max_bytes: 1000, max_msgs_per_subject: 1 }, {}, undefined],
    [
      'new, replaces less',
      { ...discardNew, max_bytes: 1000, max_msgs_per_subject: 1 },
      { oldestOfSubjectBytes: () => 49 },
      'maximum bytes exceeded',
    ],
    [
      'new, replaces who knows what',
      { ...discardNew, max_bytes: 1000, max_msgs_per_subject: 1 },
      { oldestOfSubjectBytes: () => undefined },
      'maximum bytes exceeded',
    ],
    [
      'new per subject',
      { ...discardNew, max_msgs_per_subject: 1, discard_new_per_subject: true },
      {},
      'maximum messages per subject exceeded',
    ],
    [
      'new per subject, roll-up',
      { ...discardNew, max_msgs_per_subject: 1, discard_new_per_subject: true },
      { rollup: true },
      undefined,
    ],
  ])('discard %s', (_, limits, more, expected) => {
    expect(refusal(config(limits), arrival(more))).toBe(expected)
  })
})

async function streamWith(config: object, messages: [subject: string, payload?: string][] = []): Promise<TestEngine> {
  const engine = new TestEngine()
  const { json } = await engine.api('STREAM.CREATE.S', { name: 'S', subjects: ['s.>'], ...config })
  expect(json.error).toBeUndefined()
  for (const [subject, payload] of messages) engine.send(subject, payload ?? 'x')
  return engine
}

const living = (engine: TestEngine): number[] => {
  const { log } = engine.jetstream.stream('S') as Stream
  const seqs: number[] = []
  for (let seq = log.nextSeq(0); seq !== 0; seq = log.nextSeq(seq + 1)) seqs.push(seq)
  return seqs
}

const ABC: [string][] = [['s.a'], ['s.b'], ['s.a'], ['s.c'], ['s.a']]

describe('a stream', () => {
  test.each<[object, number[]]>([
    [{}, [1, 2, 3, 4, 5]],
    [{ max_msgs: 2 }, [4, 5]],
    [{ max_bytes: 70 }, [4, 5]],
    [{ max_bytes: 30 }, []],
    [{ max_msgs_per_subject: 1 }, [2, 4, 5]],
    [{ max_msgs_per_subject: 2 }, [2, 3, 4, 5]],
    [{ max_msgs_per_subject: 1, max_msgs: 2 }, [4, 5]],
  ])('with %o keeps %o', async (limits, kept) => {
    expect(living(await streamWith(limits, ABC))).toEqual(kept)
    // Limits that come later trim as if they had always been there.
    const engine = await streamWith({}, ABC)
    await engine.api('STREAM.UPDATE.S', { name: 'S', subjects: ['s.>'], ...limits })
    expect(living(engine)).toEqual(kept)
  })

  test('lets messages go when they are too old, not before, and after a restart too', async () => {
    const engine = await streamWith({ max_age: 1e9 })
    engine.send('s.a')
    await engine.pass(400)
    engine.send('s.b')
    await engine.pass(599)
    expect(living(engine)).toEqual([1, 2])
    await engine.pass(1)
    expect(living(engine)).toEqual([2])
    await engine.restart()
    await engine.pass(399)
    expect(living(engine)).toEqual([2])
    await engine.pass(10)
    expect(living(engine)).toEqual([])
    expect(engine.clock.pending).toBe(0)
  })

  test('takes up a new age at once', async () => {
    const engine = await streamWith({}, ABC)
    await engine.pass(5000)
    await engine.api('STREAM.UPDATE.S', { name: 'S', subjects: ['s.>'], max_age: 1e9 })
    await engine.pass(10)
    expect(living(engine)).toEqual([])
  })

  test('trims a long way in slices, one a turn', async () => {
    const engine = await streamWith({})
    for (let i = 0; i < 12_000; i++) engine.send('s.a')
    const stream = engine.jetstream.stream('S') as Stream
    engine.jetstream.updateStream({ name: 'S', subjects: ['s.>'], max_msgs: 10 })
    expect(stream.log.state.messages).toBe(7000)
    engine.turn.run()
    expect(stream.log.state.messages).toBe(2000)
    engine.endTurns()
    expect(stream.log.state.messages).toBe(10)
  })
})

describe('a purge', () => {
  test.each<[object, number[], number]>([
    [{}, [], 5],
    [{ seq: 3 }, [3, 4, 5], 2],
    [{ seq: 1 }, [1, 2, 3, 4, 5], 0],
    [{ keep: 2 }, [4, 5], 3],
    [{ keep: 5 }, [1, 2, 3, 4, 5], 0],
    [{ filter: 's.a' }, [2, 4], 3],
    [{ filter: 's.*' }, [], 5],
    [{ filter: 's.a', seq: 4 }, [2, 4, 5], 2],
    [{ filter: 's.a', seq: 3 }, [2, 3, 4, 5], 1],
    [{ filter: 's.a', keep: 1 }, [2, 4, 5], 2],
    [{ filter: 't.a' }, [1, 2, 3, 4, 5], 0],
  ])('of %o leaves %o', async (request, kept, purged) => {
    const engine = await streamWith({}, ABC)
    expect((await engine.api('STREAM.PURGE.S', request)).json).toMatchObject({ success: true, purged })
    expect(living(engine)).toEqual(kept)
    expect((await engine.request('s.z')).json.seq).toBe(6)
  })

  test('beyond the end moves the end', async () => {
    const engine = await streamWith({}, ABC)
    expect((await engine.api('STREAM.PURGE.S', { seq: 100 })).json.purged).toBe(5)
    expect((await engine.request('s.z')).json.seq).toBe(100)
  })

  test('of a sequence and a number to keep is refused', async () => {
    const engine = await streamWith({}, ABC)
    expect((await engine.api('STREAM.PURGE.S', { seq: 3, keep: 1 })).json.error.err_code).toBe(10003)
  })
})

describe('interest', () => {
  async function shared(): Promise<{ engine: TestEngine; stream: Stream; a: Listener; both: Listener }> {
    const engine = await streamWith({ retention: 'interest' })
    const stream = engine.jetstream.stream('S') as Stream
    const a = new Listener(stream, 'a', ['s.a'])
    const both = new Listener(stream, 'both', ['s.a', 's.b'])
    for (const subject of ['s.a', 's.b', 's.c', 's.a']) engine.send(subject)
    return { engine, stream, a, both }
  }

  test('keeps what someone wants, and counts what nobody does', async () => {
    const { engine, stream } = await shared()
    expect(living(engine)).toEqual([1, 2, 4])
    expect(stream.log.state.lastSeq).toBe(4)
  })

  test('lets a message go with the last consumer that wants it', async () => {
    const { engine, stream, a, both } = await shared()
    a.settle(stream, 1)
    expect(living(engine)).toEqual([1, 2, 4])
    both.settle(stream, 2)
    expect(living(engine)).toEqual([1, 4])
    both.settle(stream, 1)
    expect(living(engine)).toEqual([4])
  })

  test('of many settled at once is judged message by message', async () => {
    const { engine, stream, a, both } = await shared()
    for (const seq of [1, 2, 3, 4]) both.settledSeqs.add(seq)
    stream.settledThrough('both', 4)
    expect(living(engine)).toEqual([1, 4])
    for (const seq of [1, 4]) a.settledSeqs.add(seq)
    stream.settledThrough('a', 4)
    expect(living(engine)).toEqual([])
  })

  test('of a consumer that leaves ends; with the last one everything goes', async () => {
    const { engine, stream, a, both } = await shared()
    a.settle(stream, 1)
    stream.removeConsumer('both')
    expect(both.told).toEqual(['deleted'])
    expect(living(engine)).toEqual([4])
    stream.removeConsumer('a')
    expect(living(engine)).toEqual([])
    expect(stream.log.consumers()).toEqual([])
    expect(a.told).toEqual(['deleted'])
  })

  test('that begins with an update lets go what interests nobody', async () => {
    const engine = await streamWith({}, ABC)
    await engine.api('STREAM.UPDATE.S', { name: 'S', subjects: ['s.>'], retention: 'interest' })
    expect(living(engine)).toEqual([])
  })
})

describe('a work queue', () => {
  test('lets a message go when it is settled', async () => {
    const engine = await streamWith({ retention: 'workqueue' }, ABC)
    const stream = engine.jetstream.stream('S') as Stream
    const consumer = new Listener(stream, 'c', ['s.a'])
    consumer.settle(stream, 3)
    expect(living(engine)).toEqual([1, 2, 4, 5])
    consumer.settledSeqs.add(1)
    stream.settledThrough('c', 1)
    expect(living(engine)).toEqual([2, 4, 5])
    stream.removeConsumer('c')
    expect(living(engine)).toEqual([2, 4, 5])
  })
})

describe('consumers', () => {
  test('are told of what leaves by limit, delete, purge and update', async () => {
    const engine = await streamWith({ max_msgs: 3 })
    const stream = engine.jetstream.stream('S') as Stream
    const consumer = new Listener(stream, 'c', [])
    for (const [subject] of ABC) engine.send(subject)
    expect(consumer.told.splice(0)).toEqual(['1 s.a', '2 s.b'])
    await engine.api('STREAM.MSG.DELETE.S', { seq: 4 })
    expect(consumer.told.splice(0)).toEqual(['4 s.c'])
    await engine.api('STREAM.PURGE.S', { filter: 's.a', keep: 1 })
    expect(consumer.told.splice(0)).toEqual(['3 s.a'])
    await engine.api('STREAM.PURGE.S')
    expect(consumer.told.splice(0)).toEqual(['below 6'])
    await engine.api('STREAM.UPDATE.S', { name: 'S', subjects: ['s.>'] })
    expect(consumer.told.splice(0)).toEqual(['updated'])
    await engine.api('STREAM.DELETE.S')
    expect(consumer.told.splice(0)).toEqual(['deleted'])
  })
})
