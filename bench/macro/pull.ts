/** A durable pull consumer: batches of 500, each message acknowledged explicitly. */
import type { Row } from '../row.ts'

const MESSAGES = 400_000
const BATCH = 500

export const pull: Row = {
  name: 'pull',
  title: 'pull of 500, explicit ack',
  kinds: ['headwater', 'judge'],
  floors: { judge: 2 },
  sink: 'pull',
  // Beyond the first time the stream is full already.
  prepare: (load, { port, bare }) => load.perform({ kind: 'fill', port, messages: MESSAGES, bare }),
  measure: (load, { port, bare }, seconds) =>
    load.perform({ kind: 'pull', port, seconds, batch: BATCH, messages: MESSAGES, bare }),
}
