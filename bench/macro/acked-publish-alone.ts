/** The same with one in flight: one synced write per message, so the disk decides; the bare disk stands beside it. */
import type { Row } from '../row.ts'

export const ackedPublishAlone: Row = {
  name: 'acked-publish-alone',
  title: 'acknowledged publish, 1 in flight',
  kinds: ['headwater', 'judge', 'judge-always'],
  measure: (load, { port, bare }, seconds) => load.perform({ kind: 'acked-publish', port, seconds, inFlight: 1, bare }),
}
