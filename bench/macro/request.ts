/** One request in flight, answered by a second connection: latency, both ways through the broker. */
import type { Row } from '../row.ts'

export const request: Row = {
  name: 'request',
  title: 'request and reply, 1 in flight',
  kinds: ['headwater', 'judge'],
  sink: 'service',
  measure: (load, { port }, seconds) => load.perform({ kind: 'request', port, seconds }),
}
