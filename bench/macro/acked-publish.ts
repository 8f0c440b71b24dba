/** Publishing with acknowledgement, a thousand in flight. Ours are on disk; the judge's are only with `always`. */
import type { Row } from '../row.ts'

export const ackedPublish: Row = {
  name: 'acked-publish',
  title: 'acknowledged publish, 1,000 in flight',
  kinds: ['headwater', 'judge', 'judge-always'],
  floors: { judge: 1.3, 'judge-always': 5 },
  sink: 'ack',
  measure: (load, { port, bare }, seconds) =>
    load.perform({ kind: 'acked-publish', port, seconds, inFlight: 1000, bare }),
}
