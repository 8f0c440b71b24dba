/** Publishing when nobody subscribes: reading, parsing and finding out that nobody does. */
import type { Row } from '../row.ts'

export const publish: Row = {
  name: 'publish',
  group: 'core',
  title: 'publish, no subscriber',
  kinds: ['headwater', 'judge'],
  floors: { judge: 1.4 },
  sink: 'discard',
  measure: (load, { port, bare }, seconds) => load.perform({ kind: 'publish', port, seconds, bare }),
}
