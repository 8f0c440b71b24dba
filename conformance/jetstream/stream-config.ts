/** Stream configurations: what is taken, what is refused, and with which words. */
import type { Case, Group } from '../support/case.ts'
import { expectEqual, expectMatch } from '../support/expectations.ts'
import type { ApiErrorRow } from '../support/jetstream-caller.ts'
import type { Trial } from '../support/trial.ts'

type Config = Record<string, unknown>
type Overrides = Config | ((t: Trial) => Config)

const second = 1_000_000_000

/** [what is wrong, the fields that say it, the error] */
const refused: readonly (readonly [string, Overrides, ApiErrorRow])[] = [
  [
    'a description that is too long',
    { description: 'd'.repeat(4097) },
    [500, 10052, 'stream description is too long, maximum allowed is 4096'],
  ],
  ['an invalid subject', (t) => ({ subjects: [`${t.subject}..a`] }), [500, 10052, 'invalid subject']],
  ['an empty subject', { subjects: [''] }, [500, 10052, 'invalid subject']],
  ['a subject with a blank', (t) => ({ subjects: [`${t.subject} a`] }), [500, 10052, 'invalid subject']],
  [
    'a subject given twice',
    (t) => ({ subjects: [t.subject, t.subject] }),
    [500, 10052, /^subject "(\w+)" overlaps with "\1"$/],
  ],
  ['subjects that overlap', (t) => ({ subjects: [`${t.subject}.*`, `${t.subject}.a`] }), [500, 10052, /overlaps with/]],
  ['all subjects with acks', { subjects: ['>'] }, [500, 10052, 'capturing all subjects requires no-ack to be true']],
  [
    'subjects of the JetStream API',
    { subjects: ['$JS.API.>'] },
    [500, 10052, 'subjects that overlap with jetstream api require no-ack to be true'],
  ],
  [
    'subjects of the system',
    { subjects: ['$SYS.>'] },
    [500, 10052, 'subjects that overlap with system api require no-ack to be true'],
  ],
  ['max_age below 100 ms', { max_age: 1_000_000 }, [500, 10052, /max age needs to be >= 100ms/]],
  ['a negative max_age', { max_age: -1 }, [500, 10052, /max age/]],
  [
    'a duplicate window larger than max_age',
    { max_age: second, duplicate_window: 2 * second },
    [500, 10052, 'duplicates window can not be larger then max age'],
  ],
  [
    'a duplicate window below 100 ms',
    { duplicate_window: 1_000_000 },
    [500, 10052, /duplicates window needs to be >= 100ms/],
  ],
  ['a negative duplicate window', { duplicate_window: -1 }, [500, 10052, /duplicates window/]],
  ['six replicas', { num_replicas: 6 }, [500, 10052, 'maximum replicas is 5']],
  [
    'three replicas on one server',
    { num_replicas: 3 },
    [500, 10074, 'replicas > 1 not supported in non-clustered mode'],
  ],
  ['negative replicas', { num_replicas: -1 }, [400, 10133, 'replicas count cannot be negative']],
  [
    'roll-ups without the permission to purge',
    { allow_rollup_hdrs: true, deny_purge: true },
    [500, 10052, 'roll-ups require the purge permission'],
  ],
  [
    'discard_new_per_subject without discard new',
    { discard_new_per_subject: true, max_msgs_per_subject: 1 },
    [500, 10052, /discard new per subject/],
  ],
  [
    'discard_new_per_subject without a limit per subject',
    { discard: 'new', discard_new_per_subject: true },
    [500, 10052, /discard new per subject/],
  ],
  ['a sealed stream', { sealed: true }, [500, 10052, /sealed/]],
  ['mirror_direct without a mirror', { mirror_direct: true }, [500, 10052, /mirror/]],
  ['an unknown retention', { retention: 'forever' }, [400, 10025, /^invalid JSON: /]],
  ['an unknown discard policy', { discard: 'some' }, [400, 10025, /^invalid JSON: /]],
  ['an unknown storage', { storage: 'tape' }, [400, 10025, /^invalid JSON: /]],
  ['an unknown compression', { compression: 'zip' }, [400, 10025, /^invalid JSON: /]],
  ['an unknown field', { colour: 'blue' }, [400, 10025, 'invalid JSON: json: unknown field "colour"']],
  ['a number as name of a subject', { subjects: [5] }, [400, 10025, /^invalid JSON: /]],
  ['a text as number', { max_msgs: 'many' }, [400, 10025, /^invalid JSON: /]],
  ['a fraction as number', { max_msgs: 1.5 }, [400, 10025, /^invalid JSON: /]],
  ['a text as subjects', { subjects: 'foo' }, [400, 10025, /^invalid JSON: /]],
  ['metadata that is too large', { metadata: { large: 'x'.repeat(131_073) } }, [500, 10052, /metadata/]],
]

