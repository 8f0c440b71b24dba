/** One suite for every store: what the contracts in store.ts and stream-log.ts promise, whatever is below. */
import { describe, expect, test } from 'vitest'
import { SeededRandom } from '../base/testing/seeded-random.ts'
import type { VirtualClock } from '../base/testing/virtual-clock.ts'
import { MessageView } from './message-view.ts'
import { differences, ModelLog } from './model.case.ts'
import type { Store } from './store.ts'
import { COLD, FLAG_DEAD_LETTER, FLAG_MSG_ID, FOUND, MISSING, type StreamLog } from './stream-log.ts'

export interface Rig {
  store: Store
  clock: VirtualClock
  /** Lets everything that is under way come to its end: turns, writes, flushes. */
  settle(): Promise<void>
  close(): Promise<void>
}

/** Appends text. */
export function put(log: StreamLog, subject: string, payload = '', headers = '', flags = 0): number {
  const bytes = Buffer.from(`..${headers}${payload}`)
  return log.append({ subject, bytes, start: 2, headersLength: Buffer.byteLength(headers), end: bytes.length, flags })
}

export async function read(log: StreamLog, seq: number): Promise<string | undefined> {
  const view = new MessageView()
  if (log.read(seq, view) === COLD) await log.load(seq)
  return log.read(seq, view) === FOUND ? Buffer.from(view.payload()).toString() : undefined
}

export const PATTERNS: string[][] = [['a.*'], ['b.>', 'a.1'], ['*.2'], ['c'], ['>'], ['none.such']]

/** Random changes to a log and its model alike. */
export function step(random: SeededRandom, log: StreamLog, model: ModelLog, clock: VirtualClock): void {
  const dice = random.below(100)
  if (dice < 70) {
    const subject = ['a', 'b', 'c', 'd.e'][random.below(4)] + (random.below(4) === 0 ? '' : `.${random.below(6)}`)
    const headers = random.below(3) === 0 ? `NATS/1.0\r\nA: ${random.below(1000)}\r\n\r\n` : ''
    const payload = 'x'.repeat(random.below(10) === 0 ? random.below(3000) : random.below(60))
    const flags = [0, FLAG_MSG_ID, FLAG_DEAD_LETTER][random.below(3)]
    expect(put(log, subject, payload, headers, flags)).toBe(model.append(subject, headers, payload, flags, clock.now()))
    if (random.below(3) === 0) clock.advance(random.below(5))
  } else if (dice < 90) {
    const seq = model.first + random.below(Math.max(1, model.last - model.first + 3))
    expect(log.remove(seq)).toBe(model.remove(seq))
  } else if (dice < 94) {
    const seq = model.first + random.below(Math.max(1, Math.floor((model.last - model.first) / 4)))
    expect(log.removeBelow(seq)).toBe(model.removeBelow(seq))
  } else if (dice < 96) {
    const last = model.last + random.below(random.below(3) === 0 ? 3000 : 4)
    log.skipTo(last)
    model.skipTo(last)
  } else if (dice < 97) {
    const chosen = PATTERNS[random.below(PATTERNS.length)]
    for (const m of model.matching(chosen)) {
      expect(log.remove(m.seq)).toBe(true)
      model.remove(m.seq)
    }
  } else if (dice < 98 && random.below(2) === 0) {
    const seq = model.last + 1 + random.below(3)
    expect(log.removeBelow(seq)).toBe(model.removeBelow(seq))
  }
}

export function pointsOf(random: SeededRandom, model: ModelLog): number[] {
  const points = [0, 1, model.first, model.last, model.last + 1, model.last + 5]
  for (let i = 0; i < 6; i++) points.push(random.below(model.last + 2))
  return points
}

