/** Publishing to one subscriber: the whole way through the broker, for three sizes of message. */
import { PAYLOAD_BYTES } from '../load/frames.ts'
import type { Row } from '../row.ts'

export const deliver: Row[] = [
  row('deliver', 'publish to one subscriber', PAYLOAD_BYTES, 2),
  row('deliver-16', 'the same, 16 B', 16, 2),
  row('deliver-64k', 'the same, 64 KiB', 64 * 1024, 1.5),
]

function row(name: string, title: string, bytes: number, floor: number): Row {
  return {
    name,
    group: 'core',
    title,
    kinds: ['headwater', 'judge'],
    floors: { judge: floor },
    sink: `reflect ${bytes}`,
    measure: (load, { port }, seconds) =>
      load.perform({ kind: 'deliver', port, seconds, subscribers: 1, bytes, group: false }),
  }
}
