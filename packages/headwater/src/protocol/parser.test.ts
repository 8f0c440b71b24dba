import { describe, expect, it } from 'vitest'
import { parseText, Scribe } from './frames.case.ts'

const found = (text: string, scribe?: Scribe): unknown[] =>
  parseText(text, scribe).scribe.seen.map((line) => JSON.parse(line) as unknown)

describe('Parser', () => {
  it.each([
    ['PUB a 5\r\nhello\r\n', ['PUB', 'a', '', -1, 'hello']],
    ['PUB a.b.c re.ply 5\r\nhello\r\n', ['PUB', 'a.b.c', 're.ply', -1, 'hello']],
    ['pUb a 0\r\n\r\n', ['PUB', 'a', '', -1, '']],
    ['PUB a 007\r\n1234567\r\n', ['PUB', 'a', '', -1, '1234567']],
    ['PUB  a\t r   2 \r\nhi\r\n', ['PUB', 'a', 'r', -1, 'hi']],
    ['PUB\ta\t2\nhi\r\n', ['PUB', 'a', '', -1, 'hi']],
    ['PUB a 12 2\r\nhi\r\n', ['PUB', 'a', '12', -1, 'hi']],
    ['PUB a 1b 2\r\nhi\r\n', ['PUB', 'a', '1b', -1, 'hi']],
    ['PUB a 4\r\n\r\n\r\n\r\n', ['PUB', 'a', '', -1, '\r\n\r\n']],
    ['PUB \xe9\xff r\x80 1\r\n\x00\r\n', ['PUB', '\xe9\xff', 'r\x80', -1, '\x00']],
    ['HPUB a 12 14\r\nNATS/1.0\r\n\r\nhi\r\n', ['PUB', 'a', '', 12, 'NATS/1.0\r\n\r\nhi']],
    ['hpub a r 12 12\r\nNATS/1.0\r\n\r\n\r\n', ['PUB', 'a', 'r', 12, 'NATS/1.0\r\n\r\n']],
    ['HPUB a 77 12 12\r\nNATS/1.0\r\n\r\n\r\n', ['PUB', 'a', '77', 12, 'NATS/1.0\r\n\r\n']],
    ['HPUB  a 12\t14 \nNATS/1.0\r\n\r\nhi\r\n', ['PUB', 'a', '', 12, 'NATS/1.0\r\n\r\nhi']],
    ['HPUB a 0 2\r\nhi\r\n', ['PUB', 'a', '', -1, 'hi']],
    ['SUB a 1\r\n', ['SUB', ' a 1']],
    ['sub\ta 1\n', ['SUB', '\ta 1']],
    ['UNSUB 1 5\r\n', ['UNSUB', ' 1 5']],
    ['CONNECT {"a":1}\r\n', ['CONNECT', ' {"a":1}']],
    ['PING\r\n', ['PING', '']],
    ['PINGX y\r\n', ['PING', 'X y']],
    ['PONG\n', ['PONG', '']],
    ['+OK\r\n', ['+OK', '']],
    ["-ERR 'x'\r\n", ['-ERR', " 'x'"]],
    ['INFO {}\r\n', ['INFO', ' {}']],
  ])('%j', (text, expected) => {
    const { scribe, consumed } = parseText(text)
    expect(scribe.seen.map((line) => JSON.parse(line) as unknown)).toEqual([expected])
    expect(consumed).toBe(text.length)
  })

  it.each([
    ['PUB a\r\n', 'without a word'],
    ['PUB\r\n', 'Unknown Protocol Operation'],
    ['PUB a b c 3\r\n', 'without a word'],
    ['PUB a -1\r\n', 'without a word'],
    ['PUB a 1x\r\n', 'without a word'],
    ['PUB a 1234567890\r\n', 'without a word'],
    ['PUB a 1048577\r\n', 'Maximum Payload Violation'],
    ['PUB a r 999999999\r\n', 'Maximum Payload Violation'],
    ['PUB a 2\r\nhiXX', 'Unknown Protocol Operation'],
    ['PUB a 2\r\nhi\n\n', 'Unknown Protocol Operation'],
    ['HPUB a 2\r\n', 'without a word'],
    ['HPUB a r x 2\r\n', 'without a word'],
    ['HPUB a 3 2\r\n', 'without a word'],
    ['CONNECT\r\n', 'without a word'],
    ['INFO\r\n', 'without a word'],
    ['SUB\r\n', 'Unknown Protocol Operation'],
    ['SUBX a\r\n', 'Unknown Protocol Operation'],
    ['MSG a 1 2\r\n', 'Unknown Protocol Operation'],
    ['\r\n', 'Unknown Protocol Operation'],
    ['X', 'Unknown Protocol Operation'],
    ['GET / HTTP/1.1', 'Unknown Protocol Operation'],
    [`PUB ${'x'.repeat(4095)} 0\r\n\r\n`, 'maximum control line exceeded'],
    [`SUB ${'x'.repeat(4095)} 1\r\n`, 'maximum control line exceeded'],
    [`PUB ${'x'.repeat(5000)}`, 'maximum control line exceeded'],
  ])('refuses %j: %s', (text, error) => {
    expect(found(text).at(-1)).toEqual(['refused', error])
  })

  it('stops at a refusal: what follows is not looked at', () => {
    expect(found('PING\r\nNO\r\nPING\r\n')).toEqual([
      ['PING', ''],
      ['refused', 'Unknown Protocol Operation'],
    ])
  })

  it('takes arguments of exactly the longest length', () => {
    const subject = 'x'.repeat(4094)
    expect(found(`PUB ${subject} 0\r\n\r\nSUB ${subject} 1\r\n`)).toEqual([
      ['PUB', subject, '', -1, ''],
      ['SUB', ` ${subject} 1`],
    ])
  })

  it('refuses HPUB where headers are not understood, and every publish before authentication', () => {
    const plain = new Scribe()
    plain.headers = false
    expect(found('HPUB a 12 12\r\nNATS/1.0\r\n\r\n\r\n', plain)).toEqual([['refused', 'without a word']])
    const early = new Scribe()
    early.maxPayload = -1
    expect(found('PUB a 0\r\n', early)).toEqual([['refused', 'Maximum Payload Violation']])
  })

  it('says how long a partial frame is as soon as its line is there', () => {
    const { scribe, consumed } = parseText('PING\r\nPUB a 100000\r\nabc')
    expect(consumed).toBe('PING\r\n'.length)
    expect(scribe.partialLength).toBe('PUB a 100000\r\n'.length + 100_002)
    expect(parseText('PUB a 10').scribe.partialLength).toBe(0)
    expect(parseText('PUB a 10\r').scribe.partialLength).toBe(0)
  })

  it('refuses a payload that is too large on its line, before the payload comes', () => {
    expect(found('PUB a 2000000\r\n')).toEqual([['refused', 'Maximum Payload Violation']])
  })

  it('stops behind a line when the handler says so, and leaves the rest', () => {
    const scribe = new Scribe()
    scribe.stopAt = 'CONNECT'
    const { consumed } = parseText('CONNECT {}\r\nPING\r\n', scribe)
    expect(consumed).toBe('CONNECT {}\r\n'.length)
    expect(scribe.seen).toHaveLength(1)
  })
})
