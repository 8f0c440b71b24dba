/** What one message costs in the consumer itself: recorded as delivered, answered, settled; and the two texts in between. */
import { bench, describe } from 'vitest'
import { VirtualClock } from '../../base/testing/virtual-clock.ts'
import { TimerWheel } from '../../base/timer-wheel.ts'
import { ConsumerProgress } from '../../store/consumer-progress.ts'
import { AckRouter, type AckSink } from './ack-router.ts'
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
  const wheel = new TimerWheel(new VirtualClock(0), () => {})
  return new Settlement(progress, settings, {
    record: (event) => progress.apply(event),
    letter: () => ({ refused: 'never' }),
    settled: () => {},
    settledThrough: () => {},
    notify: () => {},
    schedule: (seq, atMs) => wheel.schedule(seq, atMs),
    cancel: (seq) => wheel.cancel(seq),
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

  bench('their answers, routed', () => {
    for (let n = 0; n < 1000; n++) router.ack(subject, 0, subject.length, '', 0, 0)
  })
})
