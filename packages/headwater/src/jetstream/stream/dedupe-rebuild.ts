/** After a start: reads the duplicate window back from the messages that carry an id, newest first. */
import { timeToMs } from '../../base/time.ts'
import { headerValue } from '../../protocol/headers.ts'
import { MessageView } from '../../store/message-view.ts'
import { COLD, FLAG_MSG_ID, MISSING } from '../../store/stream-log.ts'
import type { Environment } from '../environment.ts'
import type { Stream } from './stream.ts'

/** Fills the stream's window; publishes with an id are refused until then. A message that cannot be read is skipped, and said. */
export async function rebuildDedupe(env: Environment, stream: Stream): Promise<void> {
  const { log, publisher } = stream
  const last = log.state.lastSeq
  if (log.state.messages === 0) return
  publisher.dedupeReady = false
  const oldestMs = env.clock.now() - publisher.dedupe.windowMs
  const view = new MessageView()
  const found: { id: string; seq: number; atMs: number }[] = []
  for (let seq = log.lastSeq(last); seq !== 0; seq = log.lastSeq(seq - 1)) {
    let result = log.read(seq, view)
    if (result === COLD) {
      try {
        await log.load(seq)
      } catch (error) {
        env.log.error({ error, seq, stream: stream.name }, 'a message could not be read: its id is not in the window')
        continue
      }
      result = log.read(seq, view)
    }
    if (result === MISSING) continue
    const atMs = timeToMs(view.time())
    const id =
      (view.flags & FLAG_MSG_ID) === 0
        ? undefined
        : headerValue(view.bytes, view.headersStart, view.headersLength, 'Nats-Msg-Id')
    if (seq === last) publisher.lastMsgId = id ?? ''
    if (atMs <= oldestMs) break
    if (id) found.push({ id, seq, atMs })
  }
  for (const { id, seq, atMs } of found.reverse()) publisher.dedupe.record(id, seq, atMs)
  publisher.dedupeReady = true
}
