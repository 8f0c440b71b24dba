/** Consumers over the durable store on a simulated disk: what was told survives, and what was not recorded was not told. */
import { describe, expect, it } from 'vitest'
import { settle } from '../../base/testing/settle.ts'
import { MessageView } from '../../store/message-view.ts'
import { COLD } from '../../store/stream-log.ts'
import { ConsumerRig } from '../testing/consumer-rig.ts'
import { DiskMachine } from '../testing/disk-engine.ts'
import type { ConsumerConfigRequest } from './consumer-config.ts'

const SECOND = 1e9
/** Longer than the simulated disk needs for anything here. */
const WRITTEN_MS = 100

interface Setting {
  machine: DiskMachine
  rig: ConsumerRig
  /** The process ends as it stands, the next one starts. */
  crash(kind: 'kill' | 'power'): Promise<void>
}

async function orders(
  seed: number,
  config: ConsumerConfigRequest,
  storage: 'file' | 'memory' = 'file',
): Promise<Setting> {
  const machine = new DiskMachine(seed)
  const rig = new ConsumerRig(await machine.start())
  await rig.stream({ name: 'ORDERS', subjects: ['orders'], storage })
  await rig.stream({ name: 'DEAD', subjects: ['dead'] })
  const made = await rig.consumer('ORDERS', 'worker', { ack_wait: SECOND, ...config })
  expect(made.code, JSON.stringify(made)).toBeUndefined()
  await rig.publish('orders', 'one')
  await rig.engine.pass(WRITTEN_MS)
  return {
    machine,
    rig,
    async crash(kind) {
      rig.engine = await machine.crash(kind)
      rig.listenToEvents()
    },
  }
}

