import { describe, expect, it } from 'vitest'
import { ManualTurn } from '../../base/testing/manual-turn.ts'
import { SeededRandom } from '../../base/testing/seeded-random.ts'
import { VirtualClock } from '../../base/testing/virtual-clock.ts'
import { openMemoryStore } from '../../store/memory-store.ts'
import { MessageView } from '../../store/message-view.ts'
import { Delivery } from './delivery.ts'

describe('num_pending', () => {
  it('kept by difference is what counting finds, whatever comes and goes', () => {
    for (let seed = 1; seed <= 30; seed++) {
      const random = new SeededRandom(seed)
      const turn = new ManualTurn()
      const log = openMemoryStore({ clock: new VirtualClock(), turn }).createStream({ storage: 'memory', config: '' })
      const filters = [[], ['a'], ['a', 'b.*'], ['b.>']][random.below(4)]
      const append = (): void => {
        const subject = ['a', 'b.1', 'b.2', 'c'][random.below(4)]
        log.append({ subject, bytes: new Uint8Array(1), start: 0, headersLength: 0, end: 1, flags: 0 })
      }
      for (let i = random.below(20); i > 0; i--) append()
      turn.run()
      const delivery = new Delivery(log, filters, 1 + random.below(log.state.lastSeq + 2))
      const snapshot = filters.length > 0 && random.below(2) === 0
      if (snapshot) delivery.startWithLastPerSubject(log.state.lastSeq)
      const view = new MessageView()
      for (let step = 0; step < 200; step++) {
        switch (random.below(5)) {
          case 0:
          case 1:
            append()
            turn.run()
            break
          case 2: {
            const seq = delivery.peek()
            if (seq > 0) delivery.take(seq)
            break
          }
          case 3: {
            const seq = 1 + random.below(log.state.lastSeq + 1)
            if (log.read(seq, view) === 0) break
            const { subject } = view
            log.remove(seq)
            delivery.removed(seq, subject)
            break
          }
          default:
            if (random.below(10) > 0) break
            log.removeBelow(log.state.firstSeq + random.below(3))
            delivery.removedBelow(log.state.firstSeq)
        }
        const kept = delivery.numPending
        delivery.recount()
        expect(kept, `seed ${seed}, step ${step}, filters ${filters}, snapshot ${snapshot}`).toBe(delivery.numPending)
      }
      // And it is what is delivered in the end.
      const left = delivery.numPending
      let delivered = 0
      for (let seq = delivery.peek(); seq > 0; seq = delivery.peek()) {
        delivery.take(seq)
        delivered++
      }
      expect([delivered, delivery.numPending], `seed ${seed}`).toEqual([left, 0])
    }
  })
})
