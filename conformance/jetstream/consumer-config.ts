/** Consumer configurations: what is taken, with which defaults, and what is refused. */
import type { Case, Group } from '../support/case.ts'
import { expectEqual, expectMatch } from '../support/expectations.ts'
import type { ApiErrorRow } from '../support/jetstream-caller.ts'
import { type Config, type Fields, fieldsOf, pull, push, withStream } from './consumer-setup.ts'

const second = 1_000_000_000

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

export const consumerConfig: Group = {
  name: 'jetstream/consumer config',
  cases: [
    ...refusals,
    ...acceptances,
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
  ],
}
