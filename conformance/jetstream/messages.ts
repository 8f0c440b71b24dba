/** Getting and deleting single messages: by the API, and by direct get. */
import type { Group } from '../support/case.ts'
import { expectEqual, expectMatch } from '../support/expectations.ts'
import { describe } from '../support/messages.ts'
import type { Trial } from '../support/trial.ts'

const noMessage = [404, 10037, 'no message found'] as const

async function filled(t: Trial, config: Record<string, unknown> = {}) {
  const js = await t.js()
  await js.stream({ name: t.id, subjects: [`${t.subject}.>`], ...config })
  for (const [subject, body] of [
    ['a', '1'],
    ['b', '2'],
    ['a', '3'],
    ['c', '4'],
  ])
    await js.publishOk(`${t.subject}.${subject}`, body)
  await js.publishOk(`${t.subject}.h`, 'with headers', ['Key: value', 'key: other'])
  return js
}

/** Sends a direct get and observes the answer. */
async function direct(t: Trial, js: Awaited<ReturnType<typeof filled>>, body: unknown, subject = ''): Promise<string> {
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  const message = await js.caller.request(`$JS.API.DIRECT.GET.${t.id}${subject}`, text)
  const shown = describe(message).replace(/^_INBOX\S+ /, '')
  t.observe(`direct ${text}${subject}`, shown)
  return shown
}

