import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { HeadwaterError } from '../base/errors.ts'
import { DEFAULT_LIMITS } from './limits.ts'
import { OPTIONS } from './option-table.ts'
import { type HeadwaterOptions, settingsOf } from './options.ts'

const DOCS = fileURLToPath(new URL('../../../../docs/options.md', import.meta.url))

function refusal(options: unknown): HeadwaterError {
  try {
    settingsOf(options as HeadwaterOptions)
  } catch (error) {
    if (error instanceof HeadwaterError) return error
    throw error
  }
  throw new Error('it was accepted')
}

test('nothing given: memory, loopback, a free port, JetStream on, synced', () => {
  expect(settingsOf({})).toMatchObject({
    data: 'memory',
    sync: 'always',
    port: 0,
    host: '127.0.0.1',
    jetstream: true,
    monitor: false,
    onLocked: 'fail',
    replicas: 'refuse',
    users: undefined,
  })
})

test.each([
  [
    { sync: 'sometimes' },
    'Option sync must be "always" or "never", or a whole number from 1 to 3600000, not "sometimes"',
  ],
  [{ sync: 0 }, 'Option sync must be'],
  [{ port: 70000 }, 'Option port must be a whole number from 0 to 65535, or false, not 70000'],
  [{ port: '4222' }, 'not "4222"'],
  [{ host: '' }, 'Option host must be a host name or an address, not empty'],
  [{ serverName: 'two words' }, 'a name without blanks'],
  [{ users: [{ user: 'a' }] }, 'Option users must be a list of: an object whose pass is a password, not empty'],
  [{ users: [] }, 'Option users is empty'],
  [{ users: [{ user: 'a', pass: '$2a$10$abcdefghijklmnopqrstuv' }] }, 'hashes are not supported yet'],
  [{ users: [{ user: 'a', pass: 'secret', permissions: {} }] }, 'without permissions, which is not known here'],
  [{ users: [{ user: 'a', pass: 'b' }], token: 't' }, 'exclude each other'],
  [{ limits: { maxPayload: 5 } }, 'without maxPayload: the limits are maxPayloadBytes'],
  [{ limits: { maxPayloadBytes: 0 } }, 'an object whose maxPayloadBytes is a whole number of at least 1'],
  [{ limits: { maxPayloadBytes: 2 ** 30 } }, 'above maxPendingBytes'],
  [{ logger: {} }, 'a logger (an object with error, warn, info, debug, trace)'],
  [{ onLocked: 'join' }, 'needs a data folder'],
  [{ prot: 4222 }, 'Option prot is not known'],
  ['memory', 'Options must be an object'],
])('%j is refused by name', (options, message) => {
  const error = refusal(options)
  expect(error.code).toBe('HW_CONFIG')
  expect(error.message).toContain(message)
  expect(error.message).not.toContain('secret')
  expect(error.hint).not.toBe('')
})

test.each(['tls', 'websocket', 'config', 'authorize', 'accounts'])('%s is not there yet, and says so', (key) => {
  expect(refusal({ [key]: {} })).toMatchObject({ code: 'HW_CONFIG', message: `Option ${key} is not supported yet` })
})

test('a cluster is refused with a code of its own', () => {
  expect(refusal({ cluster: {} }).code).toBe('HW_CLUSTER_CONFIG')
})

test('undefined is as left out, for options and limits', () => {
  expect(settingsOf({ token: undefined, limits: { pingMax: undefined, pingIntervalMs: 5 } }).limits).toMatchObject({
    pingMax: 2,
    pingIntervalMs: 5,
  })
})

test('every row has a sentence, and a default that passes its own check', () => {
  for (const row of OPTIONS) {
    expect(row.doc, row.key).toMatch(/\.$/)
    if (row.fallback !== undefined) expect(row.check(row.fallback), row.key).toBeUndefined()
  }
})

test('docs/options.md is this table', () => {
  const rows = OPTIONS.map(({ key, flag, fallback, doc }) => {
    const flags = (flag?.names ?? []).map((name) => `\`${name.length > 2 ? '--' : '-'}${name}\``).join(', ')
    const shown = fallback === undefined || key === 'limits' ? '' : `\`${JSON.stringify(fallback)}\``
    return `| \`${key}\` | ${flags} | ${shown} | ${doc} |`
  })
  const table = ['| option | flag | default | |', '|---|---|---|---|', ...rows].join('\n')
  const limits = Object.entries(DEFAULT_LIMITS).map(([key, value]) => `| \`${key}\` | ${value.toLocaleString('en')} |`)
  const limitTable = ['| limit | default |', '|---|---|', ...limits].join('\n')
  const text = `# Options

Of \`Headwater.start(options)\`, and of the command where there is a flag. (The command's own defaults: port 4222, data in \`./headwater-data\`.)

${table}

## Limits

Bytes, milliseconds and counts; -1 (or 0 for subscriptions) is unlimited. \`Headwater.start({ limits: { maxPayloadBytes: 8388608 } })\`.

${limitTable}
`
  if (process.env.UPDATE_DOCS) writeFileSync(DOCS, text)
  expect(readFileSync(DOCS, 'utf8'), 'run it once with UPDATE_DOCS=1').toBe(text)
})
