/** `Headwater.start()` inside a process, to the first message published and consumed, warm. */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { SoloRow } from '../row.ts'

export const embedded: SoloRow = {
  name: 'embedded',
  title: 'Headwater.start() to first message consumed',
  unit: 'ms',
  kinds: ['headwater'],
  ceiling: 50,
  async measure() {
    const path = fileURLToPath(new URL('../load/embedded.ts', import.meta.url))
    // Without the source condition: the compiled package, as users have it.
    const child = fork(path, [], { execArgv: ['--import', 'tsx'] })
    const measured = once(child, 'message').then(([message]) => (message as { tookMs: number }).tookMs)
    const ended = once(child, 'exit').then(() => Number.NaN)
    return Promise.race([measured, ended])
  },
}
