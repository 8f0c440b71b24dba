/** Publishing with acknowledgement, a thousand in flight. Ours are on disk; the judge's are only with `always`. */
import { nativePath } from '../load/native.ts'
import { publishAcked } from '../load/streams.ts'
import type { Row } from '../row.ts'

export const ackedPublish: Row = {
  name: 'acked-publish',
  group: 'acked',
  title: 'acknowledged publish, 1,000 in flight',
  kinds: ['headwater', 'judge', 'judge-always'],
  floors: { judge: 2, 'judge-always': 20 },
  sink: 'native:ack',
  measure: (load, target, seconds) =>
    nativePath() === undefined
      ? load.perform({ kind: 'acked-publish', port: target.port, bare: target.bare, seconds, inFlight: 1000 })
      : publishAcked(target, seconds, { connections: 1, inFlight: 1000, streams: 1 }),
}
