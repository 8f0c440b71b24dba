/** Consumer configurations: what is taken, with which defaults, what is refused, and what may be updated. */
import type { Case, Group } from '../support/case.ts'
import { expectEqual, expectMatch, expectTrue } from '../support/expectations.ts'
import type { ApiErrorRow } from '../support/jetstream-caller.ts'
import type { Trial } from '../support/trial.ts'

type Config = Record<string, unknown>
type Fields = Config | ((t: Trial) => Config)

const second = 1_000_000_000

const pull = { durable_name: 'C', ack_policy: 'explicit' }
const push = { durable_name: 'C', ack_policy: 'explicit', deliver_subject: 'deliver.here' }

/** [what is wrong, the whole config, the error] */
const refused: readonly (readonly [string, Fields, ApiErrorRow])[] = [
  [
    'a description that is too long',
    { ...pull, description: 'd'.repeat(4097) },
    [400, 10107, 'consumer description is too long, maximum allowed is 4096'],
  ],
  [
    'metadata that is too large',
    { ...pull, metadata: { a: 'x'.repeat(131_073) } },
    [400, 10135, /consumer metadata exceeds maximum size/],
  ],
  ['an unknown deliver policy', { ...pull, deliver_policy: 'some' }, [400, 10025, /^invalid JSON: /]],
  ['an unknown ack policy', { ...pull, ack_policy: 'maybe' }, [400, 10025, /^invalid JSON: /]],
  ['an unknown replay policy', { ...pull, replay_policy: 'slow' }, [400, 10025, /^invalid JSON: /]],
  ['an unknown field', { ...pull, colour: 'blue' }, [400, 10025, 'invalid JSON: json: unknown field "colour"']],
  ['a text as number', { ...pull, max_deliver: 'x' }, [400, 10025, /^invalid JSON: /]],
  ['a negative ack_wait', { ...pull, ack_wait: -1 }, [400, 10183, 'consumer ack wait needs to be positive']],
  [
    'a negative backoff',
    { ...pull, max_deliver: 5, backoff: [-1] },
    [400, 10184, 'consumer backoff needs to be positive'],
  ],
  [
    'more backoffs than deliveries',
    { ...pull, max_deliver: 1, backoff: [second, second] },
    [400, 10116, 'max deliver is required to be > length of backoff values'],
  ],
  [
    'both kinds of filter',
    (t) => ({ ...pull, filter_subject: `${t.subject}.a`, filter_subjects: [`${t.subject}.b`] }),
    [400, 10136, 'consumer cannot have both FilterSubject and FilterSubjects specified'],
  ],
  [
    'an empty filter',
    (t) => ({ ...pull, filter_subjects: [`${t.subject}.a`, ''] }),
    [400, 10139, 'consumer filter in FilterSubjects cannot be empty'],
  ],
  [
    'filters that overlap',
    (t) => ({ ...pull, filter_subjects: [`${t.subject}.a`, `${t.subject}.*`] }),
    [400, 10138, 'consumer subject filters cannot overlap'],
  ],
  [
    'filters that are equal',
    (t) => ({ ...pull, filter_subjects: [`${t.subject}.a`, `${t.subject}.a`] }),
    [400, 10138, 'consumer subject filters cannot overlap'],
  ],
  ['an invalid filter', { ...pull, filter_subjects: ['a..b', 'c'] }, [500, 10052, /./]],
  [
    'a start sequence with deliver all',
    { ...pull, opt_start_seq: 5 },
    [400, 10094, 'consumer delivery policy is deliver all, but optional start sequence is also set'],
  ],
  [
    'a start time with deliver all',
    { ...pull, opt_start_time: '2024-01-01T00:00:00Z' },
    [400, 10094, 'consumer delivery policy is deliver all, but optional start time is also set'],
  ],
  [
    'a start sequence with deliver last',
    { ...pull, deliver_policy: 'last', opt_start_seq: 5 },
    [400, 10094, 'consumer delivery policy is deliver last, but optional start sequence is also set'],
  ],
  [
    'a start sequence with deliver new',
    { ...pull, deliver_policy: 'new', opt_start_seq: 5 },
    [400, 10094, 'consumer delivery policy is deliver new, but optional start sequence is also set'],
  ],
  [
    'by_start_sequence without a sequence',
    { ...pull, deliver_policy: 'by_start_sequence' },
    [400, 10094, 'consumer delivery policy is deliver by start sequence, but optional start sequence is not set'],
  ],
  [
    'by_start_sequence with a time',
    { ...pull, deliver_policy: 'by_start_sequence', opt_start_seq: 1, opt_start_time: '2024-01-01T00:00:00Z' },
    [400, 10094, 'consumer delivery policy is deliver by start sequence, but optional start time is also set'],
  ],
  [
    'by_start_time without a time',
    { ...pull, deliver_policy: 'by_start_time' },
    [400, 10094, 'consumer delivery policy is deliver by start time, but optional start time is not set'],
  ],
  [
    'by_start_time with a sequence',
    { ...pull, deliver_policy: 'by_start_time', opt_start_time: '2024-01-01T00:00:00Z', opt_start_seq: 1 },
    [400, 10094, 'consumer delivery policy is deliver by start time, but optional start start sequence is also set'],
  ],
  [
    'last_per_subject without a filter',
    { ...pull, deliver_policy: 'last_per_subject' },
    [400, 10094, 'consumer delivery policy is deliver last per subject, but optional filter subject is not set'],
  ],
  [
    'last_per_subject with a sequence',
    (t) => ({ ...pull, deliver_policy: 'last_per_subject', filter_subject: `${t.subject}.*`, opt_start_seq: 1 }),
    [400, 10094, 'consumer delivery policy is deliver last per subject, but optional start sequence is also set'],
  ],
  [
    'a start time that is none',
    { ...pull, deliver_policy: 'by_start_time', opt_start_time: 'noon' },
    [400, 10025, /^invalid JSON: /],
  ],
  [
    'pull with an idle heartbeat',
    { ...pull, idle_heartbeat: second },
    [400, 10088, 'consumer idle heartbeat requires a push based consumer'],
  ],
  [
    'pull with flow control',
    { ...pull, flow_control: true },
    [400, 10089, 'consumer flow control requires a push based consumer'],
  ],
  [
    'pull with a rate limit',
    { ...pull, rate_limit_bps: 1000 },
    [400, 10086, 'consumer in pull mode can not have rate limit set'],
  ],
  [
    'pull with a tiny max_expires',
    { ...pull, max_expires: 1000 },
    [400, 10115, 'consumer max request expires needs to be >= 1ms'],
  ],
  [
    'push with a wildcard as deliver subject',
    { ...push, deliver_subject: 'deliver.*' },
    [400, 10079, 'consumer deliver subject has wildcards'],
  ],
  [
    'push with an invalid deliver subject',
    { ...push, deliver_subject: 'deliver..here' },
    [400, 10112, 'invalid push consumer deliver subject'],
  ],
  [
    'push to a subject of the stream itself',
    (t) => ({ ...push, deliver_subject: `${t.subject}.a` }),
    [400, 10081, 'consumer deliver subject forms a cycle'],
  ],
  ['push with max_waiting', { ...push, max_waiting: 5 }, [400, 10080, 'consumer in push mode can not set max waiting']],
  [
    'push with flow control and no heartbeat',
    { ...push, flow_control: true },
    [400, 10108, 'consumer with flow control also needs heartbeats'],
  ],
  [
    'push with a heartbeat below 100 ms',
    { ...push, idle_heartbeat: 1_000_000 },
    [400, 10083, 'consumer idle heartbeat needs to be >= 100ms'],
  ],
  [
    'push without acks and max_ack_pending',
    { ...push, ack_policy: 'none', max_ack_pending: 5 },
    [400, 10082, 'consumer requires ack policy for max ack pending'],
  ],
  [
    'replicas on one server',
    { ...pull, num_replicas: 3 },
    [500, 10074, 'replicas > 1 not supported in non-clustered mode'],
  ],
  ['negative replicas', { ...pull, num_replicas: -1 }, [400, 10133, 'replicas count cannot be negative']],
  [
    'a sampling frequency that is none',
    { ...pull, sample_freq: 'often' },
    [400, 10095, /failed to parse consumer sampling configuration/],
  ],
]

