/** Random calls with damaged bodies and publishes with damaged headers: each gets one answer, and nothing fails inside. */
import { silentLogger } from '../../base/log.ts'
import type { SeededRandom } from '../../base/testing/seeded-random.ts'
import { TestEngine } from '../testing/engine.ts'

const CALLS = [
  'INFO',
  'STREAM.CREATE.S',
  'STREAM.CREATE.T',
  'STREAM.UPDATE.S',
  'STREAM.NAMES',
  'STREAM.LIST',
  'STREAM.INFO.S',
  'STREAM.PURGE.S',
  'STREAM.MSG.GET.S',
  'STREAM.MSG.DELETE.S',
  'STREAM.DELETE.T',
  'CONSUMER.CREATE.S',
  'CONSUMER.CREATE.S.C',
  'CONSUMER.CREATE.S.C.s.a',
  'CONSUMER.DURABLE.CREATE.S.D',
  'CONSUMER.NAMES.S',
  'CONSUMER.LIST.S',
  'CONSUMER.INFO.S.C',
  'CONSUMER.DELETE.S.C',
  'DIRECT.GET.S',
  'DIRECT.GET.S.s.a',
  'STREAM..',
  'X',
]

const BODIES = [
  '',
  '{}',
  '{"name":"S","subjects":["s.>"],"allow_direct":true}',
  '{"name":"T","subjects":["t.*"],"retention":"interest","storage":"memory","max_msgs":2}',
  '{"name":"S","subjects":["s.>"],"max_msgs":5,"max_bytes":400,"max_msgs_per_subject":2,"max_age":1000000000}',
  '{"name":"S","subjects":["s.a","s.b"],"discard":"new","max_msgs":1,"metadata":{"a":"b"},"allow_rollup_hdrs":true}',
  '{"seq":1}',
  '{"seq":2,"no_erase":true}',
  '{"last_by_subj":"s.*"}',
  '{"next_by_subj":"s.a","seq":1}',
  '{"start_time":"2026-01-01T00:00:00Z"}',
  '{"offset":1,"subject":"s.>"}',
  '{"filter":"s.a","keep":1}',
  '{"subjects_filter":">","deleted_details":true}',
  '{"stream_name":"S","config":{"name":"C","durable_name":"C","ack_policy":"explicit","filter_subject":"s.a"}}',
  '{"stream_name":"S","config":{"ack_policy":"none","deliver_policy":"last_per_subject","filter_subjects":["s.a"]}}',
  '{"stream_name":"S","config":{"durable_name":"D","ack_policy":"all","backoff":[1000000],"max_deliver":3}}',
]

const HEADERS = [
  'Nats-Msg-Id: a',
  'Nats-Expected-Stream: S',
  'Nats-Expected-Last-Sequence: 1',
  'Nats-Expected-Last-Subject-Sequence: 0',
  'Nats-Expected-Last-Subject-Sequence-Subject: s.*',
  'Nats-Expected-Last-Msg-Id: a',
  'Nats-Rollup: sub',
  'Nats-TTL: 5s',
  'Nats-Incr: 1',
  'Nats-Schedule: @every 5s',
  'Nats-Request-Info: {}',
  'Nats-Batch-Id: b',
  'Nats-:',
  ':',
  'X: y',
]

const SUBJECTS = ['s.a', 's.b', 's.c', 't.x', 's.*', 't']
const NOISE = '"{}[]:,.0159-eEnutfl \\\r\n\t>*$é'

/** One run: a few hundred calls and publishes on one engine. */
export async function fuzz(random: SeededRandom): Promise<void> {
  const engine = new TestEngine({
    log: {
      ...silentLogger,
      error: (fields, text) => {
        throw new Error(text, { cause: fields.error })
      },
    },
  })
  const pick = <T>(from: readonly T[]): T => from[random.below(from.length)]
  await engine.api('STREAM.CREATE.S', BODIES[2])
  for (let step = 0; step < 300; step++) {
    if (random.below(2) === 0) {
      const body = damaged(random, pick(BODIES))
      const subject = `$JS.API.${pick(CALLS)}`
      const { text, headers } = await answered(engine, subject, '', body)
      if (!text.startsWith('{"type":"io.nats.jetstream.api.v1.') && !headers.startsWith('NATS/1.0')) {
        throw new Error(`${subject} ${body} answered ${JSON.stringify(headers + text)}`)
      }
    } else {
      const lines = Array.from({ length: random.below(4) }, () => pick(HEADERS))
      const block = lines.length > 0 ? `NATS/1.0\r\n${damaged(random, lines.join('\r\n'))}\r\n\r\n` : ''
      const subject = pick(SUBJECTS)
      const { text } = await answered(engine, subject, block, 'x'.repeat(random.below(200)))
      if (text !== '' && JSON.parse(text).stream === undefined) throw new Error(`${subject} answered ${text}`)
    }
    if (random.below(20) === 0) await engine.pass(random.below(2000))
    if (random.below(50) === 0) await engine.restart()
  }
}

/** Sends and gives the answer; empty when nobody listens. Throws when there are two, or none from a listener. */
async function answered(
  engine: TestEngine,
  subject: string,
  block: string,
  payload: string,
): Promise<{ text: string; headers: string }> {
  const got: { text: string; headers: string }[] = []
  const listener = engine.bus.listen('_INBOX.fuzz', (message) => {
    got.push({ text: new TextDecoder().decode(message.payload), headers: new TextDecoder().decode(message.headers) })
  })
  const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
  const heard = engine.bus.send(subject, '_INBOX.fuzz', bytes(block), bytes(payload))
  if (heard > 0 && got.length === 0) await engine.pass(0)
  listener.unsubscribe()
  if (heard === 0) return { text: '', headers: 'NATS/1.0 503' }
  if (got.length !== 1) throw new Error(`${got.length} answers to ${subject} ${JSON.stringify(block + payload)}`)
  return got[0]
}

/** Mostly as it was; sometimes cut, doubled, or with a character in the wrong place. */
function damaged(random: SeededRandom, text: string): string {
  const at = random.below(text.length + 1)
  switch (random.below(8)) {
    case 0:
      return text.slice(0, at)
    case 1:
      return text.slice(0, at) + NOISE[random.below(NOISE.length)] + text.slice(at)
    case 2:
      return text.slice(0, at) + NOISE[random.below(NOISE.length)] + text.slice(at + 1)
    case 3:
      return text.replace(/\d+/, () => String(random.below(3) - 1))
    default:
      return text
  }
}
