import { describe, expect, it } from 'vitest'
import { TestEngine } from '../testing/engine.ts'

describe('a durable pull consumer with explicit ack', () => {
  it('delivers, settles and counts', async () => {
    const engine = new TestEngine()
    await engine.api('STREAM.CREATE.S', { name: 'S', subjects: ['s.>'] })
    for (const n of [1, 2, 3]) await engine.request(`s.${n}`, `m${n}`)
    const created = await engine.api('CONSUMER.CREATE.S.C', {
      stream_name: 'S',
      config: { durable_name: 'C', ack_policy: 'explicit' },
    })
    expect(created.json).toMatchObject({ name: 'C', num_pending: 3 })
    await engine.pass(0)
    const got: string[] = []
    engine.bus.listen('inbox', (message) => {
      got.push(`${message.subject} ${message.reply.replace(/\d{19}/, 'T')}`)
      if (message.reply) engine.send(message.reply)
    })
    engine.bus.send('$JS.API.CONSUMER.MSG.NEXT.S.C', 'inbox', new Uint8Array(0), new TextEncoder().encode('5'))
    await engine.pass(0)
    expect(got).toEqual(['s.1 $JS.ACK.S.C.1.1.1.T.2', 's.2 $JS.ACK.S.C.1.2.2.T.1', 's.3 $JS.ACK.S.C.1.3.3.T.0'])
    const info = await engine.api('CONSUMER.INFO.S.C')
    expect(info.json).toMatchObject({
      delivered: { consumer_seq: 3, stream_seq: 3 },
      ack_floor: { consumer_seq: 3, stream_seq: 3 },
      num_ack_pending: 0,
      num_pending: 0,
      num_waiting: 1,
    })
  })
})
