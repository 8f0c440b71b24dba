/** A stream of orders, a place for dead letters, and a worker that has them: what the tests of dead letters start from. */
import { expect } from 'vitest'
import type { ConsumerConfigRequest } from '../consumer/consumer-config.ts'
import { ConsumerRig } from './consumer-rig.ts'

const SECOND = 1e9

/** Orders, a place for their letters, and a worker that has dead letters. */
export async function deadLetterRig(
  config: ConsumerConfigRequest = {},
  stream: object = {},
  dead: object = {},
): Promise<ConsumerRig> {
  const rig = new ConsumerRig()
  await rig.stream({ name: 'ORDERS', subjects: ['orders.>'], ...stream })
  await rig.stream({ name: 'DEAD', subjects: ['dead.>'], ...dead })
  const created = await rig.consumer('ORDERS', 'worker', {
    max_deliver: 2,
    ack_wait: SECOND,
    dead_letter: 'dead.orders',
    ...config,
  })
  expect(created.code, JSON.stringify(created)).toBeUndefined()
  return rig
}

/** Uses up both deliveries. */
export async function exhaust(rig: ConsumerRig, last = '-NAK'): Promise<void> {
  const [first] = await rig.pull('ORDERS', 'worker')
  await rig.answer(first, '-NAK')
  const [second] = await rig.pull('ORDERS', 'worker')
  expect(second.deliveries).toBe(2)
  await rig.answer(second, last)
}
