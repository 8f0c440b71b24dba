import { describe, expect, test } from 'vitest'
import { ApiError } from '../api/errors.ts'
import { type StreamConfigRequest, sameConfig, withDefaults } from './stream-config.ts'
import { checkConfig, checkPedantic, checkUpdate, sealedConfig } from './stream-config-rules.ts'

/** The error of the first rule that `given` breaks, as `err_code description`; 'fine' when it breaks none. */
function verdict(given: StreamConfigRequest, check: (given: StreamConfigRequest) => void): string {
  try {
    check(given)
    return 'fine'
  } catch (error) {
    if (!(error instanceof ApiError)) throw error
    return `${error.err_code} ${error.description}`
  }
}

const create = (given: StreamConfigRequest): string =>
  verdict(given, (asked) => {
    const config = withDefaults(asked)
    checkConfig(config, { replicas: 'refuse' })
    if (asked.pedantic) checkPedantic(asked, config)
  })

describe('defaults', () => {
  test('stand in for what was not given', () => {
    expect(withDefaults({ name: 'S' })).toEqual({
      name: 'S',
      subjects: ['S'],
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
      duplicate_window: 120_000_000_000,
      compression: 'none',
      allow_direct: false,
      mirror_direct: false,
      sealed: false,
      deny_delete: false,
      deny_purge: false,
      allow_rollup_hdrs: false,
      consumer_limits: {},
      allow_msg_ttl: false,
    })
  })

  test.each([
    [0, -1],
    [-7, -1],
    [-1, -1],
    [5, 5],
  ])('a limit of %d is %d', (given, kept) => {
    const config = withDefaults({
      name: 'S',
      max_msgs: given,
      max_bytes: given,
      max_msg_size: given,
      max_consumers: given,
    })
    expect([config.max_msgs, config.max_bytes, config.max_msg_size, config.max_consumers]).toEqual([
      kept,
      kept,
      kept,
      kept,
    ])
  })

  test('the duplicate window is not longer than messages live', () => {
    expect(withDefaults({ name: 'S', max_age: 1e9 }).duplicate_window).toBe(1e9)
    expect(withDefaults({ name: 'S', max_age: 1e15 }).duplicate_window).toBe(120e9)
  })

  test("the server's own metadata cannot be set", () => {
    const metadata = { b: '1', '_nats.ver': 'x', '_nats.level': '9', '_nats.req.level': '0', a: '2' }
    expect(Object.entries(withDefaults({ name: 'S', metadata }).metadata ?? {})).toEqual([
      ['a', '2'],
      ['b', '1'],
    ])
    expect(withDefaults({ name: 'S', metadata: { '_nats.ver': 'x' } })).not.toHaveProperty('metadata')
  })

  test('make equal what is asked for in different words', () => {
    const a = withDefaults({ name: 'S', metadata: { a: '1', b: '2' }, max_msgs: 0 })
    const b = withDefaults({ name: 'S', subjects: ['S'], metadata: { b: '2', a: '1', '_nats.ver': 'x' }, max_msgs: -1 })
    expect(sameConfig(a, b)).toBe(true)
    expect(sameConfig(a, { ...b, max_msgs: 1 })).toBe(false)
    expect(sameConfig(a, { ...b, metadata: { a: '1' } })).toBe(false)
  })
})

