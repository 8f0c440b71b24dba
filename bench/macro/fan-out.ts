/** One publisher, ten subscribers and a hundred; counted are deliveries. */
import { PAYLOAD_BYTES } from '../load/frames.ts'
import type { Row } from '../row.ts'

export const fanOut: Row[] = [row('fan-out', 10, 2.5), row('fan-out-100', 100, 2)]

function row(name: string, subscribers: number, floor: number): Row {
  return {
    name,
    group: 'core',
    title: `fan-out to ${subscribers} (deliveries)`,
    kinds: ['headwater', 'judge'],
    floors: { judge: floor },
    sink: 'reflect',
    measure: (load, { port }, seconds) =>
      load.perform({ kind: 'deliver', port, seconds, subscribers, bytes: PAYLOAD_BYTES, group: false }),
  }
}