describe('deliveries are counted', () => {
  it('a redelivery waits for its record', async () => {
    const { rig } = await orders(1, { max_deliver: 3 })
    const [first] = await rig.pull('ORDERS', 'worker')
    await rig.answer(first, '-NAK')
    const { got } = rig.ask('ORDERS', 'worker')
    rig.engine.endTurns()
    expect(got).toEqual([])
    await rig.engine.pass(WRITTEN_MS)
    expect(got.map(({ deliveries }) => deliveries)).toEqual([2])
  })

  it.each(['kill', 'power'] as const)('a handler that ends its own process reaches max_deliver (%s)', async (kind) => {
    const { rig, crash } = await orders(2, { max_deliver: 3, dead_letter: 'dead' })
    const counts: number[] = []
    for (let start = 0; start < 10; start++) {
      const { got } = rig.ask('ORDERS', 'worker', { batch: 1, expires: 60 * SECOND })
      await rig.engine.pass(2000)
      if (got.length === 0) break
      counts.push(got[0].deliveries)
      await crash(kind)
    }
    expect(counts).toEqual([1, 2, 3])
    expect(await rig.stored('DEAD')).toEqual(['1 dead one'])
  })

  it('the very first delivery counts even when the process ends in the same moment', async () => {
    const { rig, crash } = await orders(3, { max_deliver: 3, dead_letter: 'dead' })
    const counts: number[] = []
    for (let start = 0; start < 10; start++) {
      const { got } = rig.ask('ORDERS', 'worker', { batch: 1, expires: 60 * SECOND })
      // Not a moment longer than the message needs to come.
      for (let step = 0; step < 3000 && got.length === 0; step++) await rig.engine.pass(1)
      if (got.length === 0) break
      counts.push(got[0].deliveries)
      await crash('power')
    }
    expect(counts).toEqual([1, 2, 3])
    expect(await rig.stored('DEAD')).toEqual(['1 dead one'])
  })

  it('a clean stop right after an unclean one does not make a second delivery look like the first', async () => {
    const { machine, rig, crash } = await orders(13, { max_deliver: 5 })
    const { got } = rig.ask('ORDERS', 'worker', { batch: 1, expires: 60 * SECOND })
    for (let step = 0; step < 3000 && got.length === 0; step++) await rig.engine.pass(1)
    await crash('power')
    for (let stop = 0; stop < 2; stop++) {
      const { engine } = rig
      await engine.pass(WRITTEN_MS)
      engine.jetstream.close()
      await settle(engine, engine.store.close())
      rig.engine = await machine.start()
      rig.listenToEvents()
      expect(rig.engine.store.recovery.clean).toBe(true)
    }
    const next = rig.ask('ORDERS', 'worker')
    await rig.engine.pass(WRITTEN_MS)
    expect(next.got.map(({ deliveries }) => deliveries)).toEqual([2])
    // What came later was never delivered, whatever the stop was.
    await rig.publish('orders', 'two')
    const last = rig.ask('ORDERS', 'worker')
    await rig.engine.pass(WRITTEN_MS)
    expect(last.got.map(({ deliveries }) => deliveries)).toEqual([1])
  })

  it('a message is never given up without a delivery: with max_deliver 1 the suspect one is delivered', async () => {
    const { rig, crash } = await orders(4, { max_deliver: 1, dead_letter: 'dead' })
    await crash('power')
    const { got } = rig.ask('ORDERS', 'worker')
    await rig.engine.pass(WRITTEN_MS)
    expect(got.map(({ text, deliveries }) => [text, deliveries])).toEqual([['one', 1]])
  })

  it('after an unclean stop only what may have been delivered without a record counts as delivered', async () => {
    const { rig, crash } = await orders(12, { max_deliver: 3 })
    for (let n = 2; n <= 1500; n++) rig.engine.bus.send('orders', '', new Uint8Array(0), new Uint8Array(0))
    await rig.engine.pass(WRITTEN_MS)
    const { got } = rig.ask('ORDERS', 'worker', { batch: 18 })
    for (let n = 0; n < 18; n++) await rig.answer(got[n])
    await rig.engine.pass(WRITTEN_MS)
    await crash('power')
    const counts: number[] = []
    while (counts.length < 1482) {
      const { got: more } = rig.ask('ORDERS', 'worker', { batch: 500, no_wait: true })
      await rig.engine.pass(WRITTEN_MS)
      expect(more.length).toBeGreaterThan(0)
      // The last batch ends with a status.
      for (const one of more.filter(({ deliveries }) => deliveries > 0)) {
        counts.push(one.deliveries)
        rig.engine.bus.send(one.reply, '', new Uint8Array(0), new Uint8Array(0))
      }
      await rig.engine.pass(WRITTEN_MS)
    }
    expect(counts.map((n) => (n === 2 ? 's' : '.')).join('')).toBe('s'.repeat(1000) + '.'.repeat(482))
  })

  it('whatever was sent without a record is suspect, however fast acknowledgements make room', async () => {
    const { rig, crash } = await orders(13, { max_deliver: 3, ack_wait: SECOND, max_ack_pending: 300 })
    for (let n = 2; n <= 3000; n++) rig.engine.bus.send('orders', '', new Uint8Array(0), new Uint8Array(0))
    await rig.engine.pass(WRITTEN_MS)
    const sent = new Set<number>()
    for (let round = 0; round < 10; round++) {
      const { got } = rig.ask('ORDERS', 'worker', { batch: 300 })
      rig.engine.endTurns()
      for (const one of got) {
        sent.add(one.seq)
        rig.engine.bus.send(one.reply, '', new Uint8Array(0), new Uint8Array(0))
      }
    }
    // The disk wrote nothing meanwhile.
    expect(sent.size).toBe(1000)
    await crash('power')
    const again = new Map<number, number>()
    for (let round = 0; round < 10; round++) {
      const { got } = rig.ask('ORDERS', 'worker', { batch: 300, no_wait: true })
      await rig.engine.pass(2000)
      for (const one of got.filter(({ deliveries }) => deliveries > 0)) {
        again.set(one.seq, one.deliveries)
        rig.engine.bus.send(one.reply, '', new Uint8Array(0), new Uint8Array(0))
      }
      await rig.engine.pass(WRITTEN_MS)
    }
    expect(again.size).toBe(3000)
    for (const seq of sent) expect(again.get(seq), `message ${seq}`).toBe(2)
    expect([...again.values()].filter((n) => n === 2)).toHaveLength(1000)
  })

  it('after a clean stop nothing is suspect', async () => {
    const { rig, machine } = await orders(5, { max_deliver: 3 })
    rig.engine.jetstream.close()
    const closing = rig.engine.store.close()
    await rig.engine.pass(WRITTEN_MS)
    await closing
    rig.engine = await machine.start()
    const { got } = rig.ask('ORDERS', 'worker')
    await rig.engine.pass(WRITTEN_MS)
    expect(got.map(({ deliveries }) => deliveries)).toEqual([1])
  })
})

describe('what was told survives', () => {
  it('a double ack is answered when the settle is on disk, not before', async () => {
    const { rig, crash } = await orders(6, {})
    const { got } = rig.ask('ORDERS', 'worker')
    await rig.engine.pass(WRITTEN_MS)
    let answered = false
    rig.engine.bus.listen('answer', () => {
      answered = true
    })
    rig.engine.bus.send(got[0].reply, 'answer', new Uint8Array(0), new Uint8Array(0))
    rig.engine.endTurns()
    expect(answered).toBe(false)
    for (let step = 0; step < 1000 && !answered; step++) await rig.engine.pass(0.05)
    expect(answered).toBe(true)
    await crash('power')
    expect(await rig.info('ORDERS', 'worker')).toMatchObject({ num_ack_pending: 0, ack_floor: { stream_seq: 1 } })
  })

  it('pending messages come again after a crash when their time is over, not before', async () => {
    const { rig, crash } = await orders(7, { ack_wait: 10 * SECOND })
    const { got } = rig.ask('ORDERS', 'worker')
    await rig.engine.pass(WRITTEN_MS)
    expect(got).toHaveLength(1)
    await crash('power')
    const again = rig.ask('ORDERS', 'worker', { batch: 1, expires: 60 * SECOND })
    await rig.engine.pass(9_000)
    expect(again.got).toEqual([])
    await rig.engine.pass(2_000)
    expect(again.got.map(({ deliveries }) => deliveries)).toEqual([2])
  })

  it("a nak's delay goes on over a crash", async () => {
    const { rig, crash } = await orders(8, { ack_wait: 60 * SECOND })
    const { got } = rig.ask('ORDERS', 'worker')
    await rig.engine.pass(WRITTEN_MS)
    await rig.answer(got[0], '-NAK {"delay":5000000000}')
    await rig.engine.pass(WRITTEN_MS)
    await crash('power')
    const again = rig.ask('ORDERS', 'worker', { batch: 1, expires: 60 * SECOND })
    await rig.engine.pass(4_000)
    expect(again.got).toEqual([])
    await rig.engine.pass(1_500)
    expect(again.got).toHaveLength(1)
  })
})

