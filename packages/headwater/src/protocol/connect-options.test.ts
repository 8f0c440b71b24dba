import { describe, expect, it } from 'vitest'
import { defaultConnectOptions, parseConnect } from './connect-options.ts'

const parse = (json: string, previous = defaultConnectOptions()): unknown => parseConnect(json, previous)

describe('CONNECT', () => {
  it('starts verbose, pedantic and echoing', () => {
    expect(parse('{}')).toMatchObject({ verbose: true, pedantic: true, echo: true, headers: false, protocol: 0 })
  })

  it('keeps what a second one does not name', () => {
    const first = parseConnect('{"verbose":false,"name":"one"}', defaultConnectOptions())!
    expect(parse('{"name":"two"}', first)).toMatchObject({ verbose: false, name: 'two' })
    expect(first.name).toBe('one')
  })

  it('takes names in any case, and ignores what it does not know, and null', () => {
    expect(parse(' {"Name":"x","VERBOSE":false,"sth":{"a":[1]},"user":null,"__proto__":{"lang":"y"}} ')).toMatchObject({
      name: 'x',
      verbose: false,
      user: '',
      lang: '',
    })
  })

  it.each([
    '',
    'x',
    '[]',
    '1',
    'null',
    '{"verbose":"yes"}',
    '{"name":1}',
    '{"protocol":"1"}',
    '{"protocol":0.5}',
    '{} x',
  ])('refuses %j', (json) => {
    expect(parse(json)).toBeUndefined()
  })
})
