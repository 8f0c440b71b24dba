/** 64 publishers, each waiting for its acknowledgement before the next message: into one stream, and each into its own. */
import { publishAcked } from '../load/streams.ts'
import type { Row } from '../row.ts'

const PUBLISHERS = 64

export const ackedPublishMany: Row[] = [
  row('acked-publish-64', 'acknowledged publish, 64 publishers, 1 in flight each', 1),
  row('acked-publish-64-streams', 'the same over 64 streams', PUBLISHERS),
]

function row(name: string, title: string, streams: number): Row {
  return {
    name,
    group: 'acked',
    title,
    kinds: ['headwater', 'judge', 'judge-always'],
    floors: { judge: 1.1 },
    sink: 'native:ack',
    needsCompiler: true,
    measure: (_load, target, seconds) =>
      publishAcked(target, seconds, { connections: PUBLISHERS, inFlight: 1, streams }),
  }
}
