/** The last message of each of a million subjects, as a key-value bucket asks for it: one key at a time, and all by a watch. */
import { consume, ORDERED } from '../load/consume.ts'
import { runNative } from '../load/native.ts'
import { filledStream } from '../load/streams.ts'
import type { Row } from '../row.ts'

const SUBJECTS = 1_000_000
const STREAM = 'KV_keys'
const PREFIX = '$KV.keys'

const base = {
  group: 'last',
  kinds: ['headwater', 'judge'],
  floors: { judge: 1.5 },
  needsCompiler: true,
  prepare: (_load, { port, bare }) =>
    bare
      ? Promise.resolve()
      : filledStream(port, STREAM, PREFIX, {
          messages: SUBJECTS,
          keys: SUBJECTS,
          config: { max_msgs_per_subject: 1, allow_direct: true, allow_rollup_hdrs: true, deny_delete: true },
        }),
} as const satisfies Partial<Row>

export const lastMessages: Row[] = [
  {
    ...base,
    name: 'last-get',
    title: 'last message of 1 M subjects by get, 64 in flight',
    sink: 'native:answer',
    measure: (_load, { port }, seconds) =>
      runNative('request', seconds, [port, seconds, 64, `$JS.API.DIRECT.GET.${STREAM}.${PREFIX}.000`, SUBJECTS, 0]),
  },
  {
    ...base,
    name: 'last-watch',
    title: 'last message of 1 M subjects by watch',
    measure: (_load, target) =>
      consume(target, 0, {
        stream: STREAM,
        name: 'watch',
        config: { ...ORDERED, deliver_policy: 'last_per_subject', filter_subject: `${PREFIX}.>` },
        batch: 0,
        acks: false,
        total: SUBJECTS,
      }),
  },
]