function config(t: Trial, overrides: Overrides): { name: string } & Config {
  return { name: t.id, subjects: [`${t.subject}.>`], ...(typeof overrides === 'function' ? overrides(t) : overrides) }
}

const refusals: readonly Case[] = refused.map(([what, overrides, error]) => ({
  name: `refused: ${what}`,
  async run(t) {
    const js = await t.js()
    await js.fail(`STREAM.CREATE.${t.id}`, config(t, overrides), error)
    const reply = await js.api(`STREAM.INFO.${t.id}`)
    expectEqual(reply.error?.err_code, 10059, 'nothing was created')
  },
}))

/** [what, the fields that are sent, what the created config says] */
const accepted: readonly (readonly [string, Overrides, Config])[] = [
  [
    'the defaults',
    {},
    {
      retention: 'limits',
      max_consumers: -1,
      max_msgs: -1,
      max_bytes: -1,
      max_age: 0,
      max_msgs_per_subject: -1,
      max_msg_size: -1,
      discard: 'old',
      storage: 'file',
      num_replicas: 1,
      duplicate_window: 120 * second,
      compression: 'none',
      allow_direct: false,
      mirror_direct: false,
      sealed: false,
      deny_delete: false,
      deny_purge: false,
      allow_rollup_hdrs: false,
      consumer_limits: {},
    },
  ],
  [
    'zero limits mean none',
    { max_msgs: 0, max_bytes: 0, max_msgs_per_subject: 0, max_consumers: 0, max_msg_size: 0 },
    { max_msgs: -1, max_bytes: -1, max_msgs_per_subject: -1, max_consumers: -1, max_msg_size: -1 },
  ],
  [
    'limits below -1 mean none',
    { max_msgs: -5, max_bytes: -5, max_msgs_per_subject: -5, max_consumers: -5, max_msg_size: -5 },
    { max_msgs: -1, max_bytes: -1, max_msgs_per_subject: -1, max_consumers: -1, max_msg_size: -1 },
  ],
  [
    'limits',
    { max_msgs: 10, max_bytes: 1000, max_msgs_per_subject: 3, max_consumers: 2, max_msg_size: 100 },
    { max_msgs: 10, max_bytes: 1000, max_msgs_per_subject: 3, max_consumers: 2, max_msg_size: 100 },
  ],
  ['a short max_age shortens the duplicate window', { max_age: second }, { max_age: second, duplicate_window: second }],
  ['a duplicate window of its own', { duplicate_window: 5 * second }, { duplicate_window: 5 * second }],
  ['work queue', { retention: 'workqueue' }, { retention: 'workqueue' }],
  ['interest', { retention: 'interest' }, { retention: 'interest' }],
  ['discard new, in memory', { discard: 'new', storage: 'memory' }, { discard: 'new', storage: 'memory' }],
  [
    'discard new per subject',
    { discard: 'new', discard_new_per_subject: true, max_msgs_per_subject: 1 },
    { discard_new_per_subject: true },
  ],
  [
    'description and metadata',
    { description: 'd'.repeat(4096), metadata: { owner: 'ada' } },
    { metadata: { owner: 'ada' } },
  ],
  ['no_ack', { no_ack: true }, { no_ack: true }],
  [
    'direct get, roll-ups, denials',
    { allow_direct: true, deny_delete: true, allow_rollup_hdrs: true },
    { allow_direct: true, deny_delete: true, allow_rollup_hdrs: true },
  ],
  ['a first sequence', { first_seq: 100 }, { first_seq: 100 }],
  [
    'limits for consumers',
    { consumer_limits: { inactive_threshold: second, max_ack_pending: 10 } },
    { consumer_limits: { inactive_threshold: second, max_ack_pending: 10 } },
  ],
  ['many subjects', (t) => ({ subjects: Array.from({ length: 50 }, (_, i) => `${t.subject}.${i}`) }), {}],
  [
    'wildcards that do not overlap',
    (t) => ({ subjects: [`${t.subject}.a.*`, `${t.subject}.b.>`, `${t.subject}.*`] }),
    {},
  ],
  ['one replica', { num_replicas: 1 }, { num_replicas: 1 }],
  ['an empty body for lists', { subjects: undefined }, {}],
  ['subjects of advisories', { subjects: ['$JS.EVENT.ADVISORY.CONSUMER.MAX_DELIVERIES.conformance.>'] }, {}],
]

