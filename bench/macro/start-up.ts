/** From starting the process to the first byte that a client gets, on an empty folder. */
import type { SoloRow } from '../row.ts'
import { ServerProcess } from '../server-process.ts'

export const startUp: SoloRow = {
  name: 'start-up',
  title: 'start of the process to INFO',
  unit: 'ms',
  kinds: ['headwater', 'judge'],
  async measure(kind) {
    const server = await ServerProcess.start(kind)
    await server.stop()
    return server.startedMs
  },
}