const rows: [name: string, given: StreamConfigRequest, verdict: string][] = [
  ['nothing special', { name: 'S' }, 'fine'],
  ['a name with a dot', { name: 'a.b' }, "10052 stream name is required and can not contain '.', '*', '>', '\\', '/'"],
  ['no name', {}, "10052 stream name is required and can not contain '.', '*', '>', '\\', '/'"],
  ['a long name', { name: 'x'.repeat(255) }, 'fine'],
  ['a longer name', { name: 'x'.repeat(256) }, '10052 stream name is too long, maximum allowed is 255'],
  ['a long description', { name: 'S', description: 'x'.repeat(4096) }, 'fine'],
  [
    'a longer description',
    { name: 'S', description: 'x'.repeat(4097) },
    '10052 stream description is too long, maximum allowed is 4096',
  ],
  ['much metadata', { name: 'S', metadata: { k: 'x'.repeat(131_071) } }, 'fine'],
  [
    'too much metadata',
    { name: 'S', metadata: { k: 'x'.repeat(131_072) } },
    '10052 stream metadata exceeds maximum size of 131072 bytes',
  ],
  ['replicas', { name: 'S', num_replicas: 3 }, '10074 replicas > 1 not supported in non-clustered mode'],
  ['many replicas', { name: 'S', num_replicas: 6 }, '10052 maximum replicas is 5'],
  ['negative replicas', { name: 'S', num_replicas: -1 }, '10133 replicas count cannot be negative'],
  ['a negative age', { name: 'S', max_age: -1 }, '10052 max age can not be negative'],
  ['a short age', { name: 'S', max_age: 99_999_999 }, '10052 max age needs to be >= 100ms'],
  ['the shortest age', { name: 'S', max_age: 100_000_000 }, 'fine'],
  ['a negative window', { name: 'S', duplicate_window: -1 }, '10052 duplicates window can not be negative'],
  ['a short window', { name: 'S', duplicate_window: 1 }, '10052 duplicates window needs to be >= 100ms'],
  [
    'a window longer than the age',
    { name: 'S', duplicate_window: 2e9, max_age: 1e9 },
    '10052 duplicates window can not be larger then max age',
  ],
  [
    'roll-ups without purge',
    { name: 'S', allow_rollup_hdrs: true, deny_purge: true },
    '10052 roll-ups require the purge permission',
  ],
  [
    'discard new per subject, discard old',
    { name: 'S', discard_new_per_subject: true, max_msgs_per_subject: 1 },
    '10052 discard new per subject requires discard new policy to be set',
  ],
  [
    'discard new per subject without a limit',
    { name: 'S', discard_new_per_subject: true, discard: 'new' },
    '10052 discard new per subject requires max msgs per subject > 0',
  ],
  ['mirror_direct', { name: 'S', mirror_direct: true }, '10052 stream has no mirror but does have mirror direct'],
  ['a bad subject', { name: 'S', subjects: ['a..b'] }, '10052 invalid subject'],
  ['the same subject twice', { name: 'S', subjects: ['a', 'a'] }, '10052 subject "a" overlaps with "a"'],
  ['overlapping subjects', { name: 'S', subjects: ['a.b', 'a.*'] }, '10052 subject "a.b" overlaps with "a.*"'],
  ['everything', { name: 'S', subjects: ['>'] }, '10052 capturing all subjects requires no-ack to be true'],
  ['everything without acks', { name: 'S', subjects: ['>'], no_ack: true }, 'fine'],
  [
    'the API',
    { name: 'S', subjects: ['$JS.API.X'] },
    '10052 subjects that overlap with jetstream api require no-ack to be true',
  ],
  [
    'the API by a wildcard',
    { name: 'S', subjects: ['*.API.>'] },
    '10052 subjects that overlap with jetstream api require no-ack to be true',
  ],
  ['advisories', { name: 'S', subjects: ['$JS.EVENT.ADVISORY.>'] }, 'fine'],
  [
    'the system',
    { name: 'S', subjects: ['$SYS.REQ.X'] },
    '10052 subjects that overlap with system api require no-ack to be true',
  ],
  ['account events', { name: 'S', subjects: ['$SYS.ACCOUNT.X'] }, 'fine'],
  [
    'pedantic, a wild limit',
    { name: 'S', max_msgs: -5, pedantic: true },
    '10157 pedantic mode: max_msgs must be set to -1',
  ],
  [
    'pedantic, a window that would shrink',
    { name: 'S', max_age: 1e9, pedantic: true },
    '10157 pedantic mode: duplicate window cannot be bigger than max age',
  ],
  ['an empty mirror', { name: 'S', mirror: {} }, 'fine'],
  [
    'a mirror',
    { name: 'S', mirror: { name: 'T' } },
    '10052 stream configuration: mirror is not supported by Headwater yet',
  ],
  [
    'a mirror with subjects',
    { name: 'S', mirror: { name: 'T' }, subjects: ['a'] },
    '10034 stream mirrors can not contain subjects',
  ],
  [
    'compression',
    { name: 'S', compression: 's2' },
    '10052 stream configuration: compression s2 is not supported by Headwater yet',
  ],
]

describe('a new stream', () => {
  test.each(rows)('with %s', (_, given, expected) => {
    expect(create(given)).toBe(expected)
  })

  test.each([
    'sources',
    'subject_transform',
    'republish',
    'placement',
    'subject_delete_marker_ttl',
    'allow_msg_counter',
    'allow_atomic',
    'allow_msg_schedules',
    'allow_batched',
    'allow_msg_ttl',
  ] as const)('with %s is refused by name', (field) => {
    const value = { sources: [{ name: 'T' }], subject_delete_marker_ttl: 1e9 }[field as string] ?? {
      src: 'a',
      cluster: 'c',
    }
    expect(create({ name: 'S', [field]: value })).toBe(
      `10052 stream configuration: ${field} is not supported by Headwater yet`,
    )
  })

  test('keeps a number of replicas where the option accepts it', () => {
    const config = withDefaults({ name: 'S', num_replicas: 3 })
    expect(() => checkConfig(config, { replicas: 'accept' })).not.toThrow()
  })
})

describe('an update', () => {
  const old = withDefaults({ name: 'S', deny_delete: true, deny_purge: true, sealed: true, retention: 'workqueue' })
  test.each([
    [{ name: 'T' }, '10052 stream configuration name must match original'],
    [{ storage: 'memory' }, '10052 stream configuration update can not change storage type'],
    [{ retention: 'limits' }, '10052 stream configuration update can not change retention policy to/from workqueue'],
    [{ sealed: false }, '10052 stream configuration update can not unseal a sealed stream'],
    [{ deny_delete: false }, '10052 stream configuration update can not cancel deny message deletes'],
    [{ deny_purge: false }, '10052 stream configuration update can not cancel deny purge'],
    [{ max_msgs: 7, description: 'new', subjects: ['x'] }, 'fine'],
  ])('to %o', (change, expected) => {
    expect(verdict({}, () => checkUpdate(old, { ...old, ...change } as typeof old))).toBe(expected)
  })

  test('from limits to interest and back is possible', () => {
    const limits = withDefaults({ name: 'S' })
    const interest = withDefaults({ name: 'S', retention: 'interest' })
    expect(() => checkUpdate(limits, interest)).not.toThrow()
    expect(() => checkUpdate(interest, limits)).not.toThrow()
  })

  test('that seals takes from the stream what would still change it', () => {
    const config = withDefaults({ name: 'S', sealed: true, max_age: 1e9, allow_rollup_hdrs: true })
    expect(sealedConfig(config)).toMatchObject({
      max_age: 0,
      discard: 'new',
      deny_delete: true,
      deny_purge: true,
      allow_rollup_hdrs: false,
    })
  })
})
