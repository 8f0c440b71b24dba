/** Dead letters, seen from the wire: what Headwater adds, and what the judge says to the same requests. */
import type { Group } from '../support/case.ts'
import { expectEqual, expectMatch } from '../support/expectations.ts'
import { headerOf } from '../support/messages.ts'
import type { Trial } from '../support/trial.ts'

const ms = 1_000_000

/** Streams for orders and for letters, two orders, and a consumer that gives up after `max_deliver`. */
async function ready(t: Trial, consumer: Record<string, unknown> = {}) {
  const js = await t.js()
  await js.stream({ name: t.id, subjects: [`${t.subject}.orders`] })
  await js.stream({ name: `${t.id}L`, subjects: [`${t.subject}.letters`], allow_direct: true })
  await js.publishOk(`${t.subject}.orders`, 'poison', ['Nats-Msg-Id: p1', 'Trace: abc'])
  await js.publishOk(`${t.subject}.orders`, 'fine')
  const config = {
    durable_name: 'C',
    ack_policy: 'explicit',
    max_deliver: 2,
    metadata: { 'headwater.dead_letter': `${t.subject}.letters` },
    ...consumer,
  }
  const reply = await js.okPeek(`CONSUMER.CREATE.${t.id}.C`, { stream_name: t.id, config })
  return { js, reply }
}

export const deadLetters: Group = {
  name: 'jetstream/dead letters',
  cases: [
    {
      name: 'the field of the article: taken and echoed, or an unknown field',
      async run(t) {
        const js = await t.js()
        await js.stream({ name: t.id, subjects: [t.subject] })
        await js.stream({ name: `${t.id}L`, subjects: [`${t.subject}.letters`] })
        const reply = await js.peek(`CONSUMER.CREATE.${t.id}.C`, {
          stream_name: t.id,
          config: { durable_name: 'C', ack_policy: 'explicit', max_deliver: 5, dead_letter: `${t.subject}.letters` },
        })
        t.differs(
          'dead-letters',
          [reply.error?.err_code, reply.config?.dead_letter, reply.config?.metadata?.['headwater.dead_letter']],
          {
            headwater: [undefined, `${t.subject}.letters`, `${t.subject}.letters`],
            judge: [10025, undefined, undefined],
          },
        )
      },
    },
    {
      name: 'the metadata is taken by both, and means something on one',
      async run(t) {
        const { reply } = await ready(t)
        expectEqual(reply.config.metadata['headwater.dead_letter'], `${t.subject}.letters`)
        t.differs('dead-letters', reply.config.dead_letter, { headwater: `${t.subject}.letters`, judge: undefined })
      },
    },
    {
      name: 'an exhausted message becomes one letter with its origin',
      async run(t) {
        const { js } = await ready(t)
        for (let i = 0; i < 2; i++) {
          const [message] = await js.pull(t.id, 'C', undefined, 1)
          await js.answerSure(message, '-NAK')
        }
        const { state } = await js.peek(`STREAM.INFO.${t.id}L`)
        t.differs('dead-letters', state.messages, { headwater: 1, judge: 0 })
        if (t.target === 'judge') return
        const letter = await js.caller.request(`$JS.API.DIRECT.GET.${t.id}L`, JSON.stringify({ seq: 1 }))
        expectEqual(letter.text, 'poison')
        expectMatch(Object.fromEntries(letter.headers), {
          'Nats-Msg-Id': 'p1',
          Trace: 'abc',
          'Dead-Letter-Reason': 'max-deliver',
          'Dead-Letter-Stream': t.id,
          'Dead-Letter-Consumer': 'C',
          'Dead-Letter-Subject': `${t.subject}.orders`,
          'Dead-Letter-Sequence': '1',
          'Dead-Letter-Deliveries': '2',
        })
        await js.pull(t.id, 'C', { batch: 2, no_wait: true }, 2)
      },
    },
    {
      name: 'an exhausted message becomes a letter by time alone, without a further pull',
      async run(t) {
        const { js } = await ready(t, { max_deliver: 1, ack_wait: 150 * ms })
        const advisories = js.caller.subscribe(`$JS.EVENT.ADVISORY.CONSUMER.MAX_DELIVERIES.${t.id}.C`)
        const letters = js.caller.subscribe(`${t.subject}.letters`)
        await js.pull(t.id, 'C', undefined, 1)
        if (t.target === 'judge') return
        const letter = await letters.next()
        expectEqual([letter.text, headerOf(letter, 'Dead-Letter-Reason')], ['poison', 'max-deliver'])
        expectMatch(JSON.parse((await advisories.next()).text), { stream_seq: 1, deliveries: 1 })
      },
    },
    {
      name: '+TERM makes a letter with its reason',
      async run(t) {
        const { js } = await ready(t)
        const [message] = await js.pull(t.id, 'C', undefined, 1)
        await js.answerSure(message, '+TERM not an order')
        t.differs('dead-letters', (await js.peek(`STREAM.INFO.${t.id}L`)).state.messages, { headwater: 1, judge: 0 })
        if (t.target === 'judge') return
        const letter = await js.caller.request(`$JS.API.DIRECT.GET.${t.id}L`, JSON.stringify({ seq: 1 }))
        expectEqual(
          [headerOf(letter, 'Dead-Letter-Reason'), headerOf(letter, 'Dead-Letter-Detail')],
          ['terminated', 'not an order'],
        )
      },
    },
    {
      name: 'a target that nothing captures, a wildcard, a consumer without acks',
      async run(t) {
        const js = await t.js()
        await js.stream({ name: t.id, subjects: [`${t.subject}.>`] })
        const rows = [
          { metadata: { 'headwater.dead_letter': 'captured.by.nobody' } },
          { metadata: { 'headwater.dead_letter': `${t.subject}.*` } },
          { ack_policy: 'none', metadata: { 'headwater.dead_letter': `${t.subject}.x` } },
        ]
        for (const row of rows) {
          const config = { durable_name: 'C', ack_policy: 'explicit', ...row }
          const { error } = await js.peek(`CONSUMER.CREATE.${t.id}.C`, { stream_name: t.id, config })
          t.differs('dead-letters', error?.description.startsWith('dead letters: ') ?? 'accepted', {
            headwater: true,
            judge: 'accepted',
          })
          await js.peek(`CONSUMER.DELETE.${t.id}.C`)
        }
      },
    },
    {
      name: 'a work queue: the original goes with its letter',
      async run(t) {
        const js = await t.js()
        await js.stream({ name: t.id, subjects: [`${t.subject}.orders`], retention: 'workqueue' })
        await js.stream({ name: `${t.id}L`, subjects: [`${t.subject}.letters`] })
        await js.publishOk(`${t.subject}.orders`, 'poison')
        const config = {
          durable_name: 'C',
          ack_policy: 'explicit',
          max_deliver: 1,
          metadata: { 'headwater.dead_letter': `${t.subject}.letters` },
        }
        await js.okPeek(`CONSUMER.CREATE.${t.id}.C`, { stream_name: t.id, config })
        const [message] = await js.pull(t.id, 'C', undefined, 1)
        await js.answerSure(message, '-NAK')
        const counts = [
          (await js.peek(`STREAM.INFO.${t.id}`)).state.messages,
          (await js.peek(`STREAM.INFO.${t.id}L`)).state.messages,
        ]
        t.differs('dead-letters', counts, { headwater: [0, 1], judge: [1, 0] })
      },
    },
  ],
}
