import { expect, test } from 'vitest'
import { difference } from './difference.ts'
import { expectMatch } from './expectations.ts'
import { violation } from './json-schema.ts'
import { normalise } from './normalise.ts'

test('normalise masks times and names, keeps the zero time', () => {
  const value = {
    created: '2024-05-01T10:00:00.123456789Z',
    first_ts: '0001-01-01T00:00:00Z',
    cluster: { leader: 'NABC' },
    config: { max_msgs: 5, metadata: { '_nats.ver': '2.15.2' } },
    error: { description: 'invalid JSON: whatever it says' },
  }
  expect(normalise(value)).toEqual({
    created: '<time>',
    first_ts: '0001-01-01T00:00:00Z',
    cluster: { leader: '<server>' },
    config: { max_msgs: 5 },
    error: { description: 'invalid JSON: <words of the decoder>' },
  })
})

test('expectMatch fails on a missing member, another value, another length', () => {
  expectMatch({ a: 1, b: { c: [1, 2] } }, { b: { c: [1, 2] } })
  expect(() => expectMatch({ a: 1 }, { a: 2 })).toThrow('a: expected 2, got 1')
  expect(() => expectMatch({ a: [1] }, { a: [1, 2] })).toThrow('a: expected')
  expect(() => expectMatch({}, { a: { b: 1 } })).toThrow('a: expected')
})

test('a difference names the fields', () => {
  expect(difference('{"a":1,"b":{"c":2}}', '{"a":1,"b":{"c":3,"d":4}}')).toEqual([
    'b.c: judge 2, headwater 3',
    'b.d: judge nothing, headwater 4',
  ])
  expect(difference('x', 'y')).toEqual(['judge     x', 'headwater y'])
})

test('the schema validator sees what is wrong', () => {
  const schema = {
    type: 'object',
    required: ['a'],
    additionalProperties: false,
    properties: {
      a: { type: 'integer', minimum: 1 },
      b: { oneOf: [{ const: 'x' }, { type: 'array', items: { type: 'string' } }] },
    },
  }
  expect(violation(schema, { a: 1, b: ['y'] })).toBeUndefined()
  expect(violation(schema, { a: 1, b: 'x' })).toBeUndefined()
  expect(violation(schema, {})).toContain('a is missing')
  expect(violation(schema, { a: 0 })).toContain('under 1')
  expect(violation(schema, { a: 1, c: 2 })).toContain('c is not a known field')
  expect(violation(schema, { a: 1, b: [3] })).toContain('fits none of 2')
})
