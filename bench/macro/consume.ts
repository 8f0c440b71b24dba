/** A durable consumer with explicit acks: pulled in batches of 500, and pushed. The latency is that of a batch, from its request. */
import { consume } from '../load/consume.ts'
import { filledStream } from '../load/streams.ts'
import type { Row } from '../row.ts'

const MESSAGES = 1_000_000
const STREAM = 'CONSUMED'

const base = {
  group: 'consume',
  kinds: ['headwater', 'judge'],
  sink: 'native:consume',
  needsCompiler: true,
  // Beyond the first time the stream is full already.
  prepare: (_load, { port, bare }) =>
    bare ? Promise.resolve() : filledStream(port, STREAM, 'consumed', { messages: MESSAGES }),
} as const satisfies Partial<Row>

export const consumers: Row[] = [
  {
    ...base,
    name: 'pull',
    title: 'pull of 500, explicit ack',
    floors: { judge: 5 },
    measure: (_load, target, seconds) =>
      consume(target, seconds, {
        stream: STREAM,
        name: 'pull',
        config: { durable_name: 'pull', ack_policy: 'explicit', deliver_policy: 'all', max_ack_pending: 20_000 },
        batch: 500,
        acks: true,
        total: MESSAGES,
      }),
  },
  {
    ...base,
    name: 'push',
    title: 'push, explicit ack',
    floors: { judge: 2 },
    measure: (_load, target, seconds) =>
      consume(target, seconds, {
        stream: STREAM,
        name: 'push',
        config: {
          durable_name: 'push',
          ack_policy: 'explicit',
          deliver_policy: 'all',
          deliver_subject: '_INBOX.deliver',
        },
        batch: 0,
        acks: true,
        total: MESSAGES,
      }),
  },
]
