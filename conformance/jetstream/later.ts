/** What Headwater does not have yet: refused by name, never accepted and ignored. The judge has it. */
import type { Case, Group } from '../support/case.ts'
import { expectEqual } from '../support/expectations.ts'

type Config = Record<string, unknown>

/** [row of differences.ts, the field or its value as the refusal names it, the stream fields] */
const streams: readonly (readonly [string, string, Config])[] = [
  ['later', 'mirror', { subjects: undefined, mirror: { name: 'ORIGIN' } }],
  ['later', 'sources', { sources: [{ name: 'ORIGIN' }] }],
  ['later', 'republish', { republish: { src: '>', dest: 'elsewhere.>' } }],
  ['later', 'subject_transform', { subject_transform: { src: '>', dest: 'changed.>' } }],
  ['later', 'compression', { compression: 's2' }],
  ['newer-features', 'allow_msg_ttl', { allow_msg_ttl: true }],
  ['newer-features', 'subject_delete_marker_ttl', { subject_delete_marker_ttl: 1_000_000_000 }],
  ['newer-features', 'allow_msg_counter', { allow_msg_counter: true }],
  ['newer-features', 'allow_msg_schedules', { allow_msg_schedules: true }],
  ['newer-features', 'allow_atomic', { allow_atomic: true }],
  ['newer-features', 'persist_mode', { persist_mode: 'async' }],
]

const consumers: readonly (readonly [string, string, Config])[] = [
  ['newer-features', 'pause_until', { pause_until: '2200-01-01T00:00:00Z' }],
  ['newer-features', 'priority_groups', { priority_groups: ['a'], priority_policy: 'overflow' }],
  [
    'later',
    'direct',
    { durable_name: undefined, name: 'C', ack_policy: 'none', direct: true, deliver_subject: 'deliver.direct' },
  ],
]

function outcome(reply: { error?: { description: string } }, name: string): string {
  if (!reply.error) return 'accepted'
  const { description } = reply.error
  return description.includes(name) && description.includes('not supported') ? 'refused by name' : description
}

const expected = { headwater: 'refused by name', judge: 'accepted' }

const streamCases: readonly Case[] = streams.map(([row, name, fields]) => ({
  name: `stream with ${name}`,
  async run(t) {
    const js = await t.js()
    const reply = await js.peek(`STREAM.CREATE.${t.id}`, { name: t.id, subjects: [t.subject], ...fields })
    t.differs(row, outcome(reply, name), expected)
    if (t.target === 'headwater')
      expectEqual((await js.peek(`STREAM.INFO.${t.id}`)).error?.err_code, 10059, 'nothing was created')
  },
}))

const consumerCases: readonly Case[] = consumers.map(([row, name, fields]) => ({
  name: `consumer with ${name}`,
  async run(t) {
    const js = await t.js()
    await js.stream({ name: t.id, subjects: [t.subject] })
    const config = { durable_name: 'C', ack_policy: 'explicit', ...fields }
    const reply = await js.peek(`CONSUMER.CREATE.${t.id}.C`, { stream_name: t.id, config })
    t.differs(row, outcome(reply, name), expected)
    if (t.target === 'headwater')
      expectEqual((await js.peek(`CONSUMER.INFO.${t.id}.C`)).error?.err_code, 10014, 'nothing was created')
  },
}))

export const later: Group = {
  name: 'jetstream/later',
  cases: [
    ...streamCases,
    ...consumerCases,
    {
      name: 'features by update',
      async run(t) {
        const js = await t.js()
        await js.stream({ name: t.id, subjects: [t.subject] })
        const reply = await js.peek(`STREAM.UPDATE.${t.id}`, {
          name: t.id,
          subjects: [t.subject],
          republish: { src: '>', dest: 'elsewhere.>' },
        })
        t.differs('later', outcome(reply, 'republish'), expected)
        expectEqual(
          (await js.peek(`STREAM.INFO.${t.id}`)).config.republish === undefined,
          t.target === 'headwater',
          'no republish',
        )
      },
    },
    {
      name: 'snapshot and restore',
      async run(t) {
        const js = await t.js()
        await js.stream({ name: t.id, subjects: [t.subject] })
        const snapshot = await js.peek(`STREAM.SNAPSHOT.${t.id}`, { deliver_subject: `_INBOX.${t.subject}.snapshot` })
        t.differs('later', outcome(snapshot, ''), expected)
        const restore = await js.peek(`STREAM.RESTORE.${t.id}2`, {
          config: { name: `${t.id}2`, subjects: [`${t.subject}.2`] },
          state: {
            messages: 0,
            bytes: 0,
            first_seq: 0,
            first_ts: '0001-01-01T00:00:00Z',
            last_seq: 0,
            last_ts: '0001-01-01T00:00:00Z',
            consumer_count: 0,
          },
        })
        t.differs('later', outcome(restore, ''), expected)
      },
    },
    {
      name: 'pausing a consumer',
      async run(t) {
        const js = await t.js()
        await js.stream({ name: t.id, subjects: [t.subject] })
        await js.consumer(t.id, { durable_name: 'C', ack_policy: 'explicit' })
        const reply = await js.peek(`CONSUMER.PAUSE.${t.id}.C`, { pause_until: '2200-01-01T00:00:00Z' })
        t.differs('newer-features', outcome(reply, ''), expected)
      },
    },
    {
      name: 'zero values of features say nothing, and are taken',
      async run(t) {
        const js = await t.js()
        await js.stream({
          name: t.id,
          subjects: [t.subject],
          allow_msg_ttl: false,
          allow_atomic: false,
          allow_msg_counter: false,
          allow_msg_schedules: false,
          subject_delete_marker_ttl: 0,
          compression: 'none',
          persist_mode: '',
          sources: [],
          republish: undefined,
        })
        await js.consumer(t.id, {
          durable_name: 'C',
          ack_policy: 'explicit',
          priority_groups: [],
          priority_policy: 'none',
          direct: false,
        })
      },
    },
  ],
}