describe('dead letters', () => {
  it('rule 6: after a power cut at any moment the letter and its settle are both there, or neither', async () => {
    const outcomes = new Set<string>()
    for (let at = 0; at < 40; at++) {
      const { rig, crash } = await orders(100 + at, { max_deliver: 1, dead_letter: 'dead' })
      const { got } = rig.ask('ORDERS', 'worker')
      await rig.engine.pass(WRITTEN_MS)
      rig.engine.send(got[0].reply, '-NAK')
      await rig.engine.pass(at * 0.1)
      await crash('power')
      const letters = rig.engine.jetstream.stream('DEAD')!.log.state.messages
      const { num_ack_pending } = await rig.info('ORDERS', 'worker')
      outcomes.add(`${letters} letters, ${num_ack_pending} pending`)
      // Whatever it was, it ends with one letter.
      await rig.engine.pass(5000)
      expect(await rig.stored('DEAD'), `power cut ${at * 0.1} ms after the nak`).toEqual(['1 dead one'])
    }
    expect([...outcomes].sort()).toEqual(['0 letters, 1 pending', '1 letters, 0 pending'])
  })

  it('rule 6: a memory source counts as pending until the letter is synced, and is held when that fails', async () => {
    const { rig, machine } = await orders(9, { max_deliver: 1, dead_letter: 'dead' }, 'memory')
    const [only] = await rig.pull('ORDERS', 'worker')
    machine.disk.failNext('write')
    rig.engine.send(only.reply, '-NAK')
    rig.engine.endTurns()
    const { progress } = rig.engine.jetstream.stream('ORDERS')!.log.consumers()[0]
    expect([progress.pending.size, progress.held.size]).toEqual([1, 0])
    await rig.engine.pass(WRITTEN_MS)
    expect([progress.pending.size, progress.held.size]).toEqual([0, 1])
    expect(rig.letters).toEqual([])
    expect(rig.held).toHaveLength(1)
  })

  it('rule 6: and is settled when it is synced', async () => {
    const { rig } = await orders(10, { max_deliver: 1, dead_letter: 'dead' }, 'memory')
    const [only] = await rig.pull('ORDERS', 'worker')
    rig.engine.send(only.reply, '-NAK')
    rig.engine.endTurns()
    const { progress } = rig.engine.jetstream.stream('ORDERS')!.log.consumers()[0]
    expect(progress.pending.size).toBe(1)
    await rig.engine.pass(WRITTEN_MS)
    expect([progress.pending.size, progress.held.size]).toEqual([0, 0])
    expect(rig.letters).toHaveLength(1)
  })

  it('what is held survives', async () => {
    const { rig, crash } = await orders(11, { max_deliver: 1, dead_letter: 'dead' })
    await rig.engine.api('STREAM.DELETE.DEAD')
    const { got } = rig.ask('ORDERS', 'worker')
    await rig.engine.pass(WRITTEN_MS)
    await rig.answer(got[0], '+TERM broken')
    await rig.engine.pass(WRITTEN_MS)
    await crash('power')
    expect((await rig.info('ORDERS', 'worker')).dead_letters).toMatchObject({ held: 1 })
    await rig.stream({ name: 'DEAD', subjects: ['dead'] })
    await rig.engine.pass(5000)
    expect(await rig.headers('DEAD', 1)).toMatchObject({
      'Dead-Letter-Reason': 'terminated',
      'Dead-Letter-Detail': 'broken',
    })
  })

  it('a message that was pushed out of memory is read back for its letter', async () => {
    const machine = new DiskMachine(12, { journalBytes: 64 * 1024 })
    const rig = new ConsumerRig(await machine.start())
    await rig.stream({ name: 'ORDERS', subjects: ['orders'] })
    await rig.stream({ name: 'DEAD', subjects: ['dead'] })
    await rig.consumer('ORDERS', 'worker', { ack_wait: SECOND, max_deliver: 1, dead_letter: 'dead' })
    await rig.publish('orders', 'one')
    const { got } = rig.ask('ORDERS', 'worker')
    await rig.engine.pass(WRITTEN_MS)
    for (let i = 0; i < 40; i++) await rig.publish('orders', 'x'.repeat(8000))
    await rig.engine.pass(500)
    expect(rig.engine.jetstream.stream('ORDERS')!.log.read(1, new MessageView())).toBe(COLD)
    rig.engine.send(got[0].reply, '-NAK')
    await rig.engine.pass(2000)
    expect(await rig.stored('DEAD')).toEqual(['1 dead one'])
  })
})
