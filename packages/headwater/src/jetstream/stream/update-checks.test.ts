import { describe, expect, test } from 'vitest'
import { TestEngine } from '../testing/engine.ts'

async function orders(config: object = {}): Promise<TestEngine> {
  const engine = new TestEngine()
  await engine.api('STREAM.CREATE.S', { name: 'S', subjects: ['s.>'] })
  await engine.api('STREAM.CREATE.DEAD', { name: 'DEAD', subjects: ['dead.>', 'other'] })
  const { json } = await engine.api('CONSUMER.CREATE.S.C', {
    stream_name: 'S',
    config: { name: 'C', durable_name: 'C', ack_policy: 'explicit', max_deliver: 3, max_ack_pending: 500, ...config },
  })
  expect(json.error).toBeUndefined()
  return engine
}

describe('an update', () => {
  test.each<[object, string | undefined]>([
    [{ max_ack_pending: 499 }, 'change to limits violates consumers: C'],
    [{ max_ack_pending: 500 }, undefined],
    [{ inactive_threshold: 1e9 }, 'change to limits violates consumers: C'],
    [{ inactive_threshold: 60e9 }, undefined],
  ])('to consumer limits %o is judged by the consumers that are there', async (consumer_limits, refused) => {
    const engine = await orders({ inactive_threshold: 60e9 })
    const { json } = await engine.api('STREAM.UPDATE.S', { name: 'S', subjects: ['s.>'], consumer_limits })
    expect(json.error?.description).toBe(refused)
    if (refused) expect(json.error).toMatchObject({ code: 500, err_code: 10069 })
  })

  test.each<[object, RegExp | undefined]>([
    [{ subjects: ['other'] }, /dead letters of consumer "C" of stream "S" would have nowhere to go/],
    [{ subjects: ['dead.c', 'other'] }, undefined],
    [{ subjects: ['dead.>'], max_msgs_per_subject: 5 }, /would push each other out/],
    [{ subjects: ['dead.>'], max_msgs: 5 }, undefined],
  ])('of a stream of dead letters to %o does not strand them', async (config, refused) => {
    const engine = await orders({ metadata: { 'headwater.dead_letter': 'dead.c' } })
    const { json } = await engine.api('STREAM.UPDATE.DEAD', { name: 'DEAD', ...config })
    if (refused) expect(json.error).toMatchObject({ err_code: 10052, description: expect.stringMatching(refused) })
    else expect(json.error).toBeUndefined()
  })
})
