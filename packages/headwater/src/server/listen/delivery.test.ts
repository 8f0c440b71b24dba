/** Every byte arrives, once, in order: random subjects, sizes to 900 KB, CR LF inside payloads, any split, both ways to read. */
import { afterEach, describe, expect, it } from 'vitest'
import { SeededRandom } from '../../base/testing/seeded-random.ts'
import { subjectMatches } from '../../protocol/subject.ts'
import { startBroker, type TestBroker } from './start-broker.case.ts'

const SEED = Number(process.env.SEED ?? 20_260_101)
const SUBJECTS = ['a', 'a.b', 'a.b.c', 'orders.new', '_INBOX.xyz.1', '_INBOX.xyz.2', '\xe9.\xff', 'x.yy.zzz.wwww']
const PATTERNS = [
  'a',
  'a.*',
  'a.>',
  '>',
  '*.*',
  '_INBOX.xyz.*',
  '_INBOX.xyz.1',
  'orders.new',
  '*.\xff',
  'x.*.zzz.>',
  '*',
]

let server: TestBroker
afterEach(() => server.close())

function payloadOf(random: SeededRandom): Buffer {
  const size = random.pick([0, 1, 5, 30, 200, 1_000, 5_000, 16_384, 16_385, 60_000, 70_000, 300_000, 900_000])
  const bytes = Buffer.from(random.bytes(Math.min(size, 997)))
  // Repeated, and sprinkled with what a careless parser would take for the end of it.
  const body = Buffer.alloc(size, bytes.length > 0 ? bytes : undefined)
  for (let i = 0; i < 3 && size > 20; i++) body.write('\r\nPUB a 1\r\nx\r\n', random.below(size - 14), 'latin1')
  return body
}

describe.each([
  ['into the arena', false],
  ['by data events', true],
])('delivery, read %s', (_, plainReads) => {
  it(`is exact (SEED=${SEED})`, async () => {
    const random = new SeededRandom(SEED + (plainReads ? 1 : 0))
    server = await startBroker({ plainReads })
    const subscribers = await Promise.all(
      Array.from({ length: 4 }, async (_unused, at) => {
        const headers = at % 2 === 0
        const client = await server.client({ headers })
        const patterns = PATTERNS.filter(() => random.chance(0.4))
        patterns.forEach((pattern, i) => {
          client.send(`SUB ${pattern} ${at === 0 ? 's'.repeat(random.between(1, 1_500)) : ''}${i}`)
        })
        await client.expectNothing()
        return { client, headers, patterns, expected: 0 }
      }),
    )
    const publisher = await server.client({ headers: true })
    const messages: { subject: string; reply: string; block: Buffer; body: Buffer }[] = []
    const out: Buffer[] = []
    for (let i = 0; i < 120; i++) {
      const subject = random.pick(SUBJECTS)
      const reply = random.chance(0.4) ? random.pick(['in.1', '_INBOX.q.7', '9']) : ''
      const block = random.chance(0.4) ? Buffer.from(`NATS/1.0\r\nSeq: ${i}\r\n\r\n`) : Buffer.alloc(0)
      const body = payloadOf(random)
      messages.push({ subject, reply, block, body })
      const gap = random.chance(0.9) ? ' ' : '  '
      const sizes = block.length > 0 ? `${block.length}${gap}${block.length + body.length}` : `${body.length}`
      const verb = block.length > 0 ? 'HPUB' : 'PUB'
      const head = `${verb} ${subject}${gap}${reply === '' ? '' : `${reply} `}${sizes}\r\n`
      out.push(Buffer.concat([Buffer.from(head, 'latin1'), block, body, Buffer.from('\r\n')]))
    }
    const all = Buffer.concat(out)
    for (let at = 0; at < all.length; ) {
      const length = random.pick([1, 7, 100, 1_000, 65_536, 200_000])
      publisher.write(all.subarray(at, at + length))
      at += length
      if (random.chance(0.2)) await new Promise((resolve) => setImmediate(resolve))
    }
    await Promise.all(
      subscribers.map(async ({ client, headers, patterns }) => {
        for (const { subject, reply, block, body } of messages) {
          const matching = patterns.filter((pattern) => subjectMatches(pattern, subject)).length
          const withBlock = headers && block.length > 0
          const size = (withBlock ? block.length : 0) + body.length
          const sizes = withBlock ? `${block.length} ${size}` : String(size)
          for (let i = 0; i < matching; i++) {
            const line = await client.line()
            const sid = line.split(' ')[2]
            const expected = `${withBlock ? 'HMSG' : 'MSG'} ${subject} ${sid} ${reply === '' ? '' : `${reply} `}${sizes}`
            expect(line).toBe(expected)
            const got = await client.bytes(size + 2)
            const whole = Buffer.concat([withBlock ? block : Buffer.alloc(0), body, Buffer.from('\r\n')])
            expect(got.equals(whole)).toBe(true)
          }
        }
        await client.expectNothing()
      }),
    )
  })
})
