/** Dead letters: configuration, and when they fire; rules 1 to 5 by number. */
import { describe, expect, it } from 'vitest'
import { ConsumerRig } from '../testing/consumer-rig.ts'
import { deadLetterRig, exhaust } from '../testing/dead-letter-rig.ts'
import type { ConsumerConfigRequest } from './consumer-config.ts'

const SECOND = 1e9

describe('configuration', () => {
  it('is taken at the top level and in the metadata, and shown in both', async () => {
    const inMetadata = { dead_letter: undefined, metadata: { 'headwater.dead_letter': 'dead.x' } }
    for (const config of [{ dead_letter: 'dead.x' }, inMetadata]) {
      const r = await deadLetterRig(config)
      const { config: shown } = await r.info('ORDERS', 'worker')
      expect(shown.dead_letter).toBe('dead.x')
      expect(shown.metadata).toEqual({ 'headwater.dead_letter': 'dead.x' })
    }
  })

  it('survives a tool that rewrites only the metadata; the top level wins; without both it ends', async () => {
    const r = await deadLetterRig()
    const base = { max_deliver: 2, ack_wait: SECOND }
    const subject = async (): Promise<unknown> => (await r.info('ORDERS', 'worker')).config.dead_letter
    await r.consumer('ORDERS', 'worker', { ...base, metadata: { 'headwater.dead_letter': 'dead.orders' } })
    expect(await subject()).toBe('dead.orders')
    await r.consumer('ORDERS', 'worker', {
      ...base,
      dead_letter: 'dead.new',
      metadata: { 'headwater.dead_letter': 'dead.orders' },
    })
    expect(await subject()).toBe('dead.new')
    expect((await r.info('ORDERS', 'worker')).config.metadata).toEqual({ 'headwater.dead_letter': 'dead.new' })
    await r.consumer('ORDERS', 'worker', base)
    expect(await subject()).toBeUndefined()
  })

  it('compares the merged value when a create is repeated', async () => {
    const r = await deadLetterRig()
    const again = await r.consumer('ORDERS', 'worker', {
      action: 'create',
      max_deliver: 2,
      ack_wait: SECOND,
      metadata: { 'headwater.dead_letter': 'dead.orders' },
    })
    expect(again.code).toBeUndefined()
  })
})

