/** Publishing to one subscriber: the whole way through the broker. */
import type { Row } from '../row.ts'

export const deliver: Row = {
  name: 'deliver',
  title: 'publish to one subscriber',
  kinds: ['headwater', 'judge'],
  floors: { judge: 1.4 },
  sink: 'reflect-1',
  measure: (load, { port }, seconds) => load.perform({ kind: 'deliver', port, seconds, subscribers: 1 }),
}