async function withStream(t: Trial, config: Config = {}) {
  const js = await t.js()
  await js.stream({ name: t.id, subjects: [`${t.subject}.>`], ...config })
  return js
}

function fieldsOf(t: Trial, fields: Fields): Config {
  return typeof fields === 'function' ? fields(t) : fields
}

const refusals: readonly Case[] = refused.map(([what, fields, error]) => ({
  name: `refused: ${what}`,
  async run(t) {
    const js = await withStream(t)
    await js.fail(`CONSUMER.CREATE.${t.id}.C`, { stream_name: t.id, config: fieldsOf(t, fields) }, error)
    expectEqual((await js.api(`CONSUMER.INFO.${t.id}.C`)).error?.err_code, 10014, 'nothing was created')
  },
}))

/** [what, the config sent, what the created config says] */
const accepted: readonly (readonly [string, Fields, Config])[] = [
  [
    'pull with the defaults',
    pull,
    {
      durable_name: 'C',
      name: 'C',
      deliver_policy: 'all',
      ack_policy: 'explicit',
      ack_wait: 30 * second,
      max_deliver: -1,
      replay_policy: 'instant',
      max_waiting: 512,
      max_ack_pending: 1000,
      num_replicas: 0,
    },
  ],
  [
    'push with the defaults',
    push,
    { deliver_subject: 'deliver.here', ack_wait: 30 * second, max_ack_pending: 1000, max_waiting: undefined },
  ],
  ['no acks', { durable_name: 'C' }, { ack_policy: 'none', ack_wait: undefined, max_ack_pending: undefined }],
  [
    'ack all',
    { durable_name: 'C', ack_policy: 'all' },
    { ack_policy: 'all', ack_wait: 30 * second, max_ack_pending: 1000 },
  ],
  [
    'zero limits',
    { ...pull, max_deliver: 0, ack_wait: 0, max_ack_pending: 0, max_waiting: 0, max_batch: 0 },
    { max_deliver: -1, ack_wait: 30 * second, max_ack_pending: 1000, max_waiting: 512 },
  ],
  ['limits below -1', { ...pull, max_deliver: -7, max_ack_pending: -1 }, { max_deliver: -1, max_ack_pending: -1 }],
  [
    'backoff stands for ack_wait',
    { ...pull, max_deliver: 5, ack_wait: 9 * second, backoff: [second, 2 * second] },
    { ack_wait: second, backoff: [second, 2 * second] },
  ],
  ['one filter', (t) => ({ ...pull, filter_subject: `${t.subject}.a` }), {}],
  ['one filter in the list', (t) => ({ ...pull, filter_subjects: [`${t.subject}.a`] }), {}],
  ['several filters', (t) => ({ ...pull, filter_subjects: [`${t.subject}.a`, `${t.subject}.b.*`] }), {}],
  ['filters that overlap in part', (t) => ({ ...pull, filter_subjects: [`${t.subject}.*.x`, `${t.subject}.y.*`] }), {}],
  [
    'a filter that no subject of the stream matches',
    { ...pull, filter_subject: 'elsewhere.>' },
    { filter_subject: 'elsewhere.>' },
  ],
  ['a filter of everything', { ...pull, filter_subject: '>' }, {}],
  [
    'all limits of pull',
    {
      ...pull,
      max_waiting: 7,
      max_batch: 8,
      max_expires: second,
      max_bytes: 1000,
      max_ack_pending: 3,
      inactive_threshold: second,
    },
    {
      max_waiting: 7,
      max_batch: 8,
      max_expires: second,
      max_bytes: 1000,
      max_ack_pending: 3,
      inactive_threshold: second,
    },
  ],
  [
    'all options of push',
    {
      ...push,
      deliver_group: 'g',
      flow_control: true,
      idle_heartbeat: second,
      rate_limit_bps: 8000,
      headers_only: true,
    },
    { deliver_group: 'g', flow_control: true, idle_heartbeat: second, rate_limit_bps: 8000, headers_only: true },
  ],
  ['replay original', { ...pull, replay_policy: 'original' }, { replay_policy: 'original' }],
  ['start sequence', { ...pull, deliver_policy: 'by_start_sequence', opt_start_seq: 5 }, { opt_start_seq: 5 }],
  [
    'start time',
    { ...pull, deliver_policy: 'by_start_time', opt_start_time: '2024-01-01T00:00:00Z' },
    { deliver_policy: 'by_start_time' },
  ],
  [
    'last per subject',
    (t) => ({ ...pull, deliver_policy: 'last_per_subject', filter_subject: `${t.subject}.>` }),
    { deliver_policy: 'last_per_subject' },
  ],
  [
    'description and metadata',
    { ...pull, description: 'x', metadata: { a: '1' } },
    { description: 'x', metadata: { a: '1' } },
  ],
  ['sampling', { ...pull, sample_freq: '50%' }, { sample_freq: '50%' }],
  ['memory storage', { ...pull, mem_storage: true }, { mem_storage: true }],
  ['replicas of one', { ...pull, num_replicas: 1 }, { num_replicas: 1 }],
  ['name and durable name that are equal', { ...pull, name: 'C' }, { name: 'C', durable_name: 'C' }],
  [
    'another name than the one in the subject: the subject counts',
    { ...pull, name: 'D' },
    { name: 'C', durable_name: 'C' },
  ],
  ['negative limits of pull', { ...pull, max_waiting: -1, max_batch: -1, max_bytes: -1 }, {}],
  [
    'a name alone: an ephemeral of that name',
    { name: 'C', ack_policy: 'explicit' },
    { name: 'C', durable_name: undefined, inactive_threshold: 5 * second },
  ],
]

