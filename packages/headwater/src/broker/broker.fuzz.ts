/** Random clients that subscribe, publish, block and vanish: the broker never throws, keeps its promises and leaks no memory. */
import type { SeededRandom } from '../base/testing/seeded-random.ts'
import { subjectMatches } from '../protocol/subject.ts'
import { chunksTaken } from './arena.ts'
import { brokerBench, type Pipe } from './pipe.case.ts'

const SUBJECTS = ['a', 'a.b', 'a.b.c', '_INBOX.x.1', '_INBOX.x.2', 'b']
const PATTERNS = ['a', 'a.*', 'a.>', '>', '*', '_INBOX.x.*', '_INBOX.x.2', 'a.b', '*.b.*']

interface Client {
  pipe: Pipe
  patterns: Map<string, string>
  expected: string[]
  isGone: boolean
}

/** One run of a few dozen steps against a model that is a list. Throws when a client got anything but what it should. */
export function fuzz(random: SeededRandom): void {
  const bench = brokerBench({}, random.bits())
  const clients: Client[] = []
  let serial = 0
  const steps = random.between(10, 120)
  for (let step = 0; step < steps; step++) {
    const client = clients.length > 0 ? random.pick(clients) : undefined
    const what = random.below(10)
    if (what === 0 || client === undefined) {
      clients.push({ pipe: bench.connect({}), patterns: new Map(), expected: [], isGone: false })
    } else if (client.isGone) {
      // Whatever it says now, nobody hears it.
      client.pipe.send('PUB a 1', 'x')
    } else if (what <= 2) {
      const sid = String(random.below(6))
      const pattern = random.pick(PATTERNS)
      client.pipe.send(`SUB ${pattern} ${sid}`)
      if (!client.patterns.has(sid)) client.patterns.set(sid, pattern)
    } else if (what === 3) {
      const sid = String(random.below(6))
      client.pipe.send(`UNSUB ${sid}`)
      client.patterns.delete(sid)
    } else if (what === 4 && random.chance(0.3)) {
      client.isGone = true
      client.pipe.peer.ended(random.chance(0.5) ? new Error('reset') : undefined)
      if (client.pipe.isBlocked) client.pipe.peer.ended()
    } else if (what === 5) {
      client.pipe.isBlocked = !client.pipe.isBlocked
      bench.flush()
      if (!client.pipe.isBlocked) client.pipe.drain()
    } else {
      const subject = random.pick(SUBJECTS)
      const size = random.pick([0, 1, 10, 300, 17_000, 66_000])
      const text = `${serial++}:`.padEnd(size, 'p').slice(0, size)
      if (random.chance(0.2)) bench.broker.bus.publish(subject, '', undefined, Buffer.from(text))
      else client.pipe.send(`PUB ${subject} ${size}`, text)
      for (const one of clients) {
        if (one.isGone) continue
        for (const [sid, pattern] of one.patterns) {
          if (subjectMatches(pattern, subject)) one.expected.push(`MSG ${subject} ${sid} ${size}\r\n${text}\r\n`)
        }
      }
    }
    if (random.chance(0.3)) bench.flush()
  }
  for (const { pipe, isGone, expected } of clients) {
    if (isGone) continue
    bench.flush()
    pipe.isBlocked = false
    pipe.drain()
    // Messages of one publish to several sids of one client may come in any order: compare as sets.
    const got = split(pipe.got())
    if (JSON.stringify([...got].sort()) !== JSON.stringify([...expected].sort())) {
      throw new Error(`got ${got.length} messages, expected ${expected.length}`)
    }
    for (const sid of new Set(expected.map((frame) => frame.split(' ')[2]))) {
      const of = (frames: string[]): string[] => frames.filter((frame) => frame.split(' ')[2] === sid)
      if (JSON.stringify(of(got)) !== JSON.stringify(of(expected))) throw new Error(`order of sid ${sid}`)
    }
  }
  bench.end()
  if (chunksTaken() !== 0) throw new Error(`${chunksTaken()} chunks of the arena are lost`)
}

function split(text: string): string[] {
  const frames: string[] = []
  for (let at = 0; at < text.length; ) {
    const lineEnd = text.indexOf('\r\n', at)
    const size = Number(text.slice(at, lineEnd).split(' ').at(-1))
    const end = lineEnd + 2 + size + 2
    frames.push(text.slice(at, end))
    at = end
  }
  return frames
}