export const messages: Group = {
  name: 'jetstream/messages',
  cases: [
    {
      name: 'get by sequence',
      async run(t) {
        const js = await filled(t)
        const { message, type } = await js.ok(`STREAM.MSG.GET.${t.id}`, { seq: 2 })
        expectEqual(type, 'io.nats.jetstream.api.v1.stream_msg_get_response')
        expectMatch(message, {
          subject: `${t.subject}.b`,
          seq: 2,
          data: Buffer.from('2').toString('base64'),
          hdrs: undefined,
        })
        const { message: other } = await js.ok(`STREAM.MSG.GET.${t.id}`, { seq: 5 })
        expectEqual(Buffer.from(other.hdrs, 'base64').toString(), 'NATS/1.0\r\nKey: value\r\nkey: other\r\n\r\n')
      },
    },
    {
      name: 'get of an empty message',
      async run(t) {
        const js = await filled(t)
        await js.publishOk(`${t.subject}.e`, '')
        const { message } = await js.ok(`STREAM.MSG.GET.${t.id}`, { seq: 6 })
        expectEqual(message.data, undefined)
      },
    },
    {
      name: 'get of what is not there',
      async run(t) {
        const js = await filled(t)
        await js.fail(`STREAM.MSG.GET.${t.id}`, { seq: 99 }, noMessage)
        await js.fail(`STREAM.MSG.GET.${t.id}`, { last_by_subj: 'none' }, noMessage)
        await js.fail(`STREAM.MSG.GET.${t.id}`, { seq: 1, next_by_subj: 'none' }, noMessage)
        await js.ok(`STREAM.MSG.DELETE.${t.id}`, { seq: 2 })
        await js.fail(`STREAM.MSG.GET.${t.id}`, { seq: 2 }, noMessage)
        await js.fail(`STREAM.MSG.GET.${t.id}none`, { seq: 2 }, [404, 10059, 'stream not found'])
      },
    },
    {
      name: 'get the last of a subject, and the next from a sequence',
      async run(t) {
        const js = await filled(t)
        expectEqual((await js.ok(`STREAM.MSG.GET.${t.id}`, { last_by_subj: `${t.subject}.a` })).message.seq, 3)
        expectEqual((await js.ok(`STREAM.MSG.GET.${t.id}`, { last_by_subj: `${t.subject}.*` })).message.seq, 5)
        expectEqual((await js.ok(`STREAM.MSG.GET.${t.id}`, { seq: 2, next_by_subj: `${t.subject}.a` })).message.seq, 3)
        expectEqual((await js.ok(`STREAM.MSG.GET.${t.id}`, { seq: 3, next_by_subj: `${t.subject}.a` })).message.seq, 3)
        expectEqual((await js.ok(`STREAM.MSG.GET.${t.id}`, { next_by_subj: `${t.subject}.c` })).message.seq, 4)
        expectEqual((await js.ok(`STREAM.MSG.GET.${t.id}`, { seq: 2, next_by_subj: '>' })).message.seq, 2)
      },
    },
    {
      name: 'get from a time',
      async run(t) {
        const js = await filled(t)
        const { message } = await js.ok(`STREAM.MSG.GET.${t.id}`, { seq: 3 })
        expectEqual((await js.api(`STREAM.MSG.GET.${t.id}`, { start_time: message.time })).message?.seq, 3)
        await js.api(`STREAM.MSG.GET.${t.id}`, { start_time: '2200-01-01T00:00:00Z' })
        await js.api(`STREAM.MSG.GET.${t.id}`, { start_time: message.time, seq: 1 })
        await js.api(`STREAM.MSG.GET.${t.id}`, { start_time: 'yesterday' })
      },
    },
    {
      name: 'get: bad requests',
      async run(t) {
        const js = await filled(t)
        const bad = [400, 10003, 'bad request'] as const
        await js.fail(`STREAM.MSG.GET.${t.id}`, undefined, bad)
        await js.fail(`STREAM.MSG.GET.${t.id}`, {}, bad)
        await js.fail(`STREAM.MSG.GET.${t.id}`, { seq: 1, last_by_subj: 'a' }, bad)
        await js.fail(`STREAM.MSG.GET.${t.id}`, { next_by_subj: 'a', last_by_subj: 'a' }, bad)
        await js.fail(`STREAM.MSG.GET.${t.id}`, { seq: 1, batch: 2 }, bad)
        for (const body of ['{', 'x', '{"seq":-1}', '{"seq":"1"}', '{"seq":0}', '{"colour":1}'])
          await js.api(`STREAM.MSG.GET.${t.id}`, body)
      },
    },
    {
      name: 'delete',
      async run(t) {
        const js = await filled(t)
        expectMatch(await js.ok(`STREAM.MSG.DELETE.${t.id}`, { seq: 3 }), {
          type: 'io.nats.jetstream.api.v1.stream_msg_delete_response',
          success: true,
        })
        await js.ok(`STREAM.MSG.DELETE.${t.id}`, { seq: 4, no_erase: true })
        await js.fail(`STREAM.MSG.DELETE.${t.id}`, { seq: 3 }, [400, 10043, 'sequence 3 not found'])
        for (const seq of [0, 6, 99]) {
          const { error } = await js.peek(`STREAM.MSG.DELETE.${t.id}`, { seq })
          const eof = { code: 500, err_code: 10057, description: seq === 0 ? 'no message found' : 'stream store EOF' }
          const missing = { code: 400, err_code: 10043, description: `sequence ${seq} not found` }
          t.differs('delete-missing', error, { headwater: missing, judge: eof })
        }
        expectEqual((await js.ok(`STREAM.MSG.GET.${t.id}`, { last_by_subj: `${t.subject}.a` })).message.seq, 1)
        await js.info(t.id, { deleted_details: true, subjects_filter: '>' })
      },
    },
    {
      name: 'delete in a memory stream of what is not there',
      async run(t) {
        const js = await filled(t, { storage: 'memory' })
        for (const seq of [0, 6, 99])
          await js.fail(`STREAM.MSG.DELETE.${t.id}`, { seq }, [400, 10043, `sequence ${seq} not found`])
      },
    },
    {
      name: 'delete: bad requests, and when it is denied',
      async run(t) {
        const js = await filled(t, { deny_delete: true })
        await js.fail(`STREAM.MSG.DELETE.${t.id}`, { seq: 1 }, [500, 10057, 'message delete not permitted'])
        for (const body of ['', '{}', '{', '{"seq":0}', '{"colour":1}']) await js.api(`STREAM.MSG.DELETE.${t.id}`, body)
        await js.fail(`STREAM.MSG.DELETE.${t.id}none`, { seq: 1 }, [404, 10059, 'stream not found'])
      },
    },
    {
      name: 'deleting the first and the last message moves the borders',
      async run(t) {
        const js = await filled(t)
        await js.ok(`STREAM.MSG.DELETE.${t.id}`, { seq: 1 })
        await js.ok(`STREAM.MSG.DELETE.${t.id}`, { seq: 2 })
        expectMatch((await js.info(t.id)).state, { first_seq: 3, last_seq: 5, messages: 3, num_subjects: 3 })
        await js.ok(`STREAM.MSG.DELETE.${t.id}`, { seq: 5 })
        expectMatch((await js.info(t.id)).state, { first_seq: 3, last_seq: 5, messages: 2 })
        expectMatch(await js.publishOk(`${t.subject}.x`, 'x'), { seq: 6 })
      },
    },
    {
      name: 'direct get: by sequence, last and next',
      async run(t) {
        const js = await filled(t, { allow_direct: true })
        const shown = await direct(t, js, { seq: 1 })
        expectEqual(shown, `Nats-Stream=${t.id} Nats-Subject=${t.subject}.a Nats-Sequence=1 Nats-Time-Stamp=<time> "1"`)
        await direct(t, js, { seq: 5 })
        await direct(t, js, { last_by_subj: `${t.subject}.a` })
        await direct(t, js, { last_by_subj: `${t.subject}.*` })
        await direct(t, js, { seq: 2, next_by_subj: `${t.subject}.a` })
        await direct(t, js, { next_by_subj: `${t.subject}.c` })
      },
    },
    {
      name: 'direct get: the last of the subject in the request subject',
      async run(t) {
        const js = await filled(t, { allow_direct: true })
        expectMatch(await direct(t, js, '', `.${t.subject}.a`), /Nats-Sequence=3 .*"3"$/)
        expectEqual(await direct(t, js, '', `.${t.subject}.none`), 'status=404 Message Not Found ""')
        await direct(t, js, { seq: 1 }, `.${t.subject}.a`)
        await direct(t, js, 'garbage', `.${t.subject}.a`)
      },
    },
    {
      name: 'direct get: statuses of bad requests',
      async run(t) {
        const js = await filled(t, { allow_direct: true })
        expectEqual(await direct(t, js, ''), 'status=408 Empty Request ""')
        expectEqual(await direct(t, js, '{'), 'status=408 Malformed Request ""')
        expectEqual(await direct(t, js, { seq: 99 }), 'status=404 Message Not Found ""')
        expectEqual(await direct(t, js, { last_by_subj: 'none' }), 'status=404 Message Not Found ""')
        expectEqual(await direct(t, js, { seq: 1, last_by_subj: 'x' }), 'status=408 Bad Request ""')
        expectEqual(await direct(t, js, { last_by_subj: 'x', next_by_subj: 'x' }), 'status=408 Bad Request ""')
        for (const body of ['{}', '{"seq":0}', '{"colour":1}', 'x', '{"seq":"1"}', '{"seq":1,"colour":1}'])
          await direct(t, js, body)
      },
    },
    {
      name: 'direct get: from a time',
      async run(t) {
        const js = await filled(t, { allow_direct: true })
        const { message } = await js.ok(`STREAM.MSG.GET.${t.id}`, { seq: 3 })
        const reply = await js.caller.request(
          `$JS.API.DIRECT.GET.${t.id}`,
          JSON.stringify({ start_time: message.time }),
        )
        t.observe('from a time', describe(reply).replace(/^_INBOX\S+ /, ''))
        const late = await js.caller.request(
          `$JS.API.DIRECT.GET.${t.id}`,
          JSON.stringify({ start_time: '2200-01-01T00:00:00Z' }),
        )
        t.observe('from the future', describe(late).replace(/^_INBOX\S+ /, ''))
      },
    },
    {
      name: 'direct get is not served without allow_direct',
      async run(t) {
        const js = await filled(t)
        expectEqual(await direct(t, js, { seq: 1 }), 'status=503  Nats-Subject=$JS.API.DIRECT.GET.' + `${t.id} ""`)
        expectEqual((await js.caller.request(`$JS.API.DIRECT.GET.${t.id}none`, '{"seq":1}')).status, 503)
      },
    },
    {
      name: 'direct get comes and goes with an update of allow_direct',
      async run(t) {
        const js = await filled(t, { allow_direct: true })
        const config = { name: t.id, subjects: [`${t.subject}.>`] }
        await js.ok(`STREAM.UPDATE.${t.id}`, { ...config, allow_direct: false })
        expectEqual((await js.caller.request(`$JS.API.DIRECT.GET.${t.id}`, '{"seq":1}')).status, 503)
        await js.ok(`STREAM.UPDATE.${t.id}`, { ...config, allow_direct: true })
        expectEqual((await js.caller.request(`$JS.API.DIRECT.GET.${t.id}`, '{"seq":1}')).text, '1')
      },
    },
    {
      name: 'direct get of a message deleted, purged and rolled over',
      async run(t) {
        const js = await filled(t, { allow_direct: true, max_msgs_per_subject: 1 })
        await direct(t, js, { seq: 1 })
        await direct(t, js, { seq: 1, next_by_subj: '>' })
        await js.ok(`STREAM.PURGE.${t.id}`)
        await direct(t, js, { seq: 5 })
        await direct(t, js, { last_by_subj: '>' })
      },
    },
    {
      name: 'direct get keeps the headers of the message before its own',
      async run(t) {
        const js = await filled(t, { allow_direct: true })
        expectMatch(await direct(t, js, { seq: 5 }), /^Key=value key=other Nats-Stream=/)
      },
    },
    {
      name: 'stored messages keep payloads of any bytes, and of all sizes',
      async run(t) {
        const js = await t.js()
        await js.stream({ name: t.id, subjects: [t.subject] })
        const bytes = Buffer.from(Array.from({ length: 70_000 }, (_, i) => (i * 7) % 256))
        for (const size of [0, 1, 255, 4096, 65_536, 70_000]) await js.publishOk(t.subject, bytes.subarray(0, size))
        for (const [i, size] of [0, 1, 255, 4096, 65_536, 70_000].entries()) {
          const { message } = await js.okPeek(`STREAM.MSG.GET.${t.id}`, { seq: i + 1 })
          expectEqual(message.data ?? '', bytes.subarray(0, size).toString('base64'))
        }
      },
    },
  ],
}
