import { describe, expect, it } from 'vitest'
import { parseAckBody, parseDurationMs } from './ack-body.ts'
import { AckRouter, type AckSink, type Answer } from './ack-router.ts'

const encode = (text: string): Uint8Array => new TextEncoder().encode(text)

function routed() {
  const seen: unknown[] = []
  const asked: string[] = []
  const sinks = new Map<string, AckSink & { closed: boolean }>()
  for (const name of ['S.one', 'S.two', 'S.tw']) {
    sinks.set(name, {
      closed: false,
      ackPrefix: encode(`$JS.ACK.${name}.`),
      acknowledged: (...numbers: unknown[]) => seen.push([name, ...numbers]),
      answered: (answer: Answer, bytes, start, end) =>
        seen.push([name, answer, new TextDecoder().decode(bytes.subarray(start, end))]),
    })
  }
  const router = new AckRouter((stream, consumer) => {
    asked.push(`${stream}.${consumer}`)
    return sinks.get(`${stream}.${consumer}`)
  })
  const send = (subject: string, body = '', reply = ''): void => {
    const bytes = encode(`..${subject}|${body}|`)
    const end = 2 + encode(subject).length
    router.ack(bytes, 2, end, reply, end + 1, end + 1 + encode(body).length)
  }
  return { seen, asked, sinks, send }
}

describe('an answer', () => {
  it('finds its consumer and its numbers, and looks the name up once a run', () => {
    const { seen, asked, send } = routed()
    send('$JS.ACK.S.one.2.9007199254740991.17.1767225600000000000.0', '', 'reply')
    send('$JS.ACK.S.one.1.8.18.1767225600000000000.5', '+ACK')
    send('$JS.ACK.S.two.1.8.18.1767225600000000000.5', '+OK')
    send('$JS.ACK.S.tw.1.8.18.1767225600000000000.5')
    expect(seen).toEqual([
      ['S.one', Number.MAX_SAFE_INTEGER, 17, 2, 'reply'],
      ['S.one', 8, 18, 1, ''],
      ['S.two', 8, 18, 1, ''],
      ['S.tw', 8, 18, 1, ''],
    ])
    expect(asked).toEqual(['S.one', 'S.two', 'S.tw'])
  })

  it('of eleven tokens and more is taken too', () => {
    const { seen, send } = routed()
    send('$JS.ACK._.ABCDEFGH.S.one.1.8.18.1767225600000000000.5')
    send('$JS.ACK._.ABCDEFGH.S.one.1.8.18.1767225600000000000.5.token')
    expect(seen).toEqual([
      ['S.one', 8, 18, 1, ''],
      ['S.one', 8, 18, 1, ''],
    ])
  })

  it.each([
    '$JS.ACK.S.one.1.2.3.4',
    '$JS.ACK.S.one.1.2.3.4.5.6',
    '$JS.ACK.S.one.x.2.3.4.5',
    '$JS.ACK.S.one.1.-2.3.4.5',
    '$JS.ACK.S.one.1..3.4.5',
    '$JS.ACK.S.none.1.2.3.4.5',
    '$JS.ACK.S.one',
    '$JS.ACK.',
  ])('that is none is ignored: %s', (subject) => {
    for (const warm of [false, true]) {
      const { seen, send } = routed()
      if (warm) send('$JS.ACK.S.one.1.2.3.4.5')
      send(subject)
      expect(seen).toHaveLength(warm ? 1 : 0)
    }
  })

  it('goes to the new consumer of a name, not to the closed one', () => {
    const { asked, sinks, send } = routed()
    send('$JS.ACK.S.one.1.2.3.4.5')
    sinks.get('S.one')!.closed = true
    send('$JS.ACK.S.one.1.2.3.4.5')
    expect(asked).toEqual(['S.one', 'S.one'])
  })

  it('with another body is handed over whole', () => {
    const { seen, send } = routed()
    send('$JS.ACK.S.one.1.8.18.4.5', '-NAK 5s', 'r')
    expect(seen).toEqual([['S.one', { streamSeq: 8, consumerSeq: 18, deliveries: 1, reply: 'r' }, '-NAK 5s']])
  })
})

describe('a body', () => {
  it.each([
    ['', { kind: 'ack' }],
    ['+ACK', { kind: 'ack' }],
    ['+OK', { kind: 'ack' }],
    ['+WPI', { kind: 'progress' }],
    ['+NXT {"batch":5}', { kind: 'next', requestStart: 4 }],
    ['+TERM', { kind: 'term', reason: '' }],
    ['+TERM  no good ', { kind: 'term', reason: 'no good' }],
    ['-NAK', { kind: 'nak', delayMs: undefined }],
    ['-NAK {"delay": 1500000000}', { kind: 'nak', delayMs: 1500 }],
    ['-NAK 1m30s', { kind: 'nak', delayMs: 90_000 }],
    ['-NAK soon', { kind: 'nak', delayMs: undefined, bad: 'soon' }],
    ['-NAK {"delay":"x"}', { kind: 'nak', delayMs: undefined, bad: '{"delay":"x"}' }],
    ['+ack', { kind: 'unknown' }],
  ])('%j', (text, body) => {
    const bytes = encode(text)
    expect(parseAckBody(bytes, 0, bytes.length)).toEqual(body)
  })

  it.each([
    ['1h30m', 5_400_000],
    ['-250ms', -250],
    ['1.5s', 1500],
    ['3us', 0.003],
    ['0', 0],
    ['5', undefined],
    ['', undefined],
    ['s', undefined],
  ])('the duration %j is %j ms', (text, ms) => {
    expect(parseDurationMs(text)).toBe(ms)
  })
})
