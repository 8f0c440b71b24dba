/** The stream API: info, list, names, update, delete, purge. */
import type { Case, Group } from '../support/case.ts'
import { expectEqual, expectMatch, expectTrue } from '../support/expectations.ts'
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
  ['interest to limits', { retention: 'interest' }, { retention: 'limits' }, undefined],
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

export const streamApi: Group = {
  name: 'jetstream/stream api',
  cases: [
    ...updateCases,
    {
      name: 'info of an empty stream',
      async run(t) {
        const js = await t.js()
        await js.stream({ name: t.id, subjects: [t.subject] })
        const info = await js.info(t.id)
        expectEqual([info.total, info.offset, info.limit], [0, 0, 0], 'paging')
        expectMatch(info, {
          type: 'io.nats.jetstream.api.v1.stream_info_response',
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
        expectEqual(Object.keys(info.cluster), ['leader'])
      },
    },
    {
      name: 'info of an unknown stream carries the paging fields too',
      async run(t) {
        const js = await t.js()
        const reply = await js.fail(`STREAM.INFO.${t.id}`, undefined, notFound)
        expectEqual([reply.total, reply.offset, reply.limit], [0, 0, 0], 'paging')
      },
    },
    {
      name: 'bytes of a file stream: subject, body and 30, with headers 4 more',
      async run(t) {
        const js = await t.js()
        await js.stream({ name: t.id, subjects: [t.subject], storage: 'file' })
        await js.publishOk(t.subject, 'hello')
        expectEqual((await js.info(t.id)).state.bytes, t.subject.length + 5 + 30)
        await js.publishOk(t.subject, 'hello', ['A: 1'])
        expectEqual((await js.info(t.id)).state.bytes, 2 * (t.subject.length + 5 + 30) - 8 + 18 + 4 + 8)
      },
    },
    {
      name: 'bytes of a memory stream: subject, headers, body and 16',
      async run(t) {
        const js = await t.js()
        await js.stream({ name: t.id, subjects: [t.subject], storage: 'memory' })
        await js.publishOk(t.subject, 'hello')
        expectEqual((await js.info(t.id)).state.bytes, t.subject.length + 5 + 16)
        await js.publishOk(t.subject, 'hello', ['A: 1'])
        expectEqual((await js.info(t.id)).state.bytes, 2 * (t.subject.length + 5 + 16) + 18)
      },
    },
    {
      name: 'info counts messages by subject when asked',
      async run(t) {
        const js = await t.js()
        await js.stream({ name: t.id, subjects: [`${t.subject}.>`] })
        for (const subject of ['a', 'b', 'a', 'c.d']) await js.publishOk(`${t.subject}.${subject}`, 'x')
        const plain = await js.info(t.id)
        expectEqual([plain.state.num_subjects, plain.state.subjects], [3, undefined])
        const all = await js.info(t.id, { subjects_filter: '>' })
        expectEqual(all.state.subjects, { [`${t.subject}.a`]: 2, [`${t.subject}.b`]: 1, [`${t.subject}.c.d`]: 1 })
        expectEqual([all.total, all.offset, all.limit], [3, 0, 100000])
        expectEqual((await js.info(t.id, { subjects_filter: `${t.subject}.*` })).total, 2)
        expectEqual((await js.info(t.id, { subjects_filter: `${t.subject}.a` })).state.subjects, {
          [`${t.subject}.a`]: 2,
        })
        expectEqual((await js.info(t.id, { subjects_filter: 'none' })).state.subjects, undefined)
        await js.info(t.id, { subjects_filter: '>', offset: 2 })
        await js.info(t.id, { subjects_filter: '>', offset: 99 })
      },
    },
    {
      name: 'info tells deleted messages, in full when asked',
      async run(t) {
        const js = await t.js()
        await js.stream({ name: t.id, subjects: [t.subject] })
        await js.publishAll(t.subject, ['a', 'b', 'c', 'd', 'e'])
        for (const seq of [2, 4]) await js.ok(`STREAM.MSG.DELETE.${t.id}`, { seq })
        expectMatch((await js.info(t.id)).state, {
          messages: 3,
          first_seq: 1,
          last_seq: 5,
          num_deleted: 2,
          deleted: undefined,
        })
        expectMatch((await js.info(t.id, { deleted_details: true })).state, { num_deleted: 2, deleted: [2, 4] })
        await js.ok(`STREAM.MSG.DELETE.${t.id}`, { seq: 1 })
        expectMatch((await js.info(t.id, { deleted_details: true })).state, { messages: 2, first_seq: 3, deleted: [4] })
        await js.ok(`STREAM.MSG.DELETE.${t.id}`, { seq: 5 })
        expectMatch((await js.info(t.id, { deleted_details: true })).state, { messages: 1, first_seq: 3, last_seq: 5 })
      },
    },
    {
      name: 'info with a body that is not JSON',
      async run(t) {
        const js = await t.js()
        await js.stream({ name: t.id, subjects: [t.subject] })
        for (const body of ['hello', '{', '{"colour":1}', '[]', '{}']) await js.api(`STREAM.INFO.${t.id}`, body)
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
    {
      name: 'delete, and everything is gone',
      async run(t) {
        const js = await t.js()
        await js.stream({ name: t.id, subjects: [t.subject] })
        await js.publishOk(t.subject, 'x')
        expectMatch(await js.ok(`STREAM.DELETE.${t.id}`), {
          type: 'io.nats.jetstream.api.v1.stream_delete_response',
          success: true,
        })
        await js.fail(`STREAM.INFO.${t.id}`, undefined, notFound)
        await js.fail(`STREAM.DELETE.${t.id}`, undefined, notFound)
        expectEqual((await js.caller.request(t.subject, 'x')).status, 503)
        await js.stream({ name: t.id, subjects: [t.subject] })
        expectMatch((await js.info(t.id)).state, { messages: 0, last_seq: 0 })
      },
    },
    {
      name: 'delete with a body is refused',
      async run(t) {
        const js = await t.js()
        await js.stream({ name: t.id, subjects: [t.subject] })
        await js.fail(`STREAM.DELETE.${t.id}`, { yes: true }, [400, 10038, 'expected an empty request payload'])
        await js.ok(`STREAM.DELETE.${t.id}`, {})
      },
    },
    {
      name: 'names: sorted, with a filter, with an offset, null when there are none',
      server: { fresh: true },
      async run(t) {
        const js = await t.js()
        const empty = await js.ok('STREAM.NAMES')
        expectMatch(empty, { total: 0, offset: 0, limit: 1024, streams: null })
        for (const name of ['C', 'A', 'B']) await js.stream({ name, subjects: [`${name}.*`], storage: 'memory' })
        expectEqual((await js.ok('STREAM.NAMES')).streams, ['A', 'B', 'C'])
        expectMatch(await js.ok('STREAM.NAMES', { offset: 1 }), { total: 3, offset: 1, streams: ['B', 'C'] })
        await js.ok('STREAM.NAMES', { offset: 9 })
        await js.ok('STREAM.NAMES', { offset: -1 })
        expectMatch(await js.ok('STREAM.NAMES', { subject: 'B.x' }), { total: 1, streams: ['B'] })
        expectEqual((await js.ok('STREAM.NAMES', { subject: '*.x' })).streams, ['A', 'B', 'C'])
        await js.ok('STREAM.NAMES', { subject: 'none' })
        await js.api('STREAM.NAMES', 'not json')
        await js.api('STREAM.NAMES', '{"offset":')
        await js.api('STREAM.NAMES', { colour: 1 })
      },
    },
    {
      name: 'list: infos, sorted, with a filter, an empty list when there are none',
      server: { fresh: true },
      async run(t) {
        const js = await t.js()
        expectMatch(await js.ok('STREAM.LIST'), { total: 0, offset: 0, limit: 256, streams: [] })
        for (const name of ['C', 'A', 'B']) await js.stream({ name, subjects: [`${name}.*`], storage: 'memory' })
        await js.publishOk('B.x', 'x')
        const list = await js.ok('STREAM.LIST')
        expectEqual(
          list.streams.map((each: { config: { name: string } }) => each.config.name),
          ['A', 'B', 'C'],
        )
        expectMatch(await js.ok('STREAM.LIST', { subject: 'B.x' }), { total: 1, streams: [{ state: { messages: 1 } }] })
        await js.ok('STREAM.LIST', { offset: 2 })
        await js.api('STREAM.LIST', { colour: 1 })
      },
    },
    {
      name: 'purge: all',
      async run(t) {
        const js = await t.js()
        await js.stream({ name: t.id, subjects: [t.subject] })
        expectMatch(await js.ok(`STREAM.PURGE.${t.id}`), { success: true, purged: 0 })
        await js.publishAll(t.subject, ['a', 'b', 'c'])
        expectMatch(await js.ok(`STREAM.PURGE.${t.id}`), {
          type: 'io.nats.jetstream.api.v1.stream_purge_response',
          success: true,
          purged: 3,
        })
        const { state } = await js.info(t.id)
        expectMatch(state, { messages: 0, bytes: 0, first_seq: 4, last_seq: 3 })
        expectTrue(state.last_ts !== '0001-01-01T00:00:00Z', 'last_ts stays')
        expectMatch(await js.publishOk(t.subject, 'd'), { seq: 4 })
      },
    },
    {
      name: 'purge: by subject, up to a sequence, keeping some',
      async run(t) {
        const js = await t.js()
        await js.stream({ name: t.id, subjects: [`${t.subject}.>`] })
        for (let i = 0; i < 12; i++) await js.publishOk(`${t.subject}.${i % 3}`, String(i))
        expectEqual((await js.ok(`STREAM.PURGE.${t.id}`, { filter: `${t.subject}.0`, keep: 1 })).purged, 3)
        expectMatch((await js.info(t.id, { subjects_filter: '>', deleted_details: true })).state, {
          messages: 9,
          first_seq: 2,
        })
        expectEqual((await js.ok(`STREAM.PURGE.${t.id}`, { filter: `${t.subject}.1`, seq: 6 })).purged, 2)
        await js.info(t.id, { subjects_filter: '>', deleted_details: true })
        expectEqual((await js.ok(`STREAM.PURGE.${t.id}`, { seq: 8 })).purged, 2)
        await js.info(t.id, { subjects_filter: '>', deleted_details: true })
        expectEqual((await js.ok(`STREAM.PURGE.${t.id}`, { keep: 2 })).purged, 3)
        expectMatch((await js.info(t.id, { deleted_details: true })).state, {
          messages: 2,
          first_seq: 11,
          last_seq: 12,
        })
        expectEqual((await js.ok(`STREAM.PURGE.${t.id}`, { filter: 'other' })).purged, 0)
        expectEqual((await js.ok(`STREAM.PURGE.${t.id}`, { filter: `${t.subject}.*` })).purged, 2)
        await js.info(t.id)
      },
    },
    {
      name: 'purge: borders',
      async run(t) {
        const js = await t.js()
        await js.stream({ name: t.id, subjects: [t.subject] })
        await js.publishAll(t.subject, ['a', 'b', 'c', 'd'])
        expectEqual((await js.ok(`STREAM.PURGE.${t.id}`, { seq: 1 })).purged, 0)
        await js.fail(`STREAM.PURGE.${t.id}`, { seq: 2, keep: 1 }, [400, 10003, 'bad request'])
        expectEqual((await js.ok(`STREAM.PURGE.${t.id}`, { keep: 10 })).purged, 0)
        await js.api(`STREAM.PURGE.${t.id}`, { filter: 'a..b' })
        await js.api(`STREAM.PURGE.${t.id}`, { colour: 1 })
        await js.api(`STREAM.PURGE.${t.id}`, '{"seq":')
        await js.info(t.id)
        expectEqual((await js.ok(`STREAM.PURGE.${t.id}`, { seq: 100 })).purged, 4)
        await js.info(t.id)
        await js.publish(t.subject, 'e')
        await js.fail(`STREAM.PURGE.${t.id}none`, undefined, notFound)
      },
    },
    {
      name: 'purge is refused when denied',
      async run(t) {
        const js = await t.js()
        await js.stream({ name: t.id, subjects: [t.subject], deny_purge: true })
        await js.fail(`STREAM.PURGE.${t.id}`, undefined, [500, 10110, 'stream purge not permitted'])
      },
    },
    {
      name: 'account info counts streams, consumers and bytes',
      server: { fresh: true },
      async run(t) {
        const js = await t.js()
        const before = await js.peek('INFO')
        expectMatch(before, {
          type: 'io.nats.jetstream.api.v1.account_info_response',
          memory: 0,
          storage: 0,
          streams: 0,
          consumers: 0,
        })
        expectEqual(before.limits.max_streams, -1)
        t.observe('limits', before.limits)
        t.observe('fields', Object.keys(before).sort().join())
        t.observe('api fields', Object.keys(before.api).sort().join())
        await js.stream({ name: 'M', subjects: ['m'], storage: 'memory' })
        await js.stream({ name: 'F', subjects: ['f'], storage: 'file', max_bytes: 1000 })
        await js.consumer('M', { durable_name: 'C', ack_policy: 'explicit' })
        await js.publishOk('m', 'hello')
        await js.publishOk('f', 'hello')
        const after = await js.peek('INFO')
        expectMatch(after, { memory: 22, storage: 36, streams: 2, consumers: 1 })
        t.observe('reserved', [after.reserved_memory, after.reserved_storage])
        t.differs('identity', after.api.level, { headwater: 0, judge: 5 }, 'api.level')
      },
    },
    {
      name: 'api requests and errors are counted',
      server: { fresh: true },
      async run(t) {
        const js = await t.js()
        const before = await js.peek('INFO')
        await js.api('STREAM.INFO.none')
        await js.api('STREAM.NAMES')
        const after = await js.peek('INFO')
        t.observe('counted', [after.api.total - before.api.total, after.api.errors - before.api.errors])
      },
    },
    {
      name: 'an unknown API subject',
      async run(t) {
        const js = await t.js()
        for (const api of ['NONSENSE', 'STREAM.NONSENSE.X']) {
          const inbox = js.caller.subscribe(js.caller.newInbox())
          js.caller.publish(`$JS.API.${api}`, '', { reply: inbox.subject })
          await js.caller.flush()
          // Another request, answered: whatever was to be said about the first has been said.
          await js.okPeek('INFO')
          const errors = inbox.drain().map((message) => JSON.parse(message.text).error)
          t.differs('unknown-api', errors, {
            headwater: [{ code: 400, err_code: 10003, description: 'bad request' }],
            judge: [],
          })
        }
      },
    },
    {
      name: 'a required API level beyond every server is refused',
      async run(t) {
        const js = await t.js()
        await js.stream({ name: t.id, subjects: [t.subject] })
        for (const level of ['99', 'abc']) {
          const reply = await js.api(`STREAM.INFO.${t.id}`, undefined, [`Nats-Required-Api-Level: ${level}`])
          expectMatch(reply.error, { code: 412, err_code: 10185, description: 'JetStream minimum api level required' })
        }
        expectEqual((await js.api(`STREAM.INFO.${t.id}`, undefined, ['Nats-Required-Api-Level: 0'])).error, undefined)
        const reply = await js.peek(`STREAM.INFO.${t.id}`, undefined, ['Nats-Required-Api-Level: 1'])
        t.differs('identity', reply.error?.err_code, { headwater: 10185, judge: undefined })
      },
    },
    {
      name: 'API of clusters: refused on one server',
      async run(t) {
        const js = await t.js()
        await js.stream({ name: t.id, subjects: [t.subject] })
        await js.api(`STREAM.LEADER.STEPDOWN.${t.id}`)
        await js.api(`STREAM.PEER.REMOVE.${t.id}`, { peer: 'x' })
      },
    },
    {
      name: 'JetStream off: nobody answers the API',
      server: { jetstream: false },
      async run(t) {
        const caller = await t.caller()
        expectEqual((await caller.request('$JS.API.INFO')).status, 503)
        expectEqual((await t.rawOpen()).info.jetstream, undefined)
      },
    },
    {
      name: 'API requests without a reply subject are carried out all the same',
      async run(t) {
        const js = await t.js()
        js.caller.publish(`$JS.API.STREAM.CREATE.${t.id}`, JSON.stringify({ name: t.id, subjects: [t.subject] }))
        for (;;) if (!(await js.peek(`STREAM.INFO.${t.id}`)).error) return
      },
    },
  ],
}
