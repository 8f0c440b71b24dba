/** A stored stream from its first message to its last, in order: pages of the disk forgotten and the server restarted, and warm. */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { consume, ORDERED } from '../load/consume.ts'
import { runNative } from '../load/native.ts'
import { filledStream } from '../load/streams.ts'
import type { Row, Target } from '../row.ts'
import type { ServerProcess } from '../server-process.ts'

const MESSAGES = 1_000_000
const STREAM = 'REPLAYED'

const base = {
  group: 'consume',
  kinds: ['headwater', 'judge'],
  floors: { judge: 1.5 },
  needsCompiler: true,
  measure: (_load, target) =>
    consume(target, 0, {
      stream: STREAM,
      name: 'replay',
      config: { ...ORDERED, deliver_policy: 'all' },
      batch: 0,
      acks: false,
      total: MESSAGES,
    }),
} as const satisfies Partial<Row>

export const replays: Row[] = [
  {
    ...base,
    name: 'replay-cold',
    title: 'ordered replay of 1 M messages, cold',
    async prepare(_load, target) {
      await fill(target)
      if (target.server) await cool(target, target.server)
    },
  },
  { ...base, name: 'replay', title: 'ordered replay of 1 M messages, warm', prepare: (_load, target) => fill(target) },
]

async function fill({ port }: Target): Promise<void> {
  await filledStream(port, STREAM, 'replayed', { messages: MESSAGES })
}

/** Stops the server, has the system forget the pages of its files, and starts it again: nothing is in memory anywhere. */
async function cool(target: Target, server: ServerProcess): Promise<void> {
  await server.restart(async () => {
    const files = readdirSync(server.folder, { recursive: true, withFileTypes: true })
    const paths = files.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
    await runNative('evict', 60, paths)
  })
  target.port = server.port
}