const acceptances: readonly Case[] = accepted.map(([what, overrides, expected]) => ({
  name: `accepted: ${what}`,
  async run(t) {
    const js = await t.js()
    const reply = await js.stream(config(t, overrides))
    expectMatch(reply, {
      type: 'io.nats.jetstream.api.v1.stream_create_response',
      did_create: true,
      config: { name: t.id, ...expected },
    })
    await js.info(t.id)
  },
}))

export const streamConfig: Group = {
  name: 'jetstream/stream config',
  cases: [
    ...refusals,
    ...acceptances,
    {
      name: 'without subjects the name is the subject',
      async run(t) {
        const js = await t.js()
        const reply = await js.stream({ name: t.id })
        expectEqual(reply.config.subjects, [t.id])
        expectMatch(await js.publishOk(t.id, 'x'), { stream: t.id, seq: 1 })
      },
    },
    {
      name: 'the name in the subject must be the one in the config',
      async run(t) {
        const js = await t.js()
        await js.fail(`STREAM.CREATE.${t.id}`, { name: 'other' }, [
          400,
          10056,
          'stream name in subject does not match request',
        ])
      },
    },
    {
      name: 'a config without a name',
      async run(t) {
        const js = await t.js()
        t.observe('answer', await js.api(`STREAM.CREATE.${t.id}`, { subjects: [t.subject] }))
      },
    },
    {
      name: 'a name with a path separator',
      async run(t) {
        const js = await t.js()
        await js.fail(`STREAM.CREATE.${t.id}/a`, { name: `${t.id}/a` }, [
          400,
          10128,
          'Stream name can not contain path separators',
        ])
        await js.fail(`STREAM.CREATE.${t.id}\\a`, { name: `${t.id}\\a` }, [
          400,
          10128,
          'Stream name can not contain path separators',
        ])
      },
    },
    {
      name: 'a name with a wildcard or a blank',
      async run(t) {
        const js = await t.js()
        await js.api(`STREAM.CREATE.${t.id}*`, { name: `${t.id}*` })
        await js.api(`STREAM.CREATE.${t.id}>`, { name: `${t.id}>` })
        await js.api(`STREAM.CREATE.${t.id}`, { name: `${t.id} a` })
      },
    },
    {
      name: 'a name of 255 and of 256 characters',
      async run(t) {
        const js = await t.js()
        const longest = t.id + 'n'.repeat(255 - t.id.length)
        expectMatch(await js.stream({ name: longest, storage: 'memory' }), { did_create: true })
        await js.fail(`STREAM.CREATE.${longest}n`, { name: `${longest}n` }, [
          500,
          10052,
          'stream name is too long, maximum allowed is 255',
        ])
      },
    },
    {
      name: 'bodies that are not a config',
      async run(t) {
        const js = await t.js()
        for (const body of ['', '{', 'null', '[]', '5', '"text"', '{"name"}', '{}', `{"name":"${t.id}"} x`])
          await js.api(`STREAM.CREATE.${t.id}`, body)
      },
    },
    {
      name: 'field names match whatever their case',
      async run(t) {
        const js = await t.js()
        const reply = await js.ok(`STREAM.CREATE.${t.id}`, { NAME: t.id, Subjects: [t.subject], MAX_MSGS: 5 })
        expectMatch(reply.config, { name: t.id, max_msgs: 5 })
      },
    },
    {
      name: 'creating the same again succeeds, a different one is refused',
      async run(t) {
        const js = await t.js()
        const wanted = { name: t.id, subjects: [t.subject], max_msgs: 10, metadata: { a: '1' } }
        await js.stream(wanted)
        await js.publishOk(t.subject, 'x')
        expectMatch(await js.stream(wanted), { did_create: true, state: { messages: 1 } })
        expectMatch(await js.stream({ ...wanted, max_bytes: -1, retention: 'limits' }), { did_create: true })
        const taken = [400, 10058, 'stream name already in use with a different configuration'] as const
        await js.fail(`STREAM.CREATE.${t.id}`, { ...wanted, max_msgs: 11 }, taken)
        await js.fail(`STREAM.CREATE.${t.id}`, { ...wanted, metadata: { a: '2' } }, taken)
        await js.fail(`STREAM.CREATE.${t.id}`, { ...wanted, subjects: [`${t.subject}.other`] }, taken)
      },
    },
    {
      name: 'subjects that another stream has are refused',
      async run(t) {
        const js = await t.js()
        const overlap = [400, 10065, 'subjects overlap with an existing stream'] as const
        await js.stream({ name: t.id, subjects: [`${t.subject}.a.*`] })
        await js.fail(`STREAM.CREATE.${t.id}2`, { name: `${t.id}2`, subjects: [`${t.subject}.a.b`] }, overlap)
        await js.fail(`STREAM.CREATE.${t.id}2`, { name: `${t.id}2`, subjects: [`${t.subject}.>`] }, overlap)
        await js.fail(`STREAM.CREATE.${t.id}2`, { name: `${t.id}2`, subjects: [`${t.subject}.*.b`] }, overlap)
        await js.stream({ name: `${t.id}2`, subjects: [`${t.subject}.b.*`] })
      },
    },
    {
      name: 'pedantic: what would be changed silently is refused',
      async run(t) {
        const js = await t.js()
        await js.api(`STREAM.CREATE.${t.id}`, { name: t.id, subjects: [t.subject], max_msgs: -5, pedantic: true })
        await js.api(`STREAM.CREATE.${t.id}`, {
          name: t.id,
          subjects: [t.subject],
          max_age: second,
          duplicate_window: 0,
          pedantic: true,
        })
        await js.api(`STREAM.CREATE.${t.id}`, { name: t.id, subjects: [t.subject], pedantic: true })
      },
    },
    {
      name: 'metadata of the server cannot be set by a client',
      async run(t) {
        const js = await t.js()
        const reply = await js.stream({
          name: t.id,
          subjects: [t.subject],
          metadata: { '_nats.level': '99', '_nats.ver': '9.9.9', mine: 'x' },
        })
        expectEqual(reply.config.metadata.mine, 'x')
        expectEqual(
          ['99', '9.9.9'].includes(reply.config.metadata['_nats.level'] ?? reply.config.metadata['_nats.ver']),
          false,
        )
      },
    },
    {
      name: 'a stream may capture everything when it gives no acks',
      server: { fresh: true },
      async run(t) {
        const js = await t.js()
        await js.stream({ name: t.id, subjects: ['>'], no_ack: true, storage: 'memory' })
        js.caller.publish('any.thing', 'x')
        await js.caller.flush()
        const info = await js.peek(`STREAM.INFO.${t.id}`, { subjects_filter: 'any.>' })
        expectEqual(info.state.subjects, { 'any.thing': 1 })
      },
    },
  ],
}
