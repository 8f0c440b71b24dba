/** What one message costs in the consumer itself: recorded as delivered, answered, settled; and the two texts in between. */
import { bench, describe } from 'vitest'
import { VirtualClock } from '../../base/testing/virtual-clock.ts'
import { ConsumerProgress } from '../../store/consumer-progress.ts'
import { MessageView } from '../../store/message-view.ts'
import { AckReply } from './ack-reply.ts'
import { AckRouter, type AckSink } from './ack-router.ts'
import { Deadlines } from './deadlines.ts'
import { Settlement } from './settlement.ts'

const WINDOW = 1000
const settings = {
  ackPolicy: 'explicit' as const,
  ackWaitMs: 30_000,
  backoffMs: [],
  maxDeliver: Number.POSITIVE_INFINITY,
  deadLetter: undefined,
}

function consumer(): Settlement {
  const progress = new ConsumerProgress()
  const { pending } = progress
  const deadlines = new Deadlines(new VirtualClock(0), {
    dueMs: (seq) => (pending.has(seq) ? pending.timeOf(pending.find(seq)) + settings.ackWaitMs : 0),
    expired: () => {},
  })
  return new Settlement(progress, settings, {
    record: (event) => progress.apply(event),
    letter: () => ({ refused: 'never' }),
    settled: () => {},
    settledThrough: () => {},
    notify: () => {},
    schedule: (seq, atMs) => deadlines.schedule(seq, atMs),
    cancel: (seq) => deadlines.cancel(seq),
  })
}

describe('1,000 messages, 1,000 pending', () => {
  const settlement = consumer()
  let seq = 0
  while (seq < WINDOW) settlement.delivered(++seq, seq, 1, 1000, 'later')

  bench('delivered and settled, in order', () => {
    for (let n = 0; n < 1000; n++) {
      settlement.delivered(++seq, seq, 1, 1000, 'later')
      settlement.ack(seq - WINDOW, 'later')
    }
  })

  const subject = new TextEncoder().encode('$JS.ACK.ORDERS.worker.1.123456.123456.1767225600000000000.876543')
  const sink: AckSink = {
    closed: false,
    ackPrefix: new TextEncoder().encode('$JS.ACK.ORDERS.worker.'),
    acknowledged: () => {},
    answered: () => {},
  }
  const router = new AckRouter(() => sink)

  const view = new MessageView()
  Object.assign(view, { seq: 123_456, seconds: 1_767_225_600, nanos: 42 })
  const reply = new AckReply(sink.ackPrefix)
  const outbox = Buffer.alloc(128 * 1024)

  bench('their reply subjects, written', () => {
    for (let n = 0; n < 1000; n++) {
      reply.set(view, n + 1, 1, 876_543)
      reply.write(outbox, n * 100)
    }
  })

  bench('their answers, routed', () => {
    for (let n = 0; n < 1000; n++) router.ack(subject, 0, subject.length, '', 0, 0)
  })
})
