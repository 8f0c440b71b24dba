/** Requests, answered by a second connection: both ways through the broker, alone and 64 in flight. */
import { nativePath, runNative } from '../load/native.ts'
import type { Row } from '../row.ts'

const base = {
  group: 'core',
  kinds: ['headwater', 'judge'],
  floors: { judge: 1.2 },
  sink: 'native:service',
} as const

export const request: Row[] = [
  {
    ...base,
    name: 'request',
    title: 'request and reply, 1 in flight',
    measure: (load, { port }, seconds) =>
      nativePath() === undefined ? load.perform({ kind: 'request', port, seconds }) : ask(port, seconds, 1),
  },
  {
    ...base,
    name: 'request-64',
    title: 'request and reply, 64 in flight',
    needsCompiler: true,
    measure: (_load, { port }, seconds) => ask(port, seconds, 64),
  },
]

function ask(port: number, seconds: number, inFlight: number): ReturnType<Row['measure']> {
  return runNative('request', seconds, [port, seconds, inFlight, 'bench.service', 0, 1])
}
