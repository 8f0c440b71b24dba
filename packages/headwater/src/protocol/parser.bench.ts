/** What one PUB costs in the parser. `node --conditions=headwater-source --import tsx packages/headwater/src/protocol/parser.bench.ts` */
import { type FrameHandler, Parser, type PublishFrame } from './parser.ts'

const REGION = 64 * 1024
const ROUNDS = 9
const MESSAGES = 2_000_000

class Counter implements FrameHandler {
  readonly maxPayload = 1024 * 1024
  readonly maxControlLine = 4096
  readonly headers = true
  count = 0
  bytes = 0

  publish(_bytes: Buffer, frame: PublishFrame): void {
    this.count++
    this.bytes += frame.bodyEnd - frame.bodyStart
  }

  line(): boolean {
    return true
  }

  partial(): void {}

  refuse(): void {
    throw new Error('refused')
  }
}

function measure(name: string, frame: string): void {
  const perRegion = Math.floor(REGION / frame.length)
  const bytes = Buffer.alloc(REGION + 1)
  bytes.write(frame.repeat(perRegion), 'latin1')
  const parser = new Parser()
  const counter = new Counter()
  const times: number[] = []
  for (let round = 0; round <= ROUNDS; round++) {
    const regions = Math.ceil(MESSAGES / perRegion)
    // Processor time, not the wall's: other programs on the machine do not count.
    const start = process.cpuUsage().user
    for (let i = 0; i < regions; i++) parser.parse(bytes, 0, perRegion * frame.length, counter)
    // The first round only warms up.
    if (round > 0) times.push(((process.cpuUsage().user - start) * 1e3) / (regions * perRegion))
  }
  times.sort((a, b) => a - b)
  console.log(`${name}: ${times[ROUNDS >> 1].toFixed(1)} ns (best ${times[0].toFixed(1)})`)
}

const body = 'x'.repeat(128)
measure('PUB, 11 byte subject, 128 byte payload', `PUB bench.topic 128\r\n${body}\r\n`)
measure('PUB, 26 byte subject', `PUB orders.eu.warehouse.picked 128\r\n${body}\r\n`)
measure('PUB with reply', `PUB bench.topic _INBOX.abcdefghij.klm 128\r\n${body}\r\n`)
measure('PUB, 16 byte payload', `PUB bench.topic 16\r\n${'x'.repeat(16)}\r\n`)
measure('HPUB', `HPUB bench.topic 18 146\r\nNATS/1.0\r\nA: b\r\n\r\n${body}\r\n`)
measure('PUB, spelled oddly', `PUB  bench.topic\t128\r\n${body}\r\n`)