const acceptances: readonly Case[] = accepted.map(([what, fields, expected]) => ({
  name: `accepted: ${what}`,
  async run(t) {
    const js = await withStream(t)
    const reply = await js.ok(`CONSUMER.CREATE.${t.id}.C`, { stream_name: t.id, config: fieldsOf(t, fields) })
    expectMatch(reply, {
      type: 'io.nats.jetstream.api.v1.consumer_create_response',
      stream_name: t.id,
      name: 'C',
      config: expected,
    })
    await js.consumerInfo(t.id, 'C')
  },
}))

/** [what, the config created, what is changed, the error or undefined when it is taken] */
const updates: readonly (readonly [string, Config, Fields, ApiErrorRow | undefined])[] = [
  ['description', pull, { description: 'new' }, undefined],
  ['ack_wait', pull, { ack_wait: 5 * second }, undefined],
  ['max_deliver', pull, { max_deliver: 3 }, undefined],
  ['backoff', pull, { max_deliver: 5, backoff: [second] }, undefined],
  ['max_ack_pending', pull, { max_ack_pending: 5 }, undefined],
  ['max_batch, max_expires, max_bytes', pull, { max_batch: 5, max_expires: second, max_bytes: 100 }, undefined],
  ['filter', pull, (t) => ({ filter_subject: `${t.subject}.b` }), undefined],
  ['filters', pull, (t) => ({ filter_subjects: [`${t.subject}.b`, `${t.subject}.c`] }), undefined],
  ['headers_only', pull, { headers_only: true }, undefined],
  ['sampling', pull, { sample_freq: '10' }, undefined],
  ['inactive_threshold', pull, { inactive_threshold: second }, undefined],
  ['metadata', pull, { metadata: { a: '1' } }, undefined],
  ['deliver_subject', push, { deliver_subject: 'deliver.there' }, undefined],
  ['deliver_group', push, { deliver_group: 'g' }, undefined],
  ['rate limit', push, { rate_limit_bps: 9000 }, undefined],
  ['deliver policy', pull, { deliver_policy: 'new' }, [500, 10012, 'deliver policy can not be updated']],
  [
    'start sequence',
    { ...pull, deliver_policy: 'by_start_sequence', opt_start_seq: 2 },
    { opt_start_seq: 3 },
    [500, 10012, 'start sequence can not be updated'],
  ],
  [
    'start time',
    { ...pull, deliver_policy: 'by_start_time', opt_start_time: '2024-01-01T00:00:00Z' },
    { opt_start_time: '2024-01-02T00:00:00Z' },
    [500, 10012, 'start time can not be updated'],
  ],
  ['ack policy', pull, { ack_policy: 'all' }, [500, 10012, 'ack policy can not be updated']],
  ['replay policy', pull, { replay_policy: 'original' }, [500, 10012, 'replay policy can not be updated']],
  [
    'heartbeat',
    { ...push, idle_heartbeat: second },
    { idle_heartbeat: 2 * second },
    [500, 10012, 'heart beats can not be updated'],
  ],
  [
    'flow control',
    { ...push, idle_heartbeat: second },
    { flow_control: true },
    [500, 10012, 'flow control can not be updated'],
  ],
  [
    'pull to push',
    pull,
    { deliver_subject: 'deliver.here' },
    [500, 10012, 'can not update pull consumer to push based'],
  ],
  ['push to pull', push, { deliver_subject: undefined }, [500, 10012, 'can not update push consumer to pull based']],
  ['max_waiting', { ...pull, max_waiting: 5 }, { max_waiting: 6 }, [500, 10012, 'max waiting can not be updated']],
  ['memory storage', pull, { mem_storage: true }, [500, 10012, 'storage type can not be updated']],
]

