import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Scribe } from '../protocol/frames.case.ts'
import { Parser } from '../protocol/parser.ts'
import { Inlet } from './inlet.ts'

/** Feeds `bytes` in pieces that end at `cuts`, and returns what was found. */
function feed(bytes: Buffer, cuts: number[]): string[] {
  const scribe = new Scribe()
  const inlet: Inlet = new Inlet(new Parser(), scribe)
  scribe.partial = (length) => inlet.partial(length)
  let start = 0
  for (const end of [...cuts, bytes.length]) {
    for (let at = start; at < end; at += 65_536) inlet.receive(bytes.subarray(at, Math.min(end, at + 65_536)))
    start = Math.max(start, end)
  }
  return scribe.seen
}

const payload = fc.oneof(
  fc.string({ maxLength: 40, unit: 'binary-ascii' }),
  fc.constantFrom('\r\n', '\r\nPUB a 1\r\nx\r\n', '\r', '\n\r\n'),
  fc.integer({ min: 0, max: 3000 }).map((n) => 'y'.repeat(n)),
)
const token = fc.constantFrom('a', 'orders.new', '\xe9.\xff', 'x'.repeat(200), '_INBOX.abc.1')
const blank = fc.constantFrom(' ', ' ', ' ', '  ', '\t')
const frame = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.tuple(token, blank, payload).map(([s, b, p]) => `PUB${b}${s}${b}${p.length}\r\n${p}\r\n`),
  },
  fc.tuple(token, token, blank, payload).map(([s, r, b, p]) => `PUB ${s}${b}${r} ${p.length}\r\n${p}\r\n`),
  fc.tuple(token, payload).map(([s, p]) => `HPUB ${s} 12 ${p.length + 12}\r\nNATS/1.0\r\n\r\n${p}\r\n`),
  fc.tuple(token, payload).map(([s, p]) => `hpub ${s} r 12 ${p.length + 12}\nNATS/1.0\r\n\r\n${p}\r\n`),
  fc.constantFrom('PING\r\n', 'PONG\n', 'SUB a 1\r\n', 'UNSUB 1 7\r\n', 'CONNECT {"verbose":false}\r\n', '+OK\r\n'),
)

describe('Inlet', () => {
  it('finds the same frames however the bytes are split', () => {
    fc.assert(
      fc.property(fc.array(frame, { minLength: 1, maxLength: 20 }), fc.infiniteStream(fc.nat(300)), (frames, steps) => {
        const bytes = Buffer.from(frames.join(''), 'latin1')
        const whole = feed(bytes, [])
        const cuts: number[] = []
        for (let at = 0; at < bytes.length; ) {
          at += 1 + (steps.next().value as number)
          cuts.push(Math.min(at, bytes.length))
        }
        expect(feed(bytes, cuts)).toEqual(whole)
        expect(whole.filter((line) => line.includes('refused'))).toEqual([])
        expect(whole).toHaveLength(frames.length)
      }),
      { numRuns: 150 },
    )
  })

  it('finds the same frames byte by byte', () => {
    const text =
      'PUB a 5\r\nhello\r\nPING\r\nHPUB b c 12 14\r\nNATS/1.0\r\n\r\nhi\r\nSUB x 1\r\npub\td\te\t0\n\r\nPONG\r\n'
    const bytes = Buffer.from(text)
    const cuts = Array.from(bytes, (_, at) => at + 1)
    expect(feed(bytes, cuts)).toEqual(feed(bytes, []))
    expect(feed(bytes, cuts)).toHaveLength(6)
  })

  it.each([65_000, 65_535, 65_536, 65_537, 70_000, 200_000, 900_000, 1_048_576])('a payload of %i bytes', (size) => {
    const body = 'z'.repeat(size)
    const bytes = Buffer.from(
      `PING\r\nPUB big ${size}\r\n${body}\r\nPUB small 1\r\nx\r\nPUB big ${size}\r\n${body}\r\nPONG\r\n`,
    )
    const expected = feed(bytes, [])
    expect(expected.map((line) => line.length)).toEqual([
      '["PING",""]'.length,
      '["PUB","big","",-1,""]'.length + size,
      '["PUB","small","",-1,"x"]'.length,
      '["PUB","big","",-1,""]'.length + size,
      '["PONG",""]'.length,
    ])
    for (const step of [1000, 64 * 1024 - 1, 64 * 1024, 100_000]) {
      const cuts: number[] = []
      for (let at = step; at < bytes.length; at += step) cuts.push(at)
      expect(feed(bytes, cuts)).toEqual(expected)
    }
  })

  it('refuses an endless line without keeping it', () => {
    const bytes = Buffer.alloc(1_000_000, 'x')
    bytes.write('PUB ')
    expect(feed(bytes, [10, 100])[0]).toBe('["refused","maximum control line exceeded"]')
  })

  it('ignores what comes after close', () => {
    const scribe = new Scribe()
    const inlet = new Inlet(new Parser(), scribe)
    inlet.receive(Buffer.from('PING\r\nPUB a'))
    inlet.close()
    inlet.receive(Buffer.from(' 1\r\nx\r\n'))
    expect(scribe.seen).toEqual(['["PING",""]'])
  })
})
