/** Dead letters: how they are written and how they settle; rules 6 to 16 by number. */
import { describe, expect, it } from 'vitest'
import { ConsumerRig } from '../testing/consumer-rig.ts'
import { deadLetterRig, exhaust } from '../testing/dead-letter-rig.ts'
import { TestEngine } from '../testing/engine.ts'

const SECOND = 1e9

describe('how it is written', () => {
  it('rule 6: from a memory stream to a file stream it counts as pending until the letter is readable', async () => {
    const r = await deadLetterRig({ max_deliver: 1 }, { storage: 'memory' }, { storage: 'file' })
    await r.publish('orders.1', 'one')
    const [only] = await r.pull('ORDERS', 'worker')
    await r.answer(only, '-NAK')
    expect(await r.stored('DEAD')).toEqual(['1 dead.orders one'])
    expect(await r.info('ORDERS', 'worker')).toMatchObject({ num_ack_pending: 0, ack_floor: { stream_seq: 1 } })
  })

  it('rule 7 and 8: it says what it was, and where', async () => {
    const r = await deadLetterRig()
    await r.publish('orders.eu.1', 'body', [
      ['Nats-Msg-Id', 'id-1'],
      ['Trace', 'abc'],
    ])
    await exhaust(r)
    const [name, consumer, created, seq, consumerSeq] = (await r.headers('DEAD', 1))['Dead-Letter-Id'].split('.')
    expect([name, consumer, seq, consumerSeq]).toEqual(['ORDERS', 'worker', '1', '2'])
    expect(created).toMatch(/^\d{19}$/)
    expect(await r.headers('DEAD', 1)).toMatchObject({
      'Nats-Msg-Id': 'id-1',
      Trace: 'abc',
      'Dead-Letter-Reason': 'max-deliver',
      'Dead-Letter-Stream': 'ORDERS',
      'Dead-Letter-Consumer': 'worker',
      'Dead-Letter-Subject': 'orders.eu.1',
      'Dead-Letter-Sequence': '1',
      'Dead-Letter-Deliveries': '2',
      'Dead-Letter-Time': expect.stringMatching(/^2026-01-01T/),
    })
    expect((await r.headers('DEAD', 1))['Dead-Letter-Detail']).toBeUndefined()
  })

  it("rule 8: the append bypasses the target's duplicate window, expectations and size limit", async () => {
    const r = await deadLetterRig({}, {}, { max_msg_size: 60 })
    await r.publish('dead.other', 'x', [['Nats-Msg-Id', 'same']])
    await r.publish('orders.1', 'longer than sixty bytes when its headers are counted', [
      ['Nats-Msg-Id', 'same'],
      ['Nats-Expected-Stream', 'ORDERS'],
    ])
    await exhaust(r)
    expect(await r.stored('DEAD')).toEqual([
      '1 dead.other x',
      '2 dead.orders longer than sixty bytes when its headers are counted',
    ])
    expect(await r.headers('DEAD', 2)).toMatchObject({ 'Dead-Letter-Header-Nats-Expected-Stream': 'ORDERS' })
  })

  it('rule 9: what cannot be written is held, shown, tried again, and in nobody’s way', async () => {
    const r = await deadLetterRig({ max_deliver: 1, max_ack_pending: 1 }, {}, { max_msgs: 1, discard: 'new' })
    await r.publish('dead.full')
    await r.publish('orders.1', 'one')
    await r.publish('orders.2', 'two')
    const [first] = await r.pull('ORDERS', 'worker')
    await r.answer(first, '-NAK')
    expect(await r.info('ORDERS', 'worker')).toMatchObject({
      num_ack_pending: 0,
      ack_floor: { stream_seq: 0 },
      dead_letters: { held: 1, messages: [{ stream_seq: 1, why: 'maximum messages exceeded' }] },
    })
    expect(r.held).toMatchObject([{ streamSeq: 1, subject: 'dead.orders', why: 'maximum messages exceeded' }])
    // The healthy flow goes on, and the floor waits.
    const [second] = await r.pull('ORDERS', 'worker')
    expect(second.text).toBe('two')
    await r.answer(second)
    expect((await r.info('ORDERS', 'worker')).ack_floor).toMatchObject({ stream_seq: 0 })
    await r.engine.api('STREAM.PURGE.DEAD')
    await r.engine.pass(1000)
    expect(await r.stored('DEAD')).toEqual(['2 dead.orders one'])
    const { ack_floor, dead_letters } = await r.info('ORDERS', 'worker')
    expect([ack_floor.stream_seq, dead_letters]).toEqual([2, undefined])
  })

  it('rule 9: tried again from one second on, less and less often, to a minute; and when a configuration changes', async () => {
    const r = await deadLetterRig({ max_deliver: 1 }, {}, { max_msgs: 1, discard: 'new' })
    await r.publish('dead.full')
    await r.publish('orders.1', 'one')
    const [first] = await r.pull('ORDERS', 'worker')
    const target = r.engine.jetstream.stream('ORDERS')!
    const asked: number[] = []
    const find = target.letterTarget.bind(target)
    target.letterTarget = (subject) => {
      asked.push(r.engine.clock.now())
      return find(subject)
    }
    await r.answer(first, '-NAK')
    await r.engine.pass(300_000)
    const gaps = asked.slice(1).map((at, i) => Math.round((at - asked[i]) / 1000))
    expect(gaps.slice(0, 8)).toEqual([1, 2, 4, 8, 16, 32, 60, 60])
    await r.updateStream({ name: 'ORDERS', subjects: ['orders.>'], description: 'changed' })
    expect(asked.length).toBe(gaps.length + 2)
  })

  it('rule 9: an interest stream in which nobody wants the letter holds it', async () => {
    const r = await deadLetterRig({ max_deliver: 1 }, {}, { retention: 'interest' })
    await r.publish('orders.1', 'one')
    const [first] = await r.pull('ORDERS', 'worker')
    await r.answer(first, '-NAK')
    expect((await r.info('ORDERS', 'worker')).dead_letters?.messages[0].why).toContain('no consumer of DEAD wants')
    await r.consumer('DEAD', 'reader')
    await r.engine.pass(1000)
    expect(await r.stored('DEAD')).toEqual(['1 dead.orders one'])
  })

  it('rule 9: without a capturing stream it is held until there is one', async () => {
    const r = await deadLetterRig({ max_deliver: 1 })
    await r.engine.api('STREAM.DELETE.DEAD')
    await r.publish('orders.1', 'one')
    const [first] = await r.pull('ORDERS', 'worker')
    await r.answer(first, '-NAK')
    expect((await r.info('ORDERS', 'worker')).dead_letters).toMatchObject({ held: 1 })
    await r.engine.restart()
    expect((await r.info('ORDERS', 'worker')).dead_letters).toMatchObject({ held: 1 })
    await r.stream({ name: 'DEAD', subjects: ['dead.>'] })
    await r.engine.pass(5000)
    expect(await r.stored('DEAD')).toEqual(['1 dead.orders one'])
  })

  it('rule 9: interest retention does not remove what is held', async () => {
    const r = await deadLetterRig({ max_deliver: 1 }, { retention: 'interest' }, { max_msgs: 1, discard: 'new' })
    await r.publish('dead.full')
    await r.publish('orders.1', 'one')
    const [first] = await r.pull('ORDERS', 'worker')
    await r.answer(first, '-NAK')
    await r.updateStream({ name: 'ORDERS', subjects: ['orders.>'], retention: 'interest', description: 'looks again' })
    expect(await r.stored('ORDERS')).toEqual(['1 orders.1 one'])
  })

  it.each([
    ['a wildcard', 'dead.*', 'without wildcards'],
    ["the server's own subjects", '$JS.x', 'must not start with "$"'],
    ['a subject that no stream captures', 'nowhere', 'no stream captures nowhere'],
    ["the consumer's own subjects", 'orders.dead', 'would receive its own'],
    ['a target with max_msgs_per_subject', 'last.x', 'push each other out'],
    ['a memory target for a file source', 'mem.x', 'keeps messages in memory'],
  ])('rule 10: refused at creation and update: %s', async (_, subject, why) => {
    const r = await deadLetterRig()
    await r.stream({ name: 'LAST', subjects: ['last.>'], max_msgs_per_subject: 1 })
    await r.stream({ name: 'MEM', subjects: ['mem.>'], storage: 'memory' })
    for (const name of ['new', 'worker']) {
      const refused = await r.consumer('ORDERS', name, { dead_letter: subject })
      expect(refused).toMatchObject({ err_code: 10052, description: expect.stringContaining(why) })
    }
  })

  it.each([
    ['that captures the letters no more', { subjects: ['other.>'] }, 'would have nowhere to go'],
    ['with max_msgs_per_subject', { subjects: ['dead.>'], max_msgs_per_subject: 1 }, 'push each other out'],
  ])('rule 10: refused: an update of the target %s', async (_, config, why) => {
    const r = await deadLetterRig()
    await expect(r.updateStream({ name: 'DEAD', ...config })).rejects.toThrow(why)
    await r.updateStream({ name: 'DEAD', subjects: ['dead.orders', 'other.>'] })
  })

  it('rule 12: plain subscribers get it too, and it is stored once', async () => {
    const r = await deadLetterRig({ max_deliver: 1 })
    const plain = r.listen('dead.orders')
    await r.publish('orders.1', 'one')
    const [only] = await r.pull('ORDERS', 'worker')
    await r.answer(only, '-NAK')
    expect(plain.got.map(({ text, header }) => [text, header('Dead-Letter-Stream')])).toEqual([['one', 'ORDERS']])
    expect(await r.stored('DEAD')).toHaveLength(1)
  })
})

