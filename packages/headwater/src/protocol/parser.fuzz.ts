/** Random bytes and damaged sessions: the parser never throws, never reads outside its region, and any split says the same. */
import type { SeededRandom } from '../base/testing/seeded-random.ts'
import { Scribe } from './frames.case.ts'
import { Parser, type PublishFrame } from './parser.ts'

const WORDS = [
  ...['PUB ', 'HPUB ', 'SUB ', 'UNSUB ', 'PING', 'PONG', 'CONNECT ', '+OK', '-ERR ', 'INFO ', 'pub\t', 'hPuB '],
  ...[
    'a',
    'a.b',
    'a.*',
    '>',
    '_INBOX.x.1',
    '$JS.ACK.x',
    ' ',
    '  ',
    '\t',
    '\r\n',
    '\n',
    '\r',
    '.',
    '..',
    '{}',
    '{"verbose":true}',
  ],
  ...[
    '0',
    '1',
    '5',
    '12',
    '007',
    '-1',
    '99',
    '1048576',
    '999999999',
    '1234567890',
    'x',
    '\x00',
    '\xff',
    'NATS/1.0\r\n\r\n',
  ],
]

/** Like Scribe, and checks that every position lies in the region [low, high). */
class Watcher extends Scribe {
  low = 0
  high = 0

  override publish(bytes: Buffer, frame: PublishFrame): void {
    const order = [
      this.low,
      frame.subjectStart,
      frame.subjectEnd,
      frame.bodyStart,
      frame.bodyEnd,
      frame.frameEnd,
      this.high,
    ]
    for (let i = 1; i < order.length; i++) if (order[i] < order[i - 1]) throw new Error(`positions ${order.join(' ')}`)
    if (frame.replyStart > frame.replyEnd || frame.replyEnd > frame.bodyStart) throw new Error('reply')
    if (frame.headersLength > frame.bodyEnd - frame.bodyStart) throw new Error('headers beyond the payload')
    super.publish(bytes, frame)
  }
}

/** One session: parses it whole, then in random pieces, and compares. Throws when they differ. */
export function fuzz(random: SeededRandom): void {
  const text = session(random)
  const whole = run(text, [text.length])
  const cuts: number[] = []
  for (let at = 0; at < text.length; )
    cuts.push((at = Math.min(text.length, at + 1 + random.below(random.pick([2, 20, 300])))))
  const split = run(text, cuts)
  if (JSON.stringify(whole) !== JSON.stringify(split)) {
    throw new Error(
      `split differs\n${JSON.stringify(text)}\nwhole ${JSON.stringify(whole)}\nsplit ${JSON.stringify(split)}`,
    )
  }
}

function session(random: SeededRandom): string {
  let text = ''
  const count = random.between(1, 30)
  for (let i = 0; i < count; i++) {
    if (random.chance(0.6)) {
      const size = random.below(random.pick([1, 30, 500]))
      const payload = Buffer.from(random.bytes(size)).toString('latin1')
      text += `PUB ${random.pick(['a', 'a.b', 'x.y.z'])} ${random.chance(0.3) ? 'r ' : ''}${size}\r\n${payload}\r\n`
    } else if (random.chance(0.5)) {
      text += `${random.pick(['SUB a 1', 'PING', 'PONG', 'UNSUB 1', '+OK', 'CONNECT {}', 'INFO {}'])}\r\n`
    } else {
      for (let j = random.below(6); j > 0; j--) text += random.pick(WORDS)
    }
  }
  if (random.chance(0.3) && text.length > 0) {
    const at = random.below(text.length)
    text = text.slice(0, at) + String.fromCharCode(random.below(256)) + text.slice(at + random.below(3))
  }
  return text
}

/** What a parser finds when the text comes in pieces that end at `cuts`; a refusal ends it. */
function run(text: string, cuts: number[]): string[] {
  const watcher = new Watcher()
  const parser = new Parser()
  let carry = Buffer.alloc(0)
  let start = 0
  for (const cut of cuts) {
    const region = Buffer.concat([carry, Buffer.from(text.slice(start, cut), 'latin1')])
    start = cut
    // In the middle of bytes that must not be read: they would make frames.
    const bytes = Buffer.concat([Buffer.from('PUB a 1\r\nx\r\n'), region, Buffer.from('\nPUB b 1\r\nx\r\nPING\r\n')])
    watcher.low = 11
    watcher.high = 11 + region.length
    const end = parser.parse(bytes, watcher.low, watcher.high, watcher)
    if (end < watcher.low || end > watcher.high) throw new Error(`parsed to ${end} of ${watcher.low}..${watcher.high}`)
    if (watcher.seen.at(-1)?.startsWith('["refused"')) return watcher.seen
    carry = Buffer.from(bytes.subarray(end, watcher.high))
  }
  return watcher.seen
}
