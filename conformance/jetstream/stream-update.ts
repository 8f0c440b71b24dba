/** Updating a stream: what may change, and what happens to what is stored. */
import type { Case, Group } from '../support/case.ts'
import { expectEqual, expectMatch } from '../support/expectations.ts'
import type { ApiErrorRow } from '../support/jetstream-caller.ts'
import type { Trial } from '../support/trial.ts'

const second = 1_000_000_000

const notFound: ApiErrorRow = [404, 10059, 'stream not found']

type Config = Record<string, unknown>

/** [what, the config created, the fields updated, the error or undefined when it is taken] */
const updates: readonly (readonly [string, Config, Config | ((t: Trial) => Config), ApiErrorRow | undefined])[] = [
  ['description', {}, { description: 'new words' }, undefined],
  [
    'limits',
    {},
    { max_msgs: 5, max_bytes: 1000, max_age: 60 * second, max_msgs_per_subject: 2, max_msg_size: 50 },
    undefined,
  ],
  ['subjects', {}, (t) => ({ subjects: [`${t.subject}.new`] }), undefined],
  ['discard policy', {}, { discard: 'new' }, undefined],
  ['allow_direct and roll-ups', {}, { allow_direct: true, allow_rollup_hdrs: true }, undefined],
  ['metadata', { metadata: { a: '1' } }, { metadata: { b: '2' } }, undefined],
  ['limits to interest', {}, { retention: 'interest' }, undefined],
  ['duplicate window', {}, { duplicate_window: second }, undefined],
  ['nothing', {}, {}, undefined],
  ['no_ack', {}, { no_ack: true }, undefined],
  ['max_consumers', { max_consumers: 5 }, { max_consumers: 10 }, undefined],
  [
    'storage',
    { storage: 'file' },
    { storage: 'memory' },
    [500, 10052, 'stream configuration update can not change storage type'],
  ],
  ['limits to work queue', {}, { retention: 'workqueue' }, [500, 10052, /retention policy/]],
  ['work queue to limits', { retention: 'workqueue' }, { retention: 'limits' }, [500, 10052, /retention policy/]],
  ['deny_delete taken back', { deny_delete: true }, { deny_delete: false }, [500, 10052, /deny message delete/]],
  ['deny_purge taken back', { deny_purge: true }, { deny_purge: false }, [500, 10052, /deny purge/]],
  ['replicas', {}, { num_replicas: 3 }, [500, 10074, 'replicas > 1 not supported in non-clustered mode']],
  ['an unknown field', {}, { colour: 'blue' }, [400, 10025, 'invalid JSON: json: unknown field "colour"']],
  ['first_seq', { first_seq: 10 }, { first_seq: 20 }, undefined],
]

const updateCases: readonly Case[] = updates.map(([what, created, changed, error]) => ({
  name: `update ${error ? 'refused' : 'taken'}: ${what}`,
  async run(t) {
    const js = await t.js()
    const config: { name: string } & Config = { name: t.id, subjects: [`${t.subject}.>`], ...created }
    await js.stream(config)
    await js.publishOk(`${t.subject}.new`, 'x')
    const next = { ...config, ...(typeof changed === 'function' ? changed(t) : changed) }
    if (error) await js.fail(`STREAM.UPDATE.${t.id}`, next, error)
    else
      expectMatch(await js.ok(`STREAM.UPDATE.${t.id}`, next), {
        type: 'io.nats.jetstream.api.v1.stream_update_response',
      })
    await js.info(t.id)
  },
}))

export const streamUpdate: Group = {
  name: 'jetstream/stream update',
  cases: [
    ...updateCases,
    {
      name: 'update taken: interest to limits, and messages are kept from then on',
      async run(t) {
        const js = await t.js()
        await js.stream({ name: t.id, subjects: [t.subject], retention: 'interest' })
        await js.ok(`STREAM.UPDATE.${t.id}`, { name: t.id, subjects: [t.subject], retention: 'limits' })
        await js.publishOk(t.subject, 'x')
        expectMatch((await js.info(t.id)).state, { messages: 1, first_seq: 1, last_seq: 1 })
      },
    },
    {
      name: 'update of an unknown stream',
      async run(t) {
        const js = await t.js()
        await js.fail(`STREAM.UPDATE.${t.id}`, { name: t.id }, notFound)
      },
    },
    {
      name: 'update with another name in the config',
      async run(t) {
        const js = await t.js()
        await js.stream({ name: t.id, subjects: [t.subject] })
        await js.fail(`STREAM.UPDATE.${t.id}`, { name: 'other' }, [
          400,
          10056,
          'stream name in subject does not match request',
        ])
      },
    },
    {
      name: 'update to subjects of another stream',
      async run(t) {
        const js = await t.js()
        await js.stream({ name: t.id, subjects: [`${t.subject}.a`] })
        await js.stream({ name: `${t.id}2`, subjects: [`${t.subject}.b`] })
        await js.fail(`STREAM.UPDATE.${t.id}2`, { name: `${t.id}2`, subjects: [`${t.subject}.*`] }, [
          400,
          10065,
          'subjects overlap with an existing stream',
        ])
      },
    },
    {
      name: 'an update that lowers limits removes messages at once',
      async run(t) {
        const js = await t.js()
        const config = { name: t.id, subjects: [`${t.subject}.>`] }
        await js.stream(config)
        for (let i = 0; i < 9; i++) await js.publishOk(`${t.subject}.${i % 3}`, String(i))
        await js.ok(`STREAM.UPDATE.${t.id}`, { ...config, max_msgs: 6 })
        expectMatch((await js.info(t.id)).state, { messages: 6, first_seq: 4, last_seq: 9 })
        await js.ok(`STREAM.UPDATE.${t.id}`, { ...config, max_msgs_per_subject: 1 })
        expectMatch((await js.info(t.id)).state, { messages: 3, first_seq: 7, last_seq: 9 })
      },
    },
    {
      name: 'an update of the subjects: old messages stay, new ones go by the new subjects',
      async run(t) {
        const js = await t.js()
        await js.stream({ name: t.id, subjects: [`${t.subject}.old`] })
        await js.publishOk(`${t.subject}.old`, 'x')
        await js.ok(`STREAM.UPDATE.${t.id}`, { name: t.id, subjects: [`${t.subject}.new`] })
        await js.publishOk(`${t.subject}.new`, 'y')
        expectEqual((await js.caller.request(`${t.subject}.old`, 'z')).status, 503)
        expectMatch((await js.info(t.id)).state, { messages: 2, num_subjects: 2 })
      },
    },
    {
      name: 'sealing a stream by update',
      async run(t) {
        const js = await t.js()
        const config = { name: t.id, subjects: [t.subject] }
        await js.stream(config)
        await js.publishOk(t.subject, 'x')
        await js.api(`STREAM.UPDATE.${t.id}`, { ...config, sealed: true })
        await js.publish(t.subject, 'y')
        await js.api(`STREAM.MSG.DELETE.${t.id}`, { seq: 1 })
        await js.api(`STREAM.PURGE.${t.id}`)
        await js.api(`STREAM.UPDATE.${t.id}`, config)
      },
    },
  ],
}
