/** The same with one in flight: one synced write per message, so the disk decides; the bare disk stands beside it. */
import { nativePath } from '../load/native.ts'
import { publishAcked } from '../load/streams.ts'
import type { Row } from '../row.ts'

export const ackedPublishAlone: Row = {
  name: 'acked-publish-alone',
  group: 'acked',
  title: 'acknowledged publish, 1 in flight',
  kinds: ['headwater', 'judge', 'judge-always'],
  sink: 'native:ack',
  measure: (load, target, seconds) =>
    nativePath() === undefined
      ? load.perform({ kind: 'acked-publish', port: target.port, bare: target.bare, seconds, inFlight: 1 })
      : publishAcked(target, seconds, { connections: 1, inFlight: 1, streams: 1 }),
}