/** Registers the suite. `open` gives a fresh, empty store. */
export function storeCases(name: string, open: () => Promise<Rig>): void {
  describe.each(['file', 'memory'] as const)(`${name}: a %s stream`, (storage) => {
    async function rigged(body: (rig: Rig, log: StreamLog) => Promise<void>): Promise<void> {
      const rig = await open()
      try {
        await body(rig, rig.store.createStream({ storage, config: '{"name":"S"}' }))
      } finally {
        await rig.close()
      }
    }

    test('is empty at first', () =>
      rigged(async (_rig, log) => {
        expect(log.state).toMatchObject({ messages: 0, bytes: 0, firstSeq: 0, lastSeq: 0, subjects: 0, deleted: 0 })
        expect(log.state.firstTime).toEqual({ seconds: 0, nanos: 0 })
        expect(log.state.lastTime).toEqual({ seconds: 0, nanos: 0 })
        expect(log.read(1, new MessageView())).toBe(MISSING)
        expect([log.nextSeq(1), log.lastSeq(9), log.countFrom(0)]).toEqual([0, 0, 0])
        expect(log.config).toBe('{"name":"S"}')
        expect(log.storage).toBe(storage)
      }))

    test('gives back what was appended, from nothing to 9 MiB', () =>
      rigged(async (rig, log) => {
        const large = 'z'.repeat(9 * 1024 * 1024)
        expect(put(log, 'a.1')).toBe(1)
        expect(put(log, 'a.2', 'body', 'NATS/1.0\r\nK: v\r\n\r\n', FLAG_MSG_ID)).toBe(2)
        expect(put(log, 'a.ü', large)).toBe(3)
        expect(put(log, 'a.1', 'after')).toBe(4)
        const view = new MessageView()
        expect(log.read(2, view)).toBe(FOUND)
        expect(view).toMatchObject({ seq: 2, subject: 'a.2', flags: 3, headersLength: 18, payloadLength: 4 })
        expect(Buffer.from(view.payload()).toString()).toBe('body')
        await rig.settle()
        expect(await read(log, 1)).toBe('')
        expect((await read(log, 3)) === large).toBe(true)
        expect(await read(log, 4)).toBe('after')
        expect(log.read(2, view)).toBe(FOUND)
      }))

    test('keeps sequences and times going forward', () =>
      rigged(async (rig, log) => {
        rig.clock.advance(0.25)
        put(log, 'a')
        const { lastTime } = log.state
        expect(lastTime.nanos).toBe(250_000)
        log.removeBelow(2)
        expect(log.state).toMatchObject({ messages: 0, firstSeq: 2, lastSeq: 1, deleted: 0 })
        expect(log.state.firstTime).toEqual({ seconds: 0, nanos: 0 })
        expect(log.state.lastTime).toEqual(lastTime)
        log.skipTo(5_000_000_000)
        expect(put(log, 'a')).toBe(5_000_000_001)
        expect(log.state).toMatchObject({ firstSeq: 5_000_000_001, lastSeq: 5_000_000_001, deleted: 0 })
        expect(log.removeBelow(6_000_000_000)).toBe(1)
        expect(log.state.lastSeq).toBe(5_999_999_999)
        expect(put(log, 'a')).toBe(6_000_000_000)
      }))

    test('removes once', () =>
      rigged(async (_rig, log) => {
        for (let i = 0; i < 5; i++) put(log, 'a', String(i))
        expect([log.remove(3), log.remove(3), log.remove(0), log.remove(6)]).toEqual([true, false, false, false])
        expect(log.remove(1)).toBe(true)
        expect(log.state).toMatchObject({ messages: 3, firstSeq: 2, lastSeq: 5, deleted: 1 })
        expect(log.deletedSeqs()).toEqual([3])
        expect(log.remove(5)).toBe(true)
        expect(log.state).toMatchObject({ lastSeq: 5, deleted: 2 })
        expect(log.removeBelow(4)).toBe(1)
        expect(log.state).toMatchObject({ messages: 1, firstSeq: 4 })
      }))

    test('tells waiters once, and then shows what they waited for', () =>
      rigged(async (rig, log) => {
        const told: string[] = []
        let signals = 0
        log.onReadable = () => {
          signals++
        }
        put(log, 'a')
        put(log, 'a')
        log.whenReadable({ readable: () => told.push(`log ${log.readableSeq}`), failed: () => told.push('failed') })
        rig.store.whenReadable({ readable: () => told.push('store'), failed: () => told.push('failed') })
        await rig.settle()
        expect(told).toEqual(['log 2', 'store'])
        expect(signals).toBe(1)
        expect(log.readableSeq).toBe(2)
        log.whenReadable({ readable: () => told.push('at once'), failed: () => told.push('failed') })
        expect(told.at(-1)).toBe('at once')
      }))

    test('a filter learns of subjects that come later, and forgets those that go', () =>
      rigged(async (_rig, log) => {
        const filter = log.filter(['a.*', 'b'])
        expect(log.nextSeq(1, filter)).toBe(0)
        put(log, 'c')
        put(log, 'a.1')
        put(log, 'b')
        expect([log.nextSeq(1, filter), log.nextSeq(3, filter), log.countFrom(1, filter)]).toEqual([2, 3, 2])
        log.remove(2)
        put(log, 'd')
        put(log, 'a.2')
        expect([log.nextSeq(1, filter), log.nextSeq(4, filter), log.countFrom(4, filter)]).toEqual([3, 5, 1])
        expect(filter.matches('a.x')).toBe(true)
        filter.close()
      }))

    test('keeps consumers and their progress', () =>
      rigged(async (_rig, log) => {
        const one = log.createConsumer('{"name":"one"}')
        const two = log.createConsumer('{"name":"two"}')
        expect(one.id).not.toBe(two.id)
        one.record({ what: 'delivered', streamSeq: 1, consumerSeq: 1, deliveries: 1, atMs: 5, tracked: true }, 'later')
        one.setConfig('{"name":"one","x":1}')
        log.deleteConsumer(two)
        expect(log.consumers().map((c) => c.config)).toEqual(['{"name":"one","x":1}'])
        expect(log.consumers()[0].progress.pending.get(1)?.deliveries).toBe(1)
        expect(log.createConsumer('{}').id).toBeGreaterThan(two.id)
      }))

    test.each([1, 2, 3, 4])('agrees with the naive model, seed %i', (seed) =>
      rigged(async (rig, log) => {
        const random = new SeededRandom(seed)
        const model = new ModelLog(storage)
        for (let round = 0; round < 12; round++) {
          for (let i = 0; i < 80; i++) step(random, log, model, rig.clock)
          if (random.below(2) === 0) await rig.settle()
          expect(await differences(log, model, PATTERNS, pointsOf(random, model)), `seed ${seed}`).toEqual([])
        }
      }),
    )
  })

  describe(name, () => {
    test('lists, updates and deletes streams', async () => {
      const rig = await open()
      const one = rig.store.createStream({ storage: 'file', config: 'one' })
      const two = rig.store.createStream({ storage: 'memory', config: 'two' })
      expect(rig.store.streams().map((s) => s.config)).toEqual(['one', 'two'])
      one.setConfig('changed')
      rig.store.deleteStream(two)
      expect(rig.store.streams().map((s) => s.config)).toEqual(['changed'])
      const three = rig.store.createStream({ storage: 'file', config: 'three' })
      expect(new Set([one.id, two.id, three.id]).size).toBe(3)
      await rig.close()
    })
  })
}
