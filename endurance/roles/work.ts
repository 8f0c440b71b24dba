/** Workers of a queue: each message's id says how it is treated, so that the end of each is known beforehand. */
import type { JsMsg } from '@nats-io/jetstream'
import type { ConsumerLedger } from '../ledger.ts'
import { hashOf, idOf } from '../payload.ts'
import type { World } from '../world.ts'
import { settle } from './consume.ts'

/** `ack`: at once. `nak`, `late`, `working`: once or longer, then acknowledged. `poison`: never. `term`: given up at once. */
export type Treatment = 'ack' | 'nak' | 'late' | 'working' | 'poison' | 'term'

export function treatmentOf(id: string): Treatment {
  const roll = hashOf(`${id} treatment`) % 1000
  if (roll < 20) return 'poison'
  if (roll < 40) return 'term'
  if (roll < 100) return 'nak'
  if (roll < 105) return 'late'
  if (roll < 125) return 'working'
  return 'ack'
}

/** What to do with each delivery. `deadLetters`: poison and terminated messages end as letters; without, poison is acknowledged. */
export function worker(world: World, ledger: ConsumerLedger, deadLetters: boolean): (message: JsMsg) => void {
  return (message) => {
    const id = idOf(message.string())
    const { deliveryCount } = message.info
    const treatment = id === undefined ? 'ack' : treatmentOf(id)
    const skip = (): void => ledger.see(message.seq, id, deliveryCount)
    if (treatment === 'poison' && deadLetters) {
      skip()
      world.counts.naks += 1
      message.nak()
    } else if (treatment === 'term') {
      skip()
      ledger.acking(message.seq)
      world.counts.terminations += 1
      message.term('as its id says')
    } else if (treatment === 'nak' && deliveryCount === 1) {
      skip()
      world.counts.naks += 1
      message.nak(message.seq % 2 === 0 ? undefined : 200)
    } else if (treatment === 'late' && deliveryCount === 1) {
      skip()
    } else if (treatment === 'working' && deliveryCount === 1) {
      message.working()
      settle(ledger, message)
    } else settle(ledger, message)
  }
}