describe('how it settles', () => {
  it('rule 13: after the letter a late answer changes nothing, and a double ack is answered', async () => {
    const r = await deadLetterRig()
    await r.publish('orders.1', 'one')
    const [first] = await r.pull('ORDERS', 'worker')
    await r.answer(first, '-NAK')
    const [second] = await r.pull('ORDERS', 'worker')
    await r.answer(second, '-NAK')
    for (const body of ['', '-NAK', '+TERM', '+WPI']) await r.answerSure(second, body)
    expect(await r.stored('DEAD')).toHaveLength(1)
    expect(await r.info('ORDERS', 'worker')).toMatchObject({ num_ack_pending: 0, ack_floor: { stream_seq: 1 } })
  })

  it('rule 13: while it is held a late ack wins', async () => {
    const r = await deadLetterRig({ max_deliver: 1 }, {}, { max_msgs: 1, discard: 'new' })
    await r.publish('dead.full')
    await r.publish('orders.1', 'one')
    const [only] = await r.pull('ORDERS', 'worker')
    await r.answer(only, '-NAK')
    expect((await r.info('ORDERS', 'worker')).dead_letters).toMatchObject({ held: 1 })
    await r.answerSure(only)
    await r.engine.api('STREAM.PURGE.DEAD')
    await r.engine.pass(100_000)
    expect(await r.stored('DEAD')).toEqual([])
    const { ack_floor, dead_letters } = await r.info('ORDERS', 'worker')
    expect([ack_floor.stream_seq, dead_letters]).toEqual([1, undefined])
  })

  it('rule 14: a work queue loses the original with the letter', async () => {
    const r = await deadLetterRig({ max_deliver: 1 }, { retention: 'workqueue' })
    await r.publish('orders.1', 'one')
    const [only] = await r.pull('ORDERS', 'worker')
    await r.answer(only, '-NAK')
    expect(await r.stored('DEAD')).toEqual(['1 dead.orders one'])
    expect(await r.stored('ORDERS')).toEqual([])
  })

  it('rule 14: an interest stream releases it for this consumer only', async () => {
    const r = await deadLetterRig({ max_deliver: 1 }, { retention: 'interest' })
    await r.consumer('ORDERS', 'other')
    await r.publish('orders.1', 'one')
    const [only] = await r.pull('ORDERS', 'worker')
    await r.answer(only, '-NAK')
    expect(await r.stored('ORDERS')).toEqual(['1 orders.1 one'])
    const [theirs] = await r.pull('ORDERS', 'other')
    await r.answer(theirs)
    expect(await r.stored('ORDERS')).toEqual([])
  })

  it('rule 14: N consumers, N letters, each with its name; a limits stream keeps the original', async () => {
    const r = await deadLetterRig({ max_deliver: 1 })
    await r.consumer('ORDERS', 'second', { max_deliver: 1, dead_letter: 'dead.orders' })
    await r.publish('orders.1', 'one')
    for (const name of ['worker', 'second']) {
      const [only] = await r.pull('ORDERS', name)
      await r.answer(only, '-NAK')
    }
    expect(await r.stored('ORDERS')).toEqual(['1 orders.1 one'])
    const consumers = [await r.headers('DEAD', 1), await r.headers('DEAD', 2)].map((h) => h['Dead-Letter-Consumer'])
    expect(consumers).toEqual(['worker', 'second'])
  })

  it('rule 15: deleting the consumer makes no letters of what was undelivered or half tried', async () => {
    const r = await deadLetterRig()
    await r.publish('orders.1', 'half tried')
    await r.publish('orders.2', 'undelivered')
    const [first] = await r.pull('ORDERS', 'worker')
    await r.answer(first, '-NAK')
    await r.engine.api('CONSUMER.DELETE.ORDERS.worker')
    await r.engine.pass(100_000)
    expect(await r.stored('DEAD')).toEqual([])
  })

  it('rule 16: a letter that comes back to its consumer is held as a loop', async () => {
    const rig = new ConsumerRig()
    await rig.stream({ name: 'A', subjects: ['a.>'] })
    await rig.stream({ name: 'B', subjects: ['b.>'] })
    await rig.consumer('A', 'one', { max_deliver: 1, dead_letter: 'b.x' })
    await rig.consumer('B', 'two', { max_deliver: 1, dead_letter: 'a.x' })
    await rig.publish('a.start', 'round')
    for (const [stream, name] of [
      ['A', 'one'],
      ['B', 'two'],
      ['A', 'one'],
    ]) {
      const [only] = await rig.pull(stream, name)
      await rig.answer(only, '-NAK')
    }
    expect(await rig.headers('A', 2)).toMatchObject({
      'Dead-Letter-Path': 'A/one, B/two',
      'Dead-Letter-Origin-Stream': 'A',
      'Dead-Letter-Origin-Subject': 'a.start',
      'Dead-Letter-Stream': 'B',
    })
    expect((await rig.info('A', 'one')).dead_letters?.messages).toEqual([
      { stream_seq: 2, why: 'loop: this consumer is in its path already' },
    ])
  })
})

