import { describe, expect, test } from 'vitest'
import { ApiError } from './errors.ts'
import { decodeJson, type ObjectShape } from './json-shape.ts'

const shape: ObjectShape = {
  goName: 'Request.Config',
  fields: {
    name: 'string',
    on: 'bool',
    count: 'int64',
    small: 'int32',
    seq: 'uint64',
    wait: 'duration',
    at: 'time',
    words: { list: 'string' },
    labels: { map: 'string' },
    kind: { words: ['a', 'b'] },
    zip: { words: ['none'], refused: 'unknown compression algorithm' },
    inner: { goName: 'Inner', fields: { depth: 'int' } },
    inners: { list: { goName: 'Inner', fields: { depth: 'int' } } },
    free: 'any',
  },
}

function decode(text: string, lenient = false): unknown {
  try {
    return decodeJson(text, { ...shape, lenient })
  } catch (error) {
    if (!(error instanceof ApiError)) throw error
    expect(error.err_code).toBe(10025)
    return error.description
  }
}

describe('a request', () => {
  test.each<[string, unknown]>([
    ['', {}],
    ['null', {}],
    ['{}', {}],
    ['{"name":"x","on":true,"count":-5,"seq":7,"wait":1000}', { name: 'x', on: true, count: -5, seq: 7, wait: 1000 }],
    ['{"NAME":"x","Count":1}', { name: 'x', count: 1 }],
    ['{"name":null,"count":null}', {}],
    ['{"words":["a",null],"labels":{"k":"v"}}', { words: ['a', ''], labels: { k: 'v' } }],
    ['{"inner":{"depth":2},"inners":[{"depth":3}]}', { inner: { depth: 2 }, inners: [{ depth: 3 }] }],
    ['{"free":{"anything":[1,{}]}}', { free: { anything: [1, {}] } }],
    ['{"at":"2026-01-01T00:00:00Z"}', { at: '2026-01-01T00:00:00Z' }],
    ['{"kind":"b","zip":"none"}', { kind: 'b', zip: 'none' }],
    ['{"__proto__":{"name":"x"}}', 'invalid JSON: json: unknown field "__proto__"'],
    ['{"nam":1}', 'invalid JSON: json: unknown field "nam"'],
    ['{"inner":{"x":1}}', 'invalid JSON: json: unknown field "x"'],
    ['[]', 'invalid JSON: json: cannot unmarshal array into Go value of type server.Request'],
    ['5', 'invalid JSON: json: cannot unmarshal number into Go value of type server.Request'],
    [
      '{"name":5}',
      'invalid JSON: json: cannot unmarshal number into Go struct field Request.Config.name of type string',
    ],
    ['{"on":"x"}', 'invalid JSON: json: cannot unmarshal string into Go struct field Request.Config.on of type bool'],
    [
      '{"count":1.5}',
      'invalid JSON: json: cannot unmarshal number 1.5 into Go struct field Request.Config.count of type int64',
    ],
    [
      '{"small":3000000000}',
      'invalid JSON: json: cannot unmarshal number 3000000000 into Go struct field Request.Config.small of type int32',
    ],
    [
      '{"seq":-1}',
      'invalid JSON: json: cannot unmarshal number -1 into Go struct field Request.Config.seq of type uint64',
    ],
    [
      '{"wait":"1s"}',
      'invalid JSON: json: cannot unmarshal string into Go struct field Request.Config.wait of type time.Duration',
    ],
    ['{"at":"soon"}', 'invalid JSON: parsing time "soon" as RFC 3339'],
    ['{"kind":"c"}', 'invalid JSON: can not unmarshal "\\"c\\""'],
    ['{"zip":"s2"}', 'invalid JSON: unknown compression algorithm'],
    [
      '{"words":"x"}',
      'invalid JSON: json: cannot unmarshal string into Go struct field Request.Config.words of type []string',
    ],
    [
      '{"inner":{"depth":"x"}}',
      'invalid JSON: json: cannot unmarshal string into Go struct field Inner.Config.inner.depth of type int',
    ],
  ])('%s', (text, expected) => {
    expect(decode(text)).toEqual(expected)
  })

  test('is read past unknown fields where that is the rule', () => {
    expect(decode('{"x":1,"name":"a"}', true)).toEqual({ name: 'a' })
  })
})

describe('a text that is not JSON', () => {
  test.each([
    ['{', 'unexpected EOF'],
    ['{"name":"x', 'unexpected EOF'],
    ['{"name":tr', 'unexpected EOF'],
    ['-', 'unexpected EOF'],
    ['abc', "invalid character 'a' looking for beginning of value at offset 1"],
    ['{"name":"A" "x"}', "invalid character '\"' after object key:value pair at offset 13"],
    ['{"name":"A"} x', "invalid character 'x' looking for beginning of value at offset 14"],
    ['{"name":"A\\q"}', "invalid character 'q' in string escape code at offset 12"],
    ['{"name":"A\\u12x4"}', "invalid character 'x' in \\u hexadecimal character escape at offset 15"],
    ['{"name":"A",}', "invalid character '}' looking for beginning of object key string at offset 13"],
    ["{'name':1}", "invalid character '\\'' looking for beginning of object key string at offset 2"],
    ['{"name" 1}', "invalid character '1' after object key at offset 9"],
    ['{"words":[1 2]}', "invalid character '2' after array element at offset 13"],
    ['{"on":trux}', "invalid character 'x' in literal true (expecting 'e') at offset 10"],
    ['{"count":-x}', "invalid character 'x' in numeric literal at offset 11"],
    ['{"name":"a\nb"}', "invalid character '\\n' in string literal at offset 11"],
  ])('%s', (text, expected) => {
    expect(decode(text)).toBe(`invalid JSON: ${expected}`)
  })

  test('of any depth is refused without a deep stack', () => {
    expect(decode('['.repeat(200_000))).toBe('invalid JSON: unexpected EOF')
  })
})
