/** Receivers that cannot keep up: bounds, pauses, deadlines, and memory that comes back. */
import { afterEach, describe, expect, it } from 'vitest'
import { chunksTaken } from './arena.ts'
import { type BrokerBench, type Pipe, brokerBench as start } from './pipe.case.ts'

const KIB = 'k'.repeat(1024)

/** Publishes `count` messages of `text` on `a`, in reads of about 64 KiB, as long as the broker reads. Returns how many it took. */
function pump(publisher: Pipe, count: number, text: string): number {
  const perRead = Math.max(1, Math.floor(60_000 / text.length))
  let sent = 0
  while (sent < count && !publisher.isPaused) {
    const now = Math.min(perRead, count - sent)
    publisher.send(...Array.from({ length: now }, () => [`PUB a ${text.length}`, text]).flat())
    sent += now
  }
  return sent
}

let bench: BrokerBench
const brokerBench: typeof start = (options) => (bench = start(options))
afterEach(() => {
  bench.end()
  expect(chunksTaken()).toBe(0)
})

describe('slow consumers', () => {
  it('pauses the publisher over a mebibyte, for 10 ms at a time, and reads on when it is relieved', () => {
    const { connect, clock, flush } = brokerBench()
    const slow = connect({})
    slow.send('SUB a 1')
    slow.got()
    slow.isBlocked = true
    const publisher = connect({})
    const taken = pump(publisher, 100_000, KIB)
    expect(publisher.isPaused).toBe(true)
    expect(taken).toBeGreaterThan(1000)
    expect(taken).toBeLessThan(1400)
    clock.advance(9)
    expect(publisher.isPaused).toBe(true)
    clock.advance(1)
    expect(publisher.isPaused).toBe(false)
    publisher.send('PUB a 1', 'x')
    expect(publisher.isPaused).toBe(true)
    slow.isBlocked = false
    flush()
    slow.drain()
    expect(publisher.isPaused).toBe(false)
    expect(slow.got()).toBe(`MSG a 1 1024\r\n${KIB}\r\n`.repeat(taken) + 'MSG a 1 1\r\nx\r\n')
    clock.advance(100)
    slow.peer.ended()
    publisher.peer.ended()
  })

  it('does not pause publishers of other subjects', () => {
    const { connect } = brokerBench()
    const slow = connect({})
    slow.send('SUB a 1')
    slow.got()
    slow.isBlocked = true
    const publisher = connect({})
    pump(publisher, 100_000, KIB)
    const other = connect({})
    other.send('PUB b 1', 'x')
    expect(other.isPaused).toBe(false)
    slow.peer.ended(new Error('gone'))
    expect(publisher.isPaused).toBe(false)
  })

  it('closes at once, without a word, when more waits than may', () => {
    const { broker, connect, clock, flush, events } = brokerBench({ limits: { maxPending: 3 * 1024 * 1024 } })
    const slow = connect({})
    const good = connect({})
    for (const pipe of [slow, good]) {
      pipe.send('SUB a 1')
      pipe.got()
    }
    slow.isBlocked = true
    const publisher = connect({})
    let sent = 0
    while (!slow.isDestroyed && sent < 20_000) {
      sent += pump(publisher, 60, KIB)
      flush()
      clock.advance(10)
      expect(broker.connection(1)?.outbox.pendingBytes ?? 0).toBeLessThan(3.3 * 1024 * 1024)
    }
    expect(sent).toBeLessThan(3_400)
    expect(events.slice(-2)).toEqual(['slow 1', 'closed 1 Slow Consumer (Pending Bytes)'])
    expect(broker.stats.slowConsumers).toBe(1)
    expect(good.got().length).toBe(sent * `MSG a 1 1024\r\n${KIB}\r\n`.length)
  })

  it('closes when a write is not taken within the deadline', () => {
    const { connect, clock, events, flush } = brokerBench()
    const slow = connect({})
    slow.send('SUB a 1')
    slow.got()
    slow.isBlocked = true
    connect({}).send('PUB a 1', 'x')
    flush()
    clock.advance(9_000)
    expect(slow.isDestroyed).toBe(false)
    clock.advance(4_000)
    expect(slow.isDestroyed).toBe(true)
    expect(events).toContain('closed 1 Slow Consumer (Write Deadline)')
  })

  it('keeps order while writes wait, large payloads included', () => {
    const { connect, flush } = brokerBench()
    const slow = connect({})
    slow.send('SUB a 1')
    slow.got()
    slow.isBlocked = true
    const publisher = connect({})
    let expected = ''
    for (const size of [10, 20_000, 5, 100_000, 0, 16_384, 16_385, 3, 70_000, 1]) {
      const body = String.fromCharCode(97 + (size % 26)).repeat(size)
      publisher.send(`PUB a ${size}`, body)
      flush()
      expected += `MSG a 1 ${size}\r\n${body}\r\n`
    }
    for (let i = 0; i < 5; i++) slow.drain()
    slow.isBlocked = false
    slow.drain()
    expect(slow.got()).toBe(expected)
  })

  it('holds no chunk of the arena for slow sockets when chunks get rare', () => {
    const { connect, flush } = brokerBench()
    const pipes = Array.from({ length: 1_500 }, () => {
      const pipe = connect({})
      pipe.send('SUB a 1')
      pipe.got()
      pipe.isBlocked = true
      return pipe
    })
    const publisher = connect({})
    for (let round = 0; round < 3; round++) {
      publisher.send('PUB a 5', `msg-${round}`)
      flush()
    }
    expect(chunksTaken()).toBeLessThan(800)
    for (const pipe of pipes) {
      pipe.isBlocked = false
      pipe.drain()
      expect(pipe.got()).toBe('MSG a 1 5\r\nmsg-0\r\nMSG a 1 5\r\nmsg-1\r\nMSG a 1 5\r\nmsg-2\r\n')
    }
  })

  it('gives everything back when a receiver dies with a write in flight', () => {
    const { connect, flush, broker } = brokerBench()
    const slow = connect({})
    slow.send('SUB a 1')
    slow.got()
    slow.isBlocked = true
    const publisher = connect({})
    pump(publisher, 500, KIB)
    flush()
    expect(chunksTaken()).toBeGreaterThan(0)
    slow.peer.ended(new Error('reset'))
    publisher.send('PUB a 1', 'x')
    flush()
    expect(broker.closedConnections()[0].closedReason).toBe('Read Error')
  })
})
