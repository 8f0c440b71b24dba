/** Updating a consumer: what may change, and what may not. */
import type { Case, Group } from '../support/case.ts'
import { expectEqual } from '../support/expectations.ts'
import type { ApiErrorRow } from '../support/jetstream-caller.ts'
import { type Config, type Fields, fieldsOf, pull, push, withStream } from './consumer-setup.ts'

const second = 1_000_000_000

/** [what, the config created, what is changed, the error or undefined when it is taken] */
const updates: readonly (readonly [string, Config, Fields, ApiErrorRow | undefined])[] = [
  ['description', pull, { description: 'new' }, undefined],
  ['ack_wait', pull, { ack_wait: 5 * second }, undefined],
  ['max_deliver', pull, { max_deliver: 3 }, undefined],
  ['backoff', pull, { max_deliver: 5, backoff: [second] }, undefined],
  ['max_ack_pending', pull, { max_ack_pending: 5 }, undefined],
  ['max_batch, max_expires, max_bytes', pull, { max_batch: 5, max_expires: second, max_bytes: 100 }, undefined],
  ['filter', pull, (t) => ({ filter_subject: `${t.subject}.b` }), undefined],
  ['filters', pull, (t) => ({ filter_subjects: [`${t.subject}.b`, `${t.subject}.c`] }), undefined],
  ['headers_only', pull, { headers_only: true }, undefined],
  ['sampling', pull, { sample_freq: '10' }, undefined],
  ['inactive_threshold', pull, { inactive_threshold: second }, undefined],
  ['metadata', pull, { metadata: { a: '1' } }, undefined],
  ['deliver_subject', push, { deliver_subject: 'deliver.there' }, undefined],
  ['deliver_group', push, { deliver_group: 'g' }, undefined],
  ['rate limit', push, { rate_limit_bps: 9000 }, undefined],
  ['deliver policy', pull, { deliver_policy: 'new' }, [500, 10012, 'deliver policy can not be updated']],
  [
    'start sequence',
    { ...pull, deliver_policy: 'by_start_sequence', opt_start_seq: 2 },
    { opt_start_seq: 3 },
    [500, 10012, 'start sequence can not be updated'],
  ],
  [
    'start time',
    { ...pull, deliver_policy: 'by_start_time', opt_start_time: '2024-01-01T00:00:00Z' },
    { opt_start_time: '2024-01-02T00:00:00Z' },
    [500, 10012, 'start time can not be updated'],
  ],
  ['ack policy', pull, { ack_policy: 'all' }, [500, 10012, 'ack policy can not be updated']],
  ['replay policy', pull, { replay_policy: 'original' }, [500, 10012, 'replay policy can not be updated']],
  [
    'heartbeat',
    { ...push, idle_heartbeat: second },
    { idle_heartbeat: 2 * second },
    [500, 10012, 'heart beats can not be updated'],
  ],
  [
    'flow control',
    { ...push, idle_heartbeat: second },
    { flow_control: true },
    [500, 10012, 'flow control can not be updated'],
  ],
  [
    'pull to push',
    pull,
    { deliver_subject: 'deliver.here' },
    [500, 10012, 'can not update pull consumer to push based'],
  ],
  ['push to pull', push, { deliver_subject: undefined }, [500, 10012, 'can not update push consumer to pull based']],
  ['max_waiting', { ...pull, max_waiting: 5 }, { max_waiting: 6 }, [500, 10012, 'max waiting can not be updated']],
  ['memory storage', pull, { mem_storage: true }, [500, 10012, 'storage type can not be updated']],
]

const updateCases: readonly Case[] = updates.map(([what, created, changed, error]) => ({
  name: `update ${error ? 'refused' : 'taken'}: ${what}`,
  async run(t) {
    const js = await withStream(t)
    await js.publishOk(`${t.subject}.a`, 'x')
    await js.consumer(t.id, created)
    const next = { ...created, ...fieldsOf(t, changed) }
    if (error) await js.consumerFails(t.id, next, error)
    else await js.consumer(t.id, next)
    await js.consumerInfo(t.id, 'C')
  },
}))

export const consumerUpdate: Group = {
  name: 'jetstream/consumer update',
  cases: [
    ...updateCases,
    {
      name: 'a filter changed by update: num_pending is counted anew, the position stays',
      async run(t) {
        const js = await withStream(t)
        for (const subject of ['a', 'b', 'a', 'b', 'a']) await js.publishOk(`${t.subject}.${subject}`, subject)
        await js.consumer(t.id, { ...pull, filter_subject: `${t.subject}.a` })
        expectEqual((await js.consumerInfo(t.id, 'C')).num_pending, 3)
        await js.expectPull(t.id, 'C', { batch: 2 }, [`${t.subject}.a a`, `${t.subject}.a a`])
        await js.consumer(t.id, { ...pull, filter_subject: `${t.subject}.b` })
        expectEqual((await js.consumerInfo(t.id, 'C')).num_pending, 1)
        await js.expectPull(t.id, 'C', { batch: 5, no_wait: true }, [`${t.subject}.b b`, '404 No Messages'])
      },
    },
  ],
}
