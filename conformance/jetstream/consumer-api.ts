/** The consumer API: create, info, names, list, delete. */
import type { Group } from '../support/case.ts'
import { expectEqual, expectMatch, expectTrue } from '../support/expectations.ts'
import { type Config, pull, push, withStream } from './consumer-setup.ts'

const second = 1_000_000_000

export const consumerApi: Group = {
  name: 'jetstream/consumer api',
  cases: [
    {
      name: 'the legacy subject of durables',
      async run(t) {
        const js = await withStream(t)
        await js.ok(`CONSUMER.DURABLE.CREATE.${t.id}.C`, { stream_name: t.id, config: pull })
        await js.api(`CONSUMER.DURABLE.CREATE.${t.id}.D`, { stream_name: t.id, config: pull })
        await js.api(`CONSUMER.DURABLE.CREATE.${t.id}.D`, { stream_name: t.id, config: { ack_policy: 'explicit' } })
        await js.api(`CONSUMER.CREATE.${t.id}`, { stream_name: t.id, config: pull })
        await js.api(`CONSUMER.CREATE.${t.id}.E`, { stream_name: t.id, config: pull })
      },
    },
    {
      name: 'the filter may stand in the subject, and must be the one of the config',
      async run(t) {
        const js = await withStream(t)
        await js.ok(`CONSUMER.CREATE.${t.id}.C.${t.subject}.a`, {
          stream_name: t.id,
          config: { ...pull, filter_subject: `${t.subject}.a` },
        })
        const other = { stream_name: t.id, config: { ...pull, durable_name: 'D', filter_subject: `${t.subject}.b` } }
        await js.fail(`CONSUMER.CREATE.${t.id}.D.${t.subject}.a`, other, [
          400,
          10131,
          'Consumer create request did not match filtered subject from create subject',
        ])
        const many = {
          stream_name: t.id,
          config: { ...pull, durable_name: 'D', filter_subjects: [`${t.subject}.a`, `${t.subject}.b`] },
        }
        await js.fail(`CONSUMER.CREATE.${t.id}.D.${t.subject}.a`, many, [
          400,
          10137,
          'consumer with multiple subject filters cannot use subject based API',
        ])
        await js.api(`CONSUMER.CREATE.${t.id}.D.${t.subject}.a`, {
          stream_name: t.id,
          config: { ...pull, durable_name: 'D' },
        })
        await js.ok(`CONSUMER.CREATE.${t.id}.E.${t.subject}.>`, {
          stream_name: t.id,
          config: { ...pull, durable_name: 'E', filter_subject: `${t.subject}.>` },
        })
      },
    },
    {
      name: 'stream names that do not match, streams that are not there',
      async run(t) {
        const js = await withStream(t)
        await js.fail(`CONSUMER.CREATE.${t.id}.C`, { stream_name: 'other', config: pull }, [
          400,
          10056,
          'stream name in subject does not match request',
        ])
        await js.fail(`CONSUMER.CREATE.${t.id}none.C`, { stream_name: `${t.id}none`, config: pull }, [
          404,
          10059,
          'stream not found',
        ])
        await js.api(`CONSUMER.CREATE.${t.id}.C`, { config: pull })
        await js.api(`CONSUMER.CREATE.${t.id}.C`, { stream_name: t.id })
      },
    },
    {
      name: 'bodies that are no request',
      async run(t) {
        const js = await withStream(t)
        for (const body of ['', '{', 'null', '[]', '{}', '{"config":{}}', '{"colour":1}'])
          await js.api(`CONSUMER.CREATE.${t.id}.C`, body)
      },
    },
    {
      name: 'creating the same again is fine, action create refuses another, action update wants one',
      async run(t) {
        const js = await withStream(t)
        const create = (action: string, config: Config) =>
          js.api(`CONSUMER.CREATE.${t.id}.C`, { stream_name: t.id, action, config })
        expectMatch(await create('update', pull), {
          error: { err_code: 10149, description: 'consumer does not exist' },
        })
        expectEqual((await create('create', pull)).error, undefined)
        expectEqual((await create('create', pull)).error, undefined)
        expectMatch(await create('create', { ...pull, description: 'other' }), {
          error: { err_code: 10148, description: 'consumer already exists' },
        })
        expectEqual((await create('update', { ...pull, description: 'other' })).error, undefined)
        expectEqual((await create('', { ...pull, description: 'third' })).error, undefined)
        await create('sometimes', pull)
      },
    },
    {
      name: 'max_consumers of the stream',
      async run(t) {
        const js = await withStream(t, { max_consumers: 1 })
        await js.consumer(t.id, pull)
        await js.consumer(t.id, pull)
        await js.consumerFails(t.id, { ...pull, durable_name: 'D' }, [400, 10026, 'maximum consumers limit reached'])
        await js.ok(`CONSUMER.DELETE.${t.id}.C`)
        await js.consumer(t.id, { ...pull, durable_name: 'D' })
      },
    },
    {
      name: 'info, names, list and delete',
      async run(t) {
        const js = await withStream(t)
        expectMatch(await js.ok(`CONSUMER.NAMES.${t.id}`), { total: 0, offset: 0, limit: 1024, consumers: [] })
        expectMatch(await js.ok(`CONSUMER.LIST.${t.id}`), { total: 0, offset: 0, limit: 256, consumers: [] })
        for (const name of ['C', 'A', 'B']) await js.consumer(t.id, { ...pull, durable_name: name })
        expectEqual((await js.ok(`CONSUMER.NAMES.${t.id}`)).consumers, ['A', 'B', 'C'])
        expectEqual(
          (await js.ok(`CONSUMER.LIST.${t.id}`)).consumers.map((each: { name: string }) => each.name),
          ['A', 'B', 'C'],
        )
        expectMatch(await js.ok(`CONSUMER.NAMES.${t.id}`, { offset: 2 }), { total: 3, offset: 2, consumers: ['C'] })
        await js.ok(`CONSUMER.LIST.${t.id}`, { offset: 2 })
        await js.ok(`CONSUMER.NAMES.${t.id}`, { offset: 20 })
        expectEqual((await js.info(t.id)).state.consumer_count, 3)
        const info = await js.consumerInfo(t.id, 'A')
        expectMatch(info, {
          type: 'io.nats.jetstream.api.v1.consumer_info_response',
          delivered: { consumer_seq: 0, stream_seq: 0 },
          ack_floor: { consumer_seq: 0, stream_seq: 0 },
          num_ack_pending: 0,
          num_redelivered: 0,
          num_waiting: 0,
          num_pending: 0,
        })
        expectTrue(!('cluster' in info), 'no cluster')
        expectMatch(await js.ok(`CONSUMER.DELETE.${t.id}.A`), {
          type: 'io.nats.jetstream.api.v1.consumer_delete_response',
          success: true,
        })
        const notFound = [404, 10014, 'consumer not found'] as const
        await js.fail(`CONSUMER.DELETE.${t.id}.A`, undefined, notFound)
        await js.fail(`CONSUMER.INFO.${t.id}.A`, undefined, notFound)
        await js.fail(`CONSUMER.INFO.${t.id}none.A`, undefined, [404, 10059, 'stream not found'])
        await js.fail(`CONSUMER.NAMES.${t.id}none`, undefined, [404, 10059, 'stream not found'])
        await js.fail(`CONSUMER.LIST.${t.id}none`, undefined, [404, 10059, 'stream not found'])
        await js.fail(`CONSUMER.DELETE.${t.id}none.A`, undefined, [404, 10059, 'stream not found'])
      },
    },
    {
      name: 'info and delete want an empty body',
      async run(t) {
        const js = await withStream(t)
        await js.consumer(t.id, pull)
        await js.fail(`CONSUMER.INFO.${t.id}.C`, { a: 1 }, [400, 10038, 'expected an empty request payload'])
        await js.fail(`CONSUMER.DELETE.${t.id}.C`, { a: 1 }, [400, 10038, 'expected an empty request payload'])
        await js.ok(`CONSUMER.INFO.${t.id}.C`, {})
        await js.ok(`CONSUMER.DELETE.${t.id}.C`, {})
      },
    },
    {
      name: 'deleting the stream deletes its consumers',
      async run(t) {
        const js = await withStream(t)
        await js.consumer(t.id, pull)
        await js.ok(`STREAM.DELETE.${t.id}`)
        await js.fail(`CONSUMER.INFO.${t.id}.C`, undefined, [404, 10059, 'stream not found'])
        await js.stream({ name: t.id, subjects: [`${t.subject}.>`] })
        await js.fail(`CONSUMER.INFO.${t.id}.C`, undefined, [404, 10014, 'consumer not found'])
      },
    },
    {
      name: 'consumers are kept over a restart, with what they know',
      server: { fresh: true },
      async run(t) {
        const js = await withStream(t)
        for (const body of ['1', '2', '3', '4', '5']) await js.publishOk(`${t.subject}.a`, body)
        await js.consumer(t.id, { ...pull, description: 'kept', max_deliver: 5, ack_wait: 60 * second })
        const [one, two, three] = await js.pull(t.id, 'C', { batch: 3 }, 3)
        await js.answerSure(one)
        await js.answerSure(three)
        expectMatch(two, { text: '2' })
        await js.consumerInfo(t.id, 'C')
        await t.server.restart()
        const again = await t.js()
        expectMatch(await again.consumerInfo(t.id, 'C'), {
          delivered: { consumer_seq: 3, stream_seq: 3 },
          ack_floor: { consumer_seq: 1, stream_seq: 1 },
          num_ack_pending: 1,
          num_pending: 2,
        })
        await again.expectPull(t.id, 'C', { batch: 2 }, [`${t.subject}.a 4`, `${t.subject}.a 5`])
      },
    },
    {
      name: 'push_bound tells whether someone listens',
      async run(t) {
        const js = await withStream(t)
        await js.consumer(t.id, { ...push, deliver_subject: `d.${t.subject}` })
        expectEqual((await js.consumerInfo(t.id, 'C')).push_bound, undefined)
        const inbox = js.caller.subscribe(`d.${t.subject}`)
        await js.caller.flush()
        for (;;) if ((await js.peek(`CONSUMER.INFO.${t.id}.C`)).push_bound) break
        expectEqual((await js.consumerInfo(t.id, 'C')).push_bound, true)
        const taken = { ...push, deliver_subject: `e.${t.subject}` }
        await js.api(`CONSUMER.CREATE.${t.id}.C`, { stream_name: t.id, config: taken })
        js.caller.unsubscribe(inbox)
        await js.caller.flush()
        for (;;) if (!(await js.peek(`CONSUMER.INFO.${t.id}.C`)).push_bound) break
      },
    },
  ],
}
