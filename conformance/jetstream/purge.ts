/** Purging: everything, a subject, up to a sequence, all but some. */
import type { Group } from '../support/case.ts'
import { expectEqual, expectMatch, expectTrue } from '../support/expectations.ts'
import type { ApiErrorRow } from '../support/jetstream-caller.ts'

const notFound: ApiErrorRow = [404, 10059, 'stream not found']

export const purge: Group = {
  name: 'jetstream/purge',
  cases: [
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
      name: 'purge: keeping some of several subjects, and a sequence with a wildcard',
      async run(t) {
        const js = await t.js()
        await js.stream({ name: t.id, subjects: [`${t.subject}.>`] })
        for (let i = 0; i < 12; i++) await js.publishOk(`${t.subject}.${i % 3}.x`, String(i))
        await js.ok(`STREAM.PURGE.${t.id}`, { filter: `${t.subject}.*.x`, keep: 4 })
        await js.info(t.id, { subjects_filter: '>', deleted_details: true })
        await js.ok(`STREAM.PURGE.${t.id}`, { filter: `${t.subject}.1.*`, seq: 11 })
        await js.info(t.id, { subjects_filter: '>', deleted_details: true })
        await js.ok(`STREAM.PURGE.${t.id}`, { filter: `${t.subject}.>`, keep: 0 })
        await js.info(t.id)
      },
    },
    {
      name: 'purge of a work queue, and of an interest stream, with what waits for acks',
      async run(t) {
        const js = await t.js()
        for (const [name, retention] of [
          [`${t.id}W`, 'workqueue'],
          [`${t.id}I`, 'interest'],
        ]) {
          await js.stream({ name, subjects: [`${t.subject}.${retention}`], retention })
          await js.consumer(name, { durable_name: 'C', ack_policy: 'explicit' })
          for (const body of ['1', '2', '3']) await js.publishOk(`${t.subject}.${retention}`, body)
          await js.pending(name, 'C', 3)
          const [message] = await js.pull(name, 'C', { batch: 2 }, 2)
          await js.ok(`STREAM.PURGE.${name}`)
          await js.answerSure(message)
          await js.info(name)
          await js.consumerInfo(name, 'C')
          await js.publishOk(`${t.subject}.${retention}`, '4')
          await js.expectPull(name, 'C', undefined, [`${t.subject}.${retention} 4`])
        }
      },
    },
  ],
}
