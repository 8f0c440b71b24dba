import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { copyBytes, digitCount, fromWire, toWire, writeLatin1, writeNumber } from './encode.ts'

describe('numbers', () => {
  const written = (n: number): string => {
    const bytes = Buffer.alloc(40, '#')
    const end = writeNumber(bytes, 3, n)
    expect(bytes.toString('latin1', 0, 3) + bytes.toString('latin1', end)).toBe('#'.repeat(3 + 40 - end))
    return bytes.toString('latin1', 3, end)
  }

  it.each([0, 1, 9, 10, 99, 100, 65_535, 2 ** 31 - 1, 2 ** 31, 2 ** 31 + 1, 2 ** 32, 2 ** 53 - 1])('%i', (n) => {
    expect(written(n)).toBe(String(n))
    expect(digitCount(n)).toBe(String(n).length)
  })

  it('any safe integer', () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), (n) => {
        expect(written(n)).toBe(String(n))
      }),
    )
  })
})

describe('bytes and text', () => {
  it('copies forwards and backwards within one buffer, and from another', () => {
    for (const length of [0, 1, 31, 32, 33, 200]) {
      for (const [from, to] of [
        [10, 300],
        [10, 15],
        [15, 10],
        [10, 10],
      ]) {
        const bytes = Buffer.from(Array.from({ length: 600 }, (_, i) => i & 0xff))
        const expected = Buffer.from(bytes)
        Buffer.from(bytes.subarray(from, from + length)).copy(expected, to)
        expect(copyBytes(bytes, to, bytes, from, from + length)).toBe(to + length)
        expect(bytes.equals(expected)).toBe(true)
      }
      const target = Buffer.alloc(300)
      const source = Buffer.alloc(300, 'source')
      copyBytes(target, 5, source, 2, 2 + length)
      expect(target.toString('latin1', 5, 5 + length)).toBe(source.toString('latin1', 2, 2 + length))
    }
  })

  it('writes latin1, short and long', () => {
    for (const s of ['', 'a\xff', 'x'.repeat(32), '\xe9'.repeat(33)]) {
      const bytes = Buffer.alloc(100)
      expect(writeLatin1(bytes, 7, s)).toBe(7 + s.length)
      expect(bytes.toString('latin1', 7, 7 + s.length)).toBe(s)
    }
  })

  it('turns text into wire text and back', () => {
    expect(toWire('é.x')).toBe('\xc3\xa9.x')
    expect(fromWire('\xc3\xa9.x')).toBe('é.x')
    expect(fromWire('\xff')).toBe('\ufffd')
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (s) => {
        expect(fromWire(toWire(s))).toBe(s)
      }),
    )
  })
})
