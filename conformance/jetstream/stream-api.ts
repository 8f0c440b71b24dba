/** The stream API: info, list, names, delete, account info, and what is not there. */
import type { Group } from '../support/case.ts'
import { expectEqual, expectMatch } from '../support/expectations.ts'
import type { ApiErrorRow } from '../support/jetstream-caller.ts'

const notFound: ApiErrorRow = [404, 10059, 'stream not found']

export const streamApi: Group = {
  name: 'jetstream/stream api',
  cases: [
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
        await js.info(t.id, { subjects_filter: '>', offset: -1 })
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
    {
      name: 'lists come in pages',
      server: { fresh: true },
      async run(t) {
        const js = await t.js()
        for (let i = 0; i < 260; i++)
          await js.okPeek(`STREAM.CREATE.P${i}`, { name: `P${i}`, subjects: [`p.${i}`], storage: 'memory' })
        const first = await js.okPeek('STREAM.LIST')
        expectEqual([first.total, first.offset, first.limit, first.streams.length], [260, 0, 256, 256])
        const second = await js.okPeek('STREAM.LIST', { offset: 256 })
        expectEqual([second.total, second.offset, second.streams.length], [260, 256, 4])
        expectEqual((await js.okPeek('STREAM.NAMES')).streams.length, 260)
        for (let i = 0; i < 260; i++)
          await js.okPeek(`CONSUMER.CREATE.P1.C${i}`, {
            stream_name: 'P1',
            config: { durable_name: `C${i}`, ack_policy: 'explicit' },
          })
        const consumers = await js.okPeek('CONSUMER.LIST.P1')
        expectEqual([consumers.total, consumers.limit, consumers.consumers.length], [260, 256, 256])
        expectEqual((await js.okPeek('CONSUMER.LIST.P1', { offset: 256 })).consumers.length, 4)
      },
    },
    {
      name: 'creating one stream many times at once',
      async run(t) {
        const js = await t.js()
        const config = { name: t.id, subjects: [t.subject] }
        const replies = await Promise.all(Array.from({ length: 10 }, () => js.peek(`STREAM.CREATE.${t.id}`, config)))
        expectEqual(
          replies.map((reply) => reply.error),
          replies.map(() => undefined),
        )
        const other = await Promise.all([
          js.peek(`STREAM.CREATE.${t.id}`, config),
          js.peek(`STREAM.CREATE.${t.id}`, { ...config, max_msgs: 5 }),
        ])
        expectEqual(
          other.map((reply) => reply.error?.err_code),
          [undefined, 10058],
        )
      },
    },
  ],
}