describe('the bound of what is held', () => {
  it('rule 9: at ten thousand new deliveries stop, an advisory says so, and they go on when there is room', async () => {
    const r = new ConsumerRig(new TestEngine())
    await r.stream({ name: 'ORDERS', subjects: ['orders'] })
    await r.stream({ name: 'DEAD', subjects: ['dead'], max_msgs: 1, discard: 'new' })
    await r.publish('dead', 'full')
    await r.consumer('ORDERS', 'worker', { max_deliver: 1, max_ack_pending: 10_000, dead_letter: 'dead' })
    const seen = r.advisories('$JS.EVENT.ADVISORY.CONSUMER.DEAD_LETTERS_HELD.>')
    for (let i = 0; i < 10_001; i++) r.engine.send('orders', 'x')
    const { got, end } = r.ask('ORDERS', 'worker', { batch: 20_000, expires: 60 * SECOND })
    await r.engine.pass(0)
    expect(got).toHaveLength(10_000)
    for (const delivery of got) r.engine.send(delivery.reply, '-NAK')
    await r.engine.pass(0)
    expect(seen).toMatchObject([{ held: 10_000 }])
    expect(got).toHaveLength(10_000)
    await r.updateStream({ name: 'DEAD', subjects: ['dead'] })
    await r.engine.pass(2000)
    expect(got).toHaveLength(10_001)
    end()
  })
})
