import { describe, expect, it } from 'vitest'
import { buildHeaders, parseHeaders } from '../../protocol/headers.ts'
import { composeLetter, type Death, HEADER_BYTES_MAX, HOPS_MAX, type Letter, type Original } from './letter.ts'

const original: Original = {
  subject: 'orders.1',
  seq: 7,
  time: { seconds: 1_767_225_600, nanos: 5_000_000 },
  headers: new Uint8Array(0),
  payload: new TextEncoder().encode('body'),
  isLetter: false,
}
const death: Death = {
  stream: 'ORDERS',
  consumer: 'worker',
  consumerCreated: { seconds: 1_767_225_000, nanos: 42 },
  consumerSeq: 9,
  deliveries: 5,
  reason: 'max-deliver',
  detail: '',
}

function compose(more: Partial<Original>, moreDeath: Partial<Death> = {}): Letter {
  const letter = composeLetter({ ...original, ...more }, { ...death, ...moreDeath })
  if ('refused' in letter) throw new Error(letter.refused)
  return letter
}

function headersOf(letter: Letter): [string, string][] {
  return parseHeaders(letter.bytes.subarray(0, letter.headersLength))
}

describe('a letter', () => {
  it('holds the payload byte for byte after a whole header block', () => {
    const letter = compose({})
    const text = new TextDecoder().decode(letter.bytes)
    expect(text.slice(letter.headersLength)).toBe('body')
    expect(text.startsWith('NATS/1.0\r\n')).toBe(true)
    expect(text.slice(0, letter.headersLength).endsWith('\r\n\r\n')).toBe(true)
    expect(headersOf(letter)).toEqual([
      ['Dead-Letter-Id', 'ORDERS.worker.1767225000000000042.7.9'],
      ['Dead-Letter-Reason', 'max-deliver'],
      ['Dead-Letter-Stream', 'ORDERS'],
      ['Dead-Letter-Consumer', 'worker'],
      ['Dead-Letter-Subject', 'orders.1'],
      ['Dead-Letter-Sequence', '7'],
      ['Dead-Letter-Deliveries', '5'],
      ['Dead-Letter-Time', '2026-01-01T00:00:00.005Z'],
      ['Dead-Letter-Path', 'ORDERS/worker'],
    ])
  })

  it('rule 8: keeps headers as they were, and those that act under a prefix', () => {
    const headers = buildHeaders([
      ['Nats-Msg-Id', 'id'],
      ['Trace', 'a'],
      ['Nats-Rollup', 'all'],
      ['nats-ttl', '5s'],
      ['Nats-Schedule-Target', 'x'],
      ['Nats-Expected-Last-Sequence', '3'],
      ['Nats-Batch-Id', 'b'],
      ['Nats-Incr', '1'],
      ['Dead-Letter-Id', 'set by a client'],
    ])
    expect(headersOf(compose({ headers })).slice(0, 9)).toEqual([
      ['Nats-Msg-Id', 'id'],
      ['Trace', 'a'],
      ['Dead-Letter-Header-Nats-Rollup', 'all'],
      ['Dead-Letter-Header-nats-ttl', '5s'],
      ['Dead-Letter-Header-Nats-Schedule-Target', 'x'],
      ['Dead-Letter-Header-Nats-Expected-Last-Sequence', '3'],
      ['Dead-Letter-Header-Nats-Batch-Id', 'b'],
      ['Dead-Letter-Header-Nats-Incr', '1'],
      ['Dead-Letter-Header-Dead-Letter-Id', 'set by a client'],
    ])
  })

  it('keeps bytes that are no UTF-8, and odd blanks', () => {
    const headers = Uint8Array.from([
      ...new TextEncoder().encode('NATS/1.0\r\nA:  '),
      0xff,
      0xfe,
      0x20,
      0x0d,
      0x0a,
      0x0d,
      0x0a,
    ])
    const letter = compose({ headers })
    const line = [...letter.bytes.subarray(10, 18)]
    expect(line).toEqual([0x41, 0x3a, 0x20, 0x20, 0xff, 0xfe, 0x20, 0x0d])
  })

  it('rule 8: a second death keeps the first origin', () => {
    const first = compose({ headers: buildHeaders([['Nats-Rollup', 'sub']]) }, { detail: 'bad', reason: 'terminated' })
    const block = first.bytes.subarray(0, first.headersLength)
    const second = compose(
      { headers: block, isLetter: true, subject: 'dead.orders', seq: 1 },
      { stream: 'DEAD', consumer: 'clerk' },
    )
    const headers = Object.fromEntries(headersOf(second))
    expect(headers).toMatchObject({
      'Dead-Letter-Stream': 'DEAD',
      'Dead-Letter-Origin-Stream': 'ORDERS',
      'Dead-Letter-Origin-Sequence': '7',
      'Dead-Letter-Origin-Detail': 'bad',
      'Dead-Letter-Path': 'ORDERS/worker, DEAD/clerk',
      'Dead-Letter-Header-Nats-Rollup': 'sub',
    })
    const third = compose(
      { headers: second.bytes.subarray(0, second.headersLength), isLetter: true },
      { stream: 'MORE', consumer: 'x' },
    )
    expect(Object.fromEntries(headersOf(third))).toMatchObject({
      'Dead-Letter-Stream': 'MORE',
      'Dead-Letter-Origin-Stream': 'ORDERS',
      'Dead-Letter-Path': 'ORDERS/worker, DEAD/clerk, MORE/x',
    })
  })

  it('makes one line of a detail, whatever a client sent', () => {
    expect(Object.fromEntries(headersOf(compose({}, { detail: 'a\r\nDead-Letter-Id: forged' })))).toMatchObject({
      'Dead-Letter-Detail': 'a Dead-Letter-Id: forged',
      'Dead-Letter-Id': 'ORDERS.worker.1767225000000000042.7.9',
    })
  })

  it('rule 11: past 65,535 bytes the detail goes first, the identity never', () => {
    const nearly = buildHeaders([['A', 'x'.repeat(64_000)]])
    const shorter = compose({ headers: nearly }, { detail: 'y'.repeat(5000) })
    expect(shorter.headersLength).toBeLessThanOrEqual(HEADER_BYTES_MAX)
    const keys = headersOf(shorter).map(([key]) => key)
    expect(keys).toContain('A')
    expect(keys).not.toContain('Dead-Letter-Detail')
    const full = buildHeaders([
      ['First', 'x'.repeat(60_000)],
      ['Last', 'x'.repeat(5_400)],
    ])
    const cut = headersOf(compose({ headers: full })).map(([key]) => key)
    expect(cut).toContain('First')
    expect(cut).not.toContain('Last')
    expect(cut).toContain('Dead-Letter-Id')
    expect(cut).toContain('Dead-Letter-Path')
  })

  it.each([
    ['a consumer that is in its path already', 'A/b, ORDERS/worker', /this consumer is in its path/],
    ['more than eight hops', Array.from({ length: HOPS_MAX }, (_, i) => `S${i}/c`).join(', '), /died 8 times/],
  ])('rule 16: refused as a loop: %s', (_, path, why) => {
    const headers = buildHeaders([['Dead-Letter-Path', path]])
    expect(composeLetter({ ...original, headers, isLetter: true }, death)).toEqual({
      refused: expect.stringMatching(why),
    })
    // The same header from a client is stored, never trusted.
    expect(composeLetter({ ...original, headers }, death)).toHaveProperty('id')
  })
})
