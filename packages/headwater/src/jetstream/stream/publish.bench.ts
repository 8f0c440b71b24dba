/** What a publish costs between the bus and the log: checks, dedupe, append, limits and the ack, in a memory stream. */
import { bench, describe } from 'vitest'
import { buildHeaders } from '../../protocol/headers.ts'
import { TestEngine } from '../testing/engine.ts'
import type { Stream } from './stream.ts'
import type { StreamConfigRequest } from './stream-config.ts'

const TIMES = 1000
const SUBJECTS = Array.from({ length: 1000 }, (_, i) => `s.orders.${i}.created`)
const KEPT = 100_000

const CASES: [name: string, config: StreamConfigRequest, headers: [string, string][]][] = [
  ['plain', {}, []],
  ['with a header of its own', {}, [['X-Trace', 'abc']]],
  ['with an expectation', {}, [['Nats-Expected-Stream', 'S']]],
  ['into a full stream', { max_msgs: 10_000 }, []],
  ['into a key-value bucket', { max_msgs_per_subject: 5, discard: 'new' }, []],
]

describe.each(CASES)('%s', (_, config, headers) => {
  const engine = new TestEngine()
  const stream: Stream = engine.jetstream.createStream({ name: 'S', subjects: ['s.>'], storage: 'memory', ...config })
  const block = headers.length > 0 ? buildHeaders(headers) : new Uint8Array(0)
  const bytes = Buffer.concat([block, Buffer.alloc(128, 'x')])
  const message = {
    subject: '',
    reply: '_INBOX.bench.1',
    bytes,
    start: 0,
    headersLength: block.length,
    end: bytes.length,
    client: undefined,
  }
  let sent = 0
  bench(`${TIMES} publishes, acknowledged`, () => {
    for (let i = 0; i < TIMES; i++) {
      message.subject = SUBJECTS[sent++ % SUBJECTS.length]
      stream.publisher.receive(message)
    }
    engine.endTurns()
    stream.log.removeBelow(stream.log.state.lastSeq - KEPT)
  })
})