describe('when it fires', () => {
  it.each([
    ['by a nak', '-NAK', 0],
    ['by a nak with a delay', '-NAK {"delay":60000000000}', 0],
    ['by time', '', 1000],
  ])('rule 1: a message is exhausted %s, once', async (_, last, passMs) => {
    const r = await deadLetterRig()
    await r.publish('orders.1', 'one')
    const [first] = await r.pull('ORDERS', 'worker')
    await r.answer(first, '-NAK')
    const [second] = await r.pull('ORDERS', 'worker')
    if (last) await r.answer(second, last)
    await r.engine.pass(passMs)
    expect(await r.stored('DEAD')).toEqual(['1 dead.orders one'])
    await r.engine.pass(100_000)
    expect(await r.stored('DEAD')).toHaveLength(1)
    expect(r.letters).toMatchObject([{ stream: 'ORDERS', consumer: 'worker', streamSeq: 1, reason: 'max-deliver' }])
  })

  it('rule 1: a lower max_deliver judges all pending anew: those whose delivery has ended, at once', async () => {
    const r = await deadLetterRig({ max_deliver: 5 })
    await r.publish('orders.1', 'ended')
    await r.publish('orders.2', 'in work')
    const [first, second] = await r.pull('ORDERS', 'worker', 2)
    await r.answer(first, '-NAK')
    await r.consumer('ORDERS', 'worker', { max_deliver: 1, ack_wait: SECOND, dead_letter: 'dead.orders' })
    expect(await r.stored('DEAD')).toEqual(['1 dead.orders ended'])
    await r.answer(second)
    await r.engine.pass(10_000)
    expect(await r.stored('DEAD')).toHaveLength(1)
  })

  it('rule 1: a restart judges all pending anew', async () => {
    const r = await deadLetterRig({ max_deliver: 1 })
    await r.publish('orders.1', 'one')
    await r.pull('ORDERS', 'worker')
    r.engine.jetstream.close()
    await r.engine.pass(5000)
    expect(r.engine.store.streams().length).toBe(2)
    await r.engine.restart()
    await r.engine.pass(0)
    expect(await r.stored('DEAD')).toEqual(['1 dead.orders one'])
  })

  it('rule 2: at once, with nobody there who asks for messages', async () => {
    const r = await deadLetterRig({ max_deliver: 1 })
    await r.publish('orders.1', 'one')
    const [only] = await r.pull('ORDERS', 'worker')
    r.engine.send(only.reply, '-NAK')
    expect(r.engine.jetstream.stream('DEAD')?.log.state.messages).toBe(1)
  })

  it('rule 2: without dead letters the timing is that of NATS: the nak waits for the next request', async () => {
    const r = await deadLetterRig({ dead_letter: undefined, max_deliver: 1 })
    const seen = r.advisories('$JS.EVENT.ADVISORY.CONSUMER.MAX_DELIVERIES.>')
    await r.publish('orders.1')
    const [only] = await r.pull('ORDERS', 'worker')
    await r.answer(only, '-NAK')
    expect(seen).toEqual([])
    await r.pull('ORDERS', 'worker', { batch: 1, no_wait: true })
    expect(seen).toMatchObject([{ stream_seq: 1, deliveries: 1 }])
    expect((await r.info('ORDERS', 'worker')).num_ack_pending).toBe(0)
  })

  it('rule 3: +TERM fires, with its reason', async () => {
    const r = await deadLetterRig({ max_deliver: -1 })
    await r.publish('orders.1', 'one')
    const [only] = await r.pull('ORDERS', 'worker')
    await r.answer(only, '+TERM no such product')
    expect(await r.stored('DEAD')).toEqual(['1 dead.orders one'])
    expect(await r.headers('DEAD', 1)).toMatchObject({
      'Dead-Letter-Reason': 'terminated',
      'Dead-Letter-Detail': 'no such product',
    })
  })

  it('rule 3: only the ends that "on" names fire', async () => {
    const r = await deadLetterRig({ metadata: { 'headwater.dead_letter.on': 'max-deliver' } })
    await r.publish('orders.1', 'terminated')
    await r.publish('orders.2', 'exhausted')
    const [first] = await r.pull('ORDERS', 'worker')
    await r.answer(first, '+TERM')
    await exhaust(r)
    expect(await r.stored('DEAD')).toEqual(['1 dead.orders exhausted'])
    expect(
      await r.consumer('ORDERS', 'other', { dead_letter: 'dead.x', metadata: { 'headwater.dead_letter.on': 'x' } }),
    ).toMatchObject({ description: expect.stringContaining('must be "max-deliver", "terminated" or both') })
  })

  it.each([
    ['a deleted', async (r: ConsumerRig) => r.engine.api('STREAM.MSG.DELETE.ORDERS', { seq: 1 })],
    ['a purged', async (r: ConsumerRig) => r.engine.api('STREAM.PURGE.ORDERS')],
    [
      'a message purged by subject',
      async (r: ConsumerRig) => r.engine.api('STREAM.PURGE.ORDERS', { filter: 'orders.1' }),
    ],
  ])('rule 3: no ghost letters: %s message leaves none', async (_, remove) => {
    const r = await deadLetterRig({ max_deliver: 1 })
    await r.publish('orders.1', 'one')
    const [only] = await r.pull('ORDERS', 'worker')
    await remove(r)
    await r.answer(only, '-NAK')
    await r.engine.pass(100_000)
    expect(await r.stored('DEAD')).toEqual([])
    const { num_ack_pending, dead_letters } = await r.info('ORDERS', 'worker')
    expect([num_ack_pending, dead_letters]).toEqual([0, undefined])
  })

  it('rule 3: refused when messages die of age before their deliveries are used up', async () => {
    const r = new ConsumerRig()
    await r.stream({ name: 'ORDERS', subjects: ['orders.>'], max_age: 10 * SECOND })
    await r.stream({ name: 'DEAD', subjects: ['dead.>'] })
    const refused = await r.consumer('ORDERS', 'worker', { max_deliver: 20, ack_wait: SECOND, dead_letter: 'dead.x' })
    expect(refused.description).toContain('max_age of stream "ORDERS" is shorter')
    const taken = await r.consumer('ORDERS', 'worker', { max_deliver: 10, ack_wait: SECOND, dead_letter: 'dead.x' })
    expect(taken.name).toBe('worker')
  })

  it('rule 4: the usual advisories go out too', async () => {
    const r = await deadLetterRig()
    const seen = r.advisories()
    await r.publish('orders.1')
    await r.publish('orders.2')
    await exhaust(r)
    const [second] = await r.pull('ORDERS', 'worker')
    await r.answer(second, '+TERM bad')
    const types = seen.map(({ type, stream_seq, deliveries, reason }) => [
      type.split('.').at(-1),
      stream_seq,
      deliveries,
      reason,
    ])
    expect(types).toEqual([
      ['nak', 1, 1, undefined],
      ['max_deliver', 1, 2, undefined],
      ['nak', 1, 2, undefined],
      ['terminated', 2, 1, 'bad'],
    ])
  })

  it('rule 5: with ack all a letter settles only its own sequence', async () => {
    const r = await deadLetterRig({ ack_policy: 'all', max_deliver: 1 })
    await r.publish('orders.1', 'one')
    await r.publish('orders.2', 'two')
    const [, second] = await r.pull('ORDERS', 'worker', 2)
    await r.answer(second, '-NAK')
    expect(await r.stored('DEAD')).toEqual(['1 dead.orders two'])
    expect(await r.info('ORDERS', 'worker')).toMatchObject({ num_ack_pending: 1, ack_floor: { stream_seq: 0 } })
  })

  it('rule 5: push consumers have them too, and headers_only ones send the whole payload', async () => {
    const r = await deadLetterRig({ deliver_subject: 'push.here', headers_only: true, max_deliver: 1 })
    const inbox = r.listen('push.here')
    await r.publish('orders.1', 'whole')
    await r.engine.pass(0)
    expect(inbox.got[0].text).toBe('')
    await r.answer(inbox.got[0], '-NAK')
    expect(await r.stored('DEAD')).toEqual(['1 dead.orders whole'])
  })

  it.each([
    ['ack none', { ack_policy: 'none' }, 'ack policy none'],
    ['an ephemeral', { durable_name: undefined, name: 'eph' }, 'must be durable'],
  ] as [string, ConsumerConfigRequest, string][])('rule 5: refused for %s', async (_, config, why) => {
    const r = await deadLetterRig()
    const refused = await r.consumer('ORDERS', 'eph', { dead_letter: 'dead.orders', ...config })
    expect(refused).toMatchObject({ err_code: 10052, description: expect.stringContaining(why) })
  })
})
