/** One publisher, ten subscribers; counted are deliveries. */
import type { Row } from '../row.ts'

export const fanOut: Row = {
  name: 'fan-out',
  title: 'fan-out to 10 (deliveries)',
  kinds: ['headwater', 'judge'],
  sink: 'reflect-10',
  measure: (load, { port }, seconds) => load.perform({ kind: 'deliver', port, seconds, subscribers: 10 }),
}
