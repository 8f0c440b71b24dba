import { afterEach, describe, expect, it } from 'vitest'
import { buildHeaders } from '../protocol/headers.ts'
import { chunksTaken } from './arena.ts'
import type { Inbound, ReplyWriter } from './bus-types.ts'
import { type BrokerBench, brokerBench as start } from './pipe.case.ts'

let bench: BrokerBench
const brokerBench: typeof start = (options) => (bench = start(options))
afterEach(() => {
  bench.end()
  expect(chunksTaken()).toBe(0)
})

const bytes = (s: string): Uint8Array => new TextEncoder().encode(s)
const shown = (m: Inbound): unknown[] => [
  m.subject,
  m.reply,
  Buffer.from(m.bytes.subarray(m.start, m.start + m.headersLength)).toString(),
  Buffer.from(m.bytes.subarray(m.start + m.headersLength, m.end)).toString(),
]

/** A reply that writes itself. */
function replyOf(text: string): ReplyWriter {
  return { length: text.length, text: () => text, write: (to, at) => at + Buffer.from(text).copy(to, at) }
}

describe('the internal client', () => {
  it('hears clients: subject, reply, headers and payload, and who published', () => {
    const { broker, connect } = brokerBench()
    const heard: unknown[] = []
    broker.bus.capture('orders.*', (m) => {
      heard.push([...shown(m), m.client?.id, m.client?.name])
      return undefined
    })
    const a = connect({ headers: true, name: 'shop' })
    a.send('PUB orders.new 5', 'hello', 'PUB orders.old in.1 0', '', 'PUB other 1', 'x')
    a.send('HPUB orders.new r 18 20', 'NATS/1.0\r\nA: b\r\n\r\nhi', 'PUB orders.\xc3\xa9 \xc3\xa8 1', 'y')
    expect(heard).toEqual([
      ['orders.new', '', '', 'hello', 1, 'shop'],
      ['orders.old', 'in.1', '', '', 1, 'shop'],
      ['orders.new', 'r', 'NATS/1.0\r\nA: b\r\n\r\n', 'hi', 1, 'shop'],
      ['orders.é', 'è', '', 'y', 1, 'shop'],
    ])
  })

  it('counts as a receiver: no 503', () => {
    const { broker, connect } = brokerBench()
    const subscription = broker.bus.capture('orders', () => undefined)
    const a = connect({ headers: true, no_responders: true })
    a.send('SUB in.* 1', 'PUB orders in.1 0', '')
    expect(a.got()).toBe('')
    subscription.unsubscribe()
    subscription.unsubscribe()
    a.send('PUB orders in.1 0', '')
    expect(a.got()).toBe('HMSG in.1 1 38 38\r\nNATS/1.0 503\r\nNats-Subject: orders\r\n\r\n\r\n')
  })

  it('publishes with and without headers, to clients with and without', () => {
    const { broker, connect } = brokerBench()
    const [a, b] = [connect({ headers: true }), connect({})]
    for (const pipe of [a, b]) pipe.send('SUB é.> 1'.replace('é', '\xc3\xa9'))
    broker.bus.publish('é.x', '', undefined, bytes('hi'))
    broker.bus.publish('é.y', 'r', buildHeaders([['K', 'v']]), bytes('ho'))
    broker.bus.reply('é.z', bytes('..ack..'), 2, 5)
    expect(a.got()).toBe(
      'MSG \xc3\xa9.x 1 2\r\nhi\r\nHMSG \xc3\xa9.y 1 r 18 20\r\nNATS/1.0\r\nK: v\r\n\r\nho\r\nMSG \xc3\xa9.z 1 3\r\nack\r\n',
    )
    expect(b.got()).toBe('MSG \xc3\xa9.x 1 2\r\nhi\r\nMSG \xc3\xa9.y 1 r 2\r\nho\r\nMSG \xc3\xa9.z 1 3\r\nack\r\n')
  })

  it('may publish from within a handler, deeper and deeper, without disturbing the message outside', () => {
    const { broker, connect } = brokerBench()
    const heard: unknown[] = []
    broker.bus.subscribe('depth.*', (m) => {
      const before = shown(m)
      const depth = Number(m.subject.slice(6))
      if (depth < 5) broker.bus.publish(`depth.${depth + 1}`, `r${depth}`, undefined, bytes(`payload ${depth}`))
      expect(shown(m)).toEqual(before)
      heard.push(before)
      return undefined
    })
    const a = connect({})
    a.send('SUB depth.> 9', 'SUB depth.3 10', 'PUB depth.1 r 5', 'start', 'PUB after 0', '')
    expect(heard.map((one) => (one as string[])[0])).toEqual(['depth.5', 'depth.4', 'depth.3', 'depth.2', 'depth.1'])
    expect(a.got()).toBe(
      'MSG depth.1 9 r 5\r\nstart\r\nMSG depth.2 9 r1 9\r\npayload 1\r\nMSG depth.3 9 r2 9\r\npayload 2\r\n' +
        'MSG depth.3 10 r2 9\r\npayload 2\r\nMSG depth.4 9 r3 9\r\npayload 3\r\nMSG depth.5 9 r4 9\r\npayload 4\r\n',
    )
  })

  it('keeps the order of one subject between clients and itself', () => {
    const { broker, connect } = brokerBench()
    const a = connect({})
    a.send('SUB a 1')
    const b = connect({})
    let expected = ''
    for (let i = 0; i < 20; i++) {
      if (i % 2 === 0) b.send(`PUB a ${String(i).length}`, String(i))
      else broker.bus.publish('a', '', undefined, bytes(String(i)))
      expected += `MSG a 1 ${String(i).length}\r\n${i}\r\n`
    }
    expect(a.got()).toBe(expected)
  })

  it('takes acks straight, and shows them to clients only when one could match', () => {
    const { broker, connect } = brokerBench()
    const acks: string[] = []
    const ending = broker.bus.captureAcks({
      ack: (all, subjectStart, subjectEnd, reply, start, end) => {
        const at = (from: number, to: number): string => Buffer.from(all.subarray(from, to)).toString()
        acks.push(`${at(subjectStart, subjectEnd)} ${reply} ${at(start, end)}`)
      },
    })
    const a = connect({ headers: true, no_responders: true })
    a.send('SUB in 1', 'PUB $JS.ACK.S.C.1 0', '', 'PUB $JS.ACK.S.C.2 in 4', '+ACK', 'PUB $JS.ACK 0', '')
    a.send('HPUB $JS.ACK.S.C.3 12 16', 'NATS/1.0\r\n\r\n+NAK')
    expect(acks).toEqual(['$JS.ACK.S.C.1  ', '$JS.ACK.S.C.2 in +ACK', '$JS.ACK.S.C.3  +NAK'])
    expect(a.got()).toBe('')
    a.send('SUB $JS.> 2', 'PUB $JS.ACK.S.C.4 1', 'x')
    expect(acks).toHaveLength(4)
    expect(a.got()).toBe('MSG $JS.ACK.S.C.4 2 1\r\nx\r\n')
    a.send('UNSUB 2', 'PUB $JS.ACK.S.C.5 0', '')
    expect(a.got()).toBe('')
    ending.unsubscribe()
    a.send('PUB $JS.ACK.S.C.6 in 0', '')
    expect(acks).toHaveLength(5)
    expect(a.got()).toContain('503')
  })

  it('stops a publisher whose handler said so, until it is released', () => {
    const { broker, connect } = brokerBench()
    broker.bus.capture('full', () => false)
    const [a, b] = [connect({}), connect({})]
    a.send('PUB full 0', '')
    b.send('PUB other 0', '')
    expect([a.isPaused, b.isPaused]).toEqual([true, false])
    broker.bus.releasePublishers()
    expect(a.isPaused).toBe(false)
    a.send('PUB full 0', '')
    expect(a.isPaused).toBe(true)
  })

  it('knows interest, and tells when it may have changed', () => {
    const { broker, connect } = brokerBench()
    let changes = 0
    const watch = broker.bus.watchInterest('in.x', () => changes++)
    const target = broker.bus.target('in.x')
    const grouped = broker.bus.target('in.x', 'g')
    const a = connect({})
    expect([broker.bus.hasInterest('in.x'), target.hasInterest(), grouped.hasInterest()]).toEqual([false, false, false])
    a.send('SUB in.* 1', 'SUB other 2')
    expect([broker.bus.hasInterest('in.x'), target.hasInterest(), grouped.hasInterest()]).toEqual([true, true, false])
    a.send('SUB in.x g 3')
    expect(grouped.hasInterest()).toBe(true)
    expect(changes).toBe(2)
    a.send('UNSUB 1')
    expect(target.hasInterest()).toBe(true)
    a.peer.ended()
    expect(changes).toBe(4)
    expect([broker.bus.hasInterest('in.x'), target.hasInterest(), grouped.hasInterest()]).toEqual([false, false, false])
    watch.unsubscribe()
    connect({}).send('SUB in.x 1')
    expect(changes).toBe(4)
  })

  it.each(['send', 'deliver'] as const)('delivers to a target: another subject and reply are shown (%s)', (way) => {
    const { broker, connect } = brokerBench()
    const [a, plain] = [connect({ headers: true }), connect({})]
    const target = broker.bus.target('deliver.here')
    a.send('SUB deliver.* 12')
    const block = buildHeaders([['K', 'v']])
    const subject = 'orders.é'
    const stored = Buffer.concat([Buffer.from(subject), block, Buffer.from('payloadyy')])
    const subjectEnd = stored.length - block.length - 9
    const send = (headersLength: number): void => {
      const headersStart = headersLength > 0 ? subjectEnd : subjectEnd + block.length
      const end = stored.length - 2
      if (way === 'send') target.send(subject, '$JS.ACK.S', stored, headersStart, headersLength, end)
      else {
        const message = { subject, bytes: stored, subjectStart: 0, subjectEnd, headersStart, headersLength, end }
        target.deliver(message, replyOf('$JS.ACK.S'))
      }
    }
    send(block.length)
    send(0)
    expect(a.got()).toBe(
      `HMSG orders.\xc3\xa9 12 $JS.ACK.S 18 25\r\nNATS/1.0\r\nK: v\r\n\r\npayload\r\nMSG orders.\xc3\xa9 12 $JS.ACK.S 7\r\npayload\r\n`,
    )
    // Two receivers, one of them without headers, and a handler: it hears the subject that it subscribed.
    plain.send('SUB deliver.> 3')
    const heard: unknown[] = []
    broker.bus.subscribe('deliver.here', (m) => {
      heard.push(shown(m))
      return undefined
    })
    send(block.length)
    expect(a.got()).toBe(`HMSG orders.\xc3\xa9 12 $JS.ACK.S 18 25\r\nNATS/1.0\r\nK: v\r\n\r\npayload\r\n`)
    expect(plain.got()).toBe('MSG orders.\xc3\xa9 3 $JS.ACK.S 7\r\npayload\r\n')
    expect(heard).toEqual([['deliver.here', '$JS.ACK.S', Buffer.from(block).toString(), 'payload']])
  })

  it('delivers what is too large for a chunk by reference, and keeps its bounds', () => {
    const { broker, connect } = brokerBench()
    const a = connect({})
    a.send('SUB d 1')
    const target = broker.bus.target('d')
    for (const size of [0, 16_384, 16_385, 70_000]) {
      const stored = Buffer.concat([Buffer.from('s'), Buffer.alloc(size, 'p'), Buffer.from('yy')])
      const at = { subjectStart: 0, subjectEnd: 1, headersStart: 1, headersLength: 0, end: 1 + size }
      target.deliver({ subject: 's', bytes: stored, ...at }, replyOf('r.1'))
      expect(a.got()).toBe(`MSG s 1 r.1 ${size}\r\n${'p'.repeat(size)}\r\n`)
    }
  })

  it('asks only its queue group for interest, but delivers to everybody', () => {
    const { broker, connect } = brokerBench()
    const [a, b, c] = [connect({}), connect({}), connect({})]
    c.send('SUB d 1', 'SUB d other 2')
    const target = broker.bus.target('d', 'g')
    expect(target.hasInterest()).toBe(false)
    a.send('SUB d g 1')
    b.send('SUB d g 1')
    expect(target.hasInterest()).toBe(true)
    for (let i = 0; i < 100; i++) target.send('s', '', bytes('x'), 0, 0, 1)
    const frame = 'MSG s 1 1\r\nx\r\n'
    const [gotA, gotB] = [a.got().length / frame.length, b.got().length / frame.length]
    expect(gotA + gotB).toBe(100)
    expect(Math.min(gotA, gotB)).toBeGreaterThan(20)
    expect(c.got().length).toBe(200 * frame.length)
  })

  it('reaches clients only, when that is asked for', () => {
    const { broker, connect } = brokerBench()
    let heard = 0
    broker.bus.capture('d', () => {
      heard++
      return undefined
    })
    const a = connect({})
    const target = broker.bus.target('d', undefined, 'clients')
    expect(target.hasInterest()).toBe(false)
    a.send('SUB d 1')
    expect(target.hasInterest()).toBe(true)
    target.send('s', '', bytes('x'), 0, 0, 1)
    expect([a.got(), heard]).toEqual(['MSG s 1 1\r\nx\r\n', 0])
  })

  it('counts deliveries of a target for UNSUB with a maximum', () => {
    const { broker, connect } = brokerBench()
    const a = connect({})
    a.send('SUB d 1')
    const target = broker.bus.target('d')
    target.send('s', '', bytes('1'), 0, 0, 1)
    a.send('UNSUB 1 3')
    for (const n of ['2', '3', '4']) target.send('s', '', bytes(n), 0, 0, 1)
    expect(a.got()).toBe('MSG s 1 1\r\n1\r\nMSG s 1 1\r\n2\r\nMSG s 1 1\r\n3\r\n')
    expect(target.hasInterest()).toBe(false)
  })

  it.each([0, 1, 16_384, 16_385, 70_000, 900_000])('carries %i bytes every way', (size) => {
    const { broker, connect } = brokerBench()
    const [a, b] = [connect({ headers: true }), connect({})]
    a.send('SUB d 1', 'SUB d 2')
    b.send('SUB d 333')
    const body = Buffer.alloc(size, 'body\r\n')
    const block = buildHeaders([['K', 'v']])
    let heard = Buffer.alloc(0)
    broker.bus.subscribe('d', (m) => {
      heard = Buffer.from(m.bytes.subarray(m.start, m.end))
      return undefined
    })
    const whole = Buffer.concat([block, body])
    const toA = `HMSG d # r 18 ${whole.length}\r\n${whole.toString('latin1')}\r\n`
    const toB = `MSG d 333 r ${size}\r\n${body.toString('latin1')}\r\n`
    const check = (): void => {
      expect(a.got()).toBe(toA.replace('#', '1') + toA.replace('#', '2'))
      expect(b.got()).toBe(toB)
      expect(heard.equals(whole)).toBe(true)
    }
    broker.bus.publish('d', 'r', block, body)
    check()
    broker.bus.target('d').send('d', 'r', whole, 0, block.length, whole.length)
    check()
    a.send(`HPUB d r 18 ${whole.length}`, whole.toString('latin1'))
    check()
    whole.fill('!')
    expect(a.got()).toBe('')
  })

  it('keeps what it sent when the bytes change afterwards', () => {
    const { broker, connect } = brokerBench()
    const a = connect({})
    a.send('SUB d 1')
    a.got()
    const target = broker.bus.target('d')
    const body = Buffer.alloc(20_000, 'a')
    target.send('d', '', body, 0, 0, body.length)
    broker.bus.publish('d', '', undefined, body)
    body.fill('b')
    expect(a.got()).toBe(`MSG d 1 20000\r\n${'a'.repeat(20_000)}\r\n`.repeat(2))
  })
})
