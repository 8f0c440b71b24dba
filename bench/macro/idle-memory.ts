/** Resident memory of a server that nobody uses, half a second after its start. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { SoloRow } from '../row.ts'
import { ServerProcess } from '../server-process.ts'

export const idleMemory: SoloRow = {
  name: 'idle-memory',
  title: 'memory at rest (RSS)',
  unit: 'MB',
  kinds: ['headwater', 'judge'],
  ceiling: 80,
  async measure(kind) {
    const server = await ServerProcess.start(kind)
    await sleep(500)
    const megabytes = server.residentMb()
    await server.stop()
    return megabytes
  },
}
