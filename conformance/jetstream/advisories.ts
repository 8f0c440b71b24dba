/** Advisories and metrics: what is told to whoever listens. */

import type { Group } from '../support/case.ts'
import { expectEqual, expectMatch, expectTrue } from '../support/expectations.ts'
import { ackReady, advisory, pullOne } from './ack-setup.ts'

export const advisories: Group = {
  name: 'jetstream/advisories',
  cases: [
    {
      name: '+TERM: the advisory, with its reason',
      async run(t) {
        const js = await ackReady(t, ['1', '2'])
        const inbox = js.caller.subscribe(`$JS.EVENT.ADVISORY.CONSUMER.MSG_TERMINATED.${t.id}.C`)
        await js.answerSure(await pullOne(js, t), '+TERM')
        expectMatch(await advisory(t, inbox), {
          type: 'io.nats.jetstream.advisory.v1.terminated',
          stream: t.id,
          consumer: 'C',
          stream_seq: 1,
          consumer_seq: 1,
          deliveries: 1,
          reason: undefined,
        })
        await js.answerSure(await pullOne(js, t), '+TERM bad format')
        expectMatch(await advisory(t, inbox), { reason: 'bad format', stream_seq: 2 })
      },
    },
    {
      name: '-NAK: the advisory',
      async run(t) {
        const js = await ackReady(t, ['1'])
        const inbox = js.caller.subscribe(`$JS.EVENT.ADVISORY.CONSUMER.MSG_NAKED.${t.id}.C`)
        await js.answerSure(await pullOne(js, t), '-NAK')
        expectMatch(await advisory(t, inbox), {
          type: 'io.nats.jetstream.advisory.v1.nak',
          stream: t.id,
          consumer: 'C',
          stream_seq: 1,
          consumer_seq: 1,
          deliveries: 1,
        })
      },
    },
    {
      name: 'advisories of streams and consumers that come and go',
      async run(t) {
        const js = await t.js()
        const streams = js.caller.subscribe(`$JS.EVENT.ADVISORY.STREAM.*.${t.id}`)
        const consumers = js.caller.subscribe(`$JS.EVENT.ADVISORY.CONSUMER.*.${t.id}.>`)
        const config = { name: t.id, subjects: [t.subject] }
        await js.stream(config)
        expectMatch(await advisory(t, streams), {
          type: 'io.nats.jetstream.advisory.v1.stream_action',
          stream: t.id,
          action: 'create',
        })
        await js.ok(`STREAM.UPDATE.${t.id}`, { ...config, description: 'x' })
        expectMatch(await advisory(t, streams), { action: 'modify' })
        await js.consumer(t.id, { durable_name: 'C', ack_policy: 'explicit' })
        expectMatch(await advisory(t, consumers), {
          type: 'io.nats.jetstream.advisory.v1.consumer_action',
          stream: t.id,
          consumer: 'C',
          action: 'create',
        })
        await js.ok(`CONSUMER.DELETE.${t.id}.C`)
        expectMatch(await advisory(t, consumers), { action: 'delete' })
        await js.ok(`STREAM.DELETE.${t.id}`)
        expectMatch(await advisory(t, streams), { action: 'delete' })
      },
    },
    {
      name: 'sampling: a metric for acks',
      async run(t) {
        const js = await ackReady(t, ['1'], { sample_freq: '100' })
        const inbox = js.caller.subscribe(`$JS.EVENT.METRIC.CONSUMER.ACK.${t.id}.C`)
        await js.answerSure(await pullOne(js, t))
        const message = await inbox.next()
        const event = JSON.parse(message.text)
        t.checkSchema(event.type, event)
        expectMatch(event, {
          type: 'io.nats.jetstream.metric.v1.consumer_ack',
          stream: t.id,
          consumer: 'C',
          consumer_seq: 1,
          stream_seq: 1,
          deliveries: 1,
        })
        expectTrue(event.ack_time > 0, 'ack_time')
      },
    },
    {
      name: 'every API request is told to who audits',
      server: { fresh: true },
      async run(t) {
        const js = await t.js()
        const inbox = js.caller.subscribe('$JS.EVENT.ADVISORY.API')
        await js.stream({ name: t.id, subjects: [t.subject] })
        const event = JSON.parse((await inbox.next()).text)
        expectMatch(event, {
          type: 'io.nats.jetstream.advisory.v1.api_audit',
          subject: `$JS.API.STREAM.CREATE.${t.id}`,
        })
        expectEqual(JSON.parse(event.request).name, t.id)
        expectEqual(JSON.parse(event.response).config.name, t.id)
        t.observe('fields', Object.keys(event).sort().join())
      },
    },
  ],
}
