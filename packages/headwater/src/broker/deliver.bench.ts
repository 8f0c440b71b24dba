/**
 * What a message costs from the read buffer to the outboxes, without sockets: parse, route, compose, copy, flush.
 * `node --conditions=headwater-source --import tsx packages/headwater/src/broker/deliver.bench.ts`
 */
import { ManualTurn } from '../base/testing/manual-turn.ts'
import { SeededRandom } from '../base/testing/seeded-random.ts'
import { VirtualClock } from '../base/testing/virtual-clock.ts'
import { READ_SIZE, readBuffer } from './arena.ts'
import { Broker } from './broker.ts'
import type { Transport } from './transport.ts'

const ROUNDS = 9
const MESSAGES = 1_000_000

const nowhere: Transport = {
  remoteAddress: '127.0.0.1',
  remotePort: 1,
  write: () => true,
  resume: () => {},
  end: () => {},
  destroy: () => {},
}

interface Row {
  readonly subscribers: number
  readonly pattern: string
  readonly size: number
  readonly subject: (i: number) => string
  readonly sid?: (subscriber: number) => string
  readonly queue?: string
  readonly handlers?: number
}

function measure(name: string, row: Row): void {
  const turn = new ManualTurn()
  const broker = new Broker({ clock: new VirtualClock(), turn, random: new SeededRandom(1) })
  const connect = (lines: string): ReturnType<Broker['accept']> => {
    const peer = broker.accept(nowhere)
    peer.receive(Buffer.from(`CONNECT {"verbose":false,"pedantic":false,"headers":true}\r\n${lines}`))
    return peer
  }
  for (let i = 0; i < row.subscribers; i++) {
    connect(`SUB ${row.pattern} ${row.queue === undefined ? '' : `${row.queue} `}${row.sid?.(i) ?? '1'}\r\n`)
  }
  let heard = 0
  for (let i = 0; i < (row.handlers ?? 0); i++) {
    broker.bus.capture(row.pattern, (message) => {
      heard += message.end - message.start
      return undefined
    })
  }
  const publisher = connect('')
  const times: number[] = []
  // 16 different regions, so that subjects differ between reads too.
  const regions: Buffer[] = []
  let perRegion = 0
  for (let region = 0; region < 16; region++) {
    let text = ''
    perRegion = 0
    for (;;) {
      const frame = `PUB ${row.subject(region * 1000 + perRegion)} ${row.size}\r\n${'x'.repeat(row.size)}\r\n`
      if (text.length + frame.length > READ_SIZE) break
      text += frame
      perRegion++
    }
    regions.push(Buffer.from(text))
  }
  const perMessage = row.queue === undefined ? Math.max(1, row.subscribers, row.handlers ?? 0) : 1
  for (let round = 0; round <= ROUNDS; round++) {
    const reads = Math.ceil(MESSAGES / perMessage / perRegion)
    const start = process.cpuUsage().user
    for (let i = 0; i < reads; i++) {
      const region = regions[i & 15]
      readBuffer.set(region)
      publisher.received(region.length)
      turn.run()
    }
    // The first round only warms up.
    if (round > 0) times.push(((process.cpuUsage().user - start) * 1e3) / (reads * perRegion * perMessage))
  }
  times.sort((a, b) => a - b)
  console.log(`${name}: ${times[ROUNDS >> 1].toFixed(1)} ns (best ${times[0].toFixed(1)})${heard < 0 ? '!' : ''}`)
}

const one = (): string => 'bench.topic'
const many = (i: number): string => `bench.topic.${i % 1000}`
const size = 128
measure('publish, no subscriber', { subscribers: 0, pattern: '', size, subject: one })
measure('publish, no subscriber, 1000 subjects', { subscribers: 0, pattern: '', size, subject: many })
measure('to 1 subscriber', { subscribers: 1, pattern: 'bench.topic', size, subject: one })
measure('to 1 subscriber, 16 bytes', { subscribers: 1, pattern: 'bench.topic', size: 16, subject: one })
measure('to 1 subscriber of a wildcard, 1000 subjects', {
  subscribers: 1,
  pattern: 'bench.topic.*',
  size,
  subject: many,
})
measure('to 10 subscribers, per delivery', { subscribers: 10, pattern: 'bench.topic', size, subject: one })
measure('to 10 subscribers with sids of their own, per delivery', {
  subscribers: 10,
  pattern: 'bench.topic',
  size,
  subject: one,
  sid: (i) => String(i + 1),
})
measure('to one of 10 in a queue group', { subscribers: 10, pattern: 'bench.topic', queue: 'q', size, subject: one })
measure('to a handler, 1000 subjects', { subscribers: 0, handlers: 1, pattern: 'bench.topic.*', size, subject: many })
