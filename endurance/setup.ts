/** The streams, consumers and bucket of a run: every retention, every kind of consumer. */
import { withDeadLetter } from '@headwater/kit'
import { Kvm } from '@nats-io/kv'
import { HISTORY } from './roles/key-value.ts'
import type { Connected } from './world.ts'

/** Streams by what they keep. */
export const LIMITS = 'ENDURE_LIMITS'
export const BOUNDED = 'ENDURE_BOUNDED'
export const INTEREST = 'ENDURE_INTEREST'
export const WORK = 'ENDURE_WORK'
export const LETTERS = 'ENDURE_LETTERS'
export const MEMORY = 'ENDURE_MEMORY'

/** What the bounded stream keeps. */
export const BOUNDED_MESSAGES = 2000
/** Deliveries before a message of the queue becomes a letter. */
export const DELIVERIES_MAX = 3

const SECOND = 1_000_000_000
const WINDOW = 3600 * SECOND

export async function setUp({ js, jsm }: Connected, ackWaitMs: number): Promise<void> {
  await jsm.streams.add({ name: LIMITS, subjects: ['endure.limits.*'], duplicate_window: WINDOW })
  await jsm.streams.add({
    name: BOUNDED,
    subjects: ['endure.bounded'],
    max_msgs: BOUNDED_MESSAGES,
    duplicate_window: WINDOW,
  })
  await jsm.streams.add({
    name: INTEREST,
    subjects: ['endure.interest'],
    retention: 'interest',
    duplicate_window: WINDOW,
  })
  await jsm.streams.add({
    name: WORK,
    subjects: ['endure.work.*'],
    retention: 'workqueue',
    duplicate_window: WINDOW,
  })
  await jsm.streams.add({ name: LETTERS, subjects: ['endure.letters'] })
  await jsm.streams.add({ name: MEMORY, subjects: ['endure.memory'], storage: 'memory', max_msgs: 10_000 })
  const explicit = { ack_policy: 'explicit' as const, ack_wait: ackWaitMs * 1_000_000, max_ack_pending: 500 }
  await jsm.consumers.add(LIMITS, { ...explicit, durable_name: 'pull' })
  await jsm.consumers.add(LIMITS, {
    ...explicit,
    durable_name: 'push',
    deliver_subject: 'endure.deliver.push',
    filter_subject: 'endure.limits.0',
    idle_heartbeat: 2 * SECOND,
    flow_control: true,
  })
  await jsm.consumers.add(INTEREST, { ...explicit, durable_name: 'fetch' })
  await jsm.consumers.add(INTEREST, {
    ...explicit,
    durable_name: 'queue',
    deliver_subject: 'endure.deliver.queue',
    deliver_group: 'workers',
  })
  await jsm.consumers.add(
    WORK,
    withDeadLetter('endure.letters', {
      ...explicit,
      durable_name: 'letters',
      filter_subject: 'endure.work.letters',
      max_deliver: DELIVERIES_MAX,
      ack_wait: ackWaitMs * 500_000,
    }),
  )
  await jsm.consumers.add(WORK, { ...explicit, durable_name: 'plain', filter_subject: 'endure.work.plain' })
  await new Kvm(js).create('endurance', { history: HISTORY })
}
