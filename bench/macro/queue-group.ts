/** One publisher, ten subscribers in one queue group: each message goes to one of them. */
import { PAYLOAD_BYTES } from '../load/frames.ts'
import type { Row } from '../row.ts'

export const queueGroup: Row = {
  name: 'queue-group',
  group: 'core',
  title: 'queue group of 10',
  kinds: ['headwater', 'judge'],
  floors: { judge: 1.5 },
  sink: 'group',
  measure: (load, { port }, seconds) =>
    load.perform({ kind: 'deliver', port, seconds, subscribers: 10, bytes: PAYLOAD_BYTES, group: true }),
}
