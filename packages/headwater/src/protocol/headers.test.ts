import { describe, expect, it } from 'vitest'
import {
  appendHeaders,
  buildHeaders,
  hasHeader,
  headerValue,
  parseHeaders,
  removeHeaders,
  statusOf,
  stripStatus,
} from './headers.ts'

const bytes = (s: string): Uint8Array => new TextEncoder().encode(s)
const text = (b: Uint8Array): string => new TextDecoder().decode(b)
const valueIn = (block: string, key: string): string | undefined => {
  // In the middle of a larger buffer, as on the wire.
  const all = bytes(`xx${block}yy`)
  return headerValue(all, 2, all.length - 4, key)
}

describe('headers', () => {
  it('finds the first value, trimmed, by exact key at a line start', () => {
    const block = 'NATS/1.0\r\nOther: Key: no\r\nKey:  one \r\nKey: two\r\nEmpty:\r\nU: é\r\n\r\n'
    expect(valueIn(block, 'Key')).toBe('one')
    expect(valueIn(block, 'key')).toBeUndefined()
    expect(valueIn(block, 'Ke')).toBeUndefined()
    expect(valueIn(block, 'Empty')).toBe('')
    expect(valueIn(block, 'U')).toBe('é')
    expect(valueIn('NATS/1.0 503\r\n\r\n', 'NATS/1.0 503')).toBeUndefined()
    expect(hasHeader(bytes(block), 0, block.length, 'Other')).toBe(true)
    expect(hasHeader(bytes(block), 0, block.length, 'one')).toBe(false)
  })

  it('survives blocks that are cut or no blocks at all', () => {
    for (const block of ['', 'N', 'NATS/1.0', 'NATS/1.0\r\n', 'NATS/1.0\r\nKey', 'NATS/1.0\r\nKey:', '\r\n\r\n']) {
      expect(valueIn(block, 'Missing')).toBeUndefined()
      expect(() => parseHeaders(bytes(block))).not.toThrow()
      expect(() => removeHeaders(bytes(block), () => true)).not.toThrow()
      expect(() => stripStatus(bytes(block))).not.toThrow()
    }
  })

  it('builds, appends, removes, and keeps every other byte', () => {
    const block = buildHeaders([
      ['A', '1'],
      ['b', '2'],
    ])
    expect(text(block)).toBe('NATS/1.0\r\nA: 1\r\nb: 2\r\n\r\n')
    expect(text(appendHeaders(block, [['C', '3']]))).toBe('NATS/1.0\r\nA: 1\r\nb: 2\r\nC: 3\r\n\r\n')
    expect(text(appendHeaders(new Uint8Array(0), [['C', '3']]))).toBe('NATS/1.0\r\nC: 3\r\n\r\n')
    expect(text(removeHeaders(bytes('NATS/1.0\r\nA:1\r\nB:  2 \r\nA: 3\r\n\r\n'), (key) => key === 'A'))).toBe(
      'NATS/1.0\r\nB:  2 \r\n\r\n',
    )
    expect(removeHeaders(block, () => true)).toHaveLength(0)
    expect(text(removeHeaders(buildHeaders([['A', '1']], '503'), () => true))).toBe('NATS/1.0 503\r\n\r\n')
    expect(text(buildHeaders([['A', 'x\r\nEvil: 1']], '408 Request Timeout'))).toBe(
      'NATS/1.0 408 Request Timeout\r\nA: x Evil: 1\r\n\r\n',
    )
  })

  it('parses entries in order and reads and strips the status', () => {
    const block = bytes('NATS/1.0 100 Idle Heartbeat\r\nA: 1\r\né:  2\r\nA: a:b\r\n\r\n')
    expect(parseHeaders(block)).toEqual([
      ['A', '1'],
      ['é', '2'],
      ['A', 'a:b'],
    ])
    expect(statusOf(block)).toBe('100 Idle Heartbeat')
    expect(text(stripStatus(block))).toBe('NATS/1.0\r\nA: 1\r\né:  2\r\nA: a:b\r\n\r\n')
    expect(statusOf(stripStatus(block))).toBe('')
  })
})