const updateCases: readonly Case[] = updates.map(([what, created, changed, error]) => ({
  name: `update ${error ? 'refused' : 'taken'}: ${what}`,
  async run(t) {
    const js = await withStream(t)
    await js.publishOk(`${t.subject}.a`, 'x')
    await js.consumer(t.id, created)
    const next = { ...created, ...fieldsOf(t, changed) }
    if (error) await js.consumerFails(t.id, next, error)
    else await js.consumer(t.id, next)
    await js.consumerInfo(t.id, 'C')
  },
}))

export const consumerConfig: Group = {
  name: 'jetstream/consumer config',
  cases: [
    ...refusals,
    ...acceptances,
    ...updateCases,
    {
      name: 'an ephemeral gets a name and five seconds',
      async run(t) {
        const js = await withStream(t)
        const reply = await js.okPeek(`CONSUMER.CREATE.${t.id}`, {
          stream_name: t.id,
          config: { ack_policy: 'explicit' },
        })
        expectMatch(reply, {
          name: /^[0-9A-Za-z]{8,}$/,
          config: { name: undefined, durable_name: undefined, inactive_threshold: 5 * second },
        })
        t.observe('length of the name', String(reply.name.length))
      },
    },
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
      name: 'names that are not allowed',
      async run(t) {
        const js = await withStream(t)
        for (const name of ['a*', 'a>', 'a b', 'a/b', 'a\\b', 'n'.repeat(256)]) {
          await js.api(`CONSUMER.CREATE.${t.id}.${name.replace(' ', '_')}`, {
            stream_name: t.id,
            config: { durable_name: name, ack_policy: 'explicit' },
          })
        }
        await js.ok(`CONSUMER.CREATE.${t.id}.${'n'.repeat(255)}`, {
          stream_name: t.id,
          config: { durable_name: 'n'.repeat(255), ack_policy: 'explicit' },
        })
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
      name: 'limits for consumers of the stream',
      async run(t) {
        const js = await withStream(t, { consumer_limits: { max_ack_pending: 10, inactive_threshold: 5 * second } })
        const reply = await js.consumer(t.id, pull)
        expectMatch(reply.config, { max_ack_pending: 10, inactive_threshold: 5 * second })
        await js.api(`CONSUMER.CREATE.${t.id}.D`, {
          stream_name: t.id,
          config: { ...pull, durable_name: 'D', max_ack_pending: 11 },
        })
        await js.api(`CONSUMER.CREATE.${t.id}.D`, {
          stream_name: t.id,
          config: { ...pull, durable_name: 'D', inactive_threshold: 6 * second },
        })
        await js.api(`CONSUMER.CREATE.${t.id}.D`, {
          stream_name: t.id,
          config: { ...pull, durable_name: 'D', max_ack_pending: -1 },
        })
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
      name: 'a filter changed by update: num_pending is counted anew, the position stays',
      async run(t) {
        const js = await withStream(t)
        for (const subject of ['a', 'b', 'a', 'b', 'a']) await js.publishOk(`${t.subject}.${subject}`, subject)
        await js.consumer(t.id, { ...pull, filter_subject: `${t.subject}.a` })
        expectEqual((await js.consumerInfo(t.id, 'C')).num_pending, 3)
        await js.expectPull(t.id, 'C', { batch: 2 }, [`${t.subject}.a a`, `${t.subject}.a a`])
        await js.consumer(t.id, { ...pull, filter_subject: `${t.subject}.b` })
        expectEqual((await js.consumerInfo(t.id, 'C')).num_pending, 1)
        await js.expectPull(t.id, 'C', { batch: 5, no_wait: true }, [`${t.subject}.b b`, '404 No Messages'])
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
