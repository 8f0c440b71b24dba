/** After a start: reads the duplicate window back from the stored messages that carry an id. */
import { timeFromMs, timeToMs } from '../../base/time.ts'
import { MessageView } from '../../store/message-view.ts'
import { COLD, FLAG_MSG_ID, FOUND } from '../../store/stream-log.ts'
import type { Environment } from '../environment.ts'
import { emptyPublishHeaders, type PublishHeaders, readPublishHeaders } from './publish-headers.ts'
import type { Stream } from './stream.ts'

/**
 * Fills the stream's window; publishes with an id are refused until then. Oldest first, as the disk reads ahead. A message
 * that cannot be read is said and passed over.
 */
export async function rebuildDedupe(env: Environment, stream: Stream): Promise<void> {
  const { log, publisher } = stream
  if (log.state.messages === 0) return
  const { dedupe } = publisher
  publisher.dedupeReady = false
  const view = new MessageView()
  const headers = emptyPublishHeaders()
  const last = log.lastSeq(log.state.lastSeq)
  let seq = dedupe.windowMs > 0 ? log.nextSeq(await log.seqAt(timeFromMs(env.clock.now() - dedupe.windowMs))) : last
  // The last message is looked at in any case: a publisher may expect its id.
  for (seq ||= last; seq !== 0 && seq <= last; seq = log.nextSeq(seq + 1)) {
    const found = read(env, stream, seq, view)
    if (typeof found === 'boolean' ? !found : !(await found)) continue
    const id = idOf(view, headers)
    if (id) dedupe.record(id, seq, timeToMs(view.time()))
    if (seq === log.state.lastSeq) publisher.lastMsgId = id ?? ''
  }
  publisher.dedupeReady = true
}

/** The id as the publisher's own check reads it, down to its blanks. */
function idOf(view: MessageView, headers: PublishHeaders): string | undefined {
  if ((view.flags & FLAG_MSG_ID) === 0) return undefined
  readPublishHeaders(view.bytes, view.headersStart, view.payloadStart, headers)
  return headers.msgId
}

/** Reads into `view`; false when the message cannot be read. A promise only when it is on disk. */
function read(env: Environment, stream: Stream, seq: number, view: MessageView): boolean | Promise<boolean> {
  const found = stream.log.read(seq, view)
  if (found !== COLD) return found === FOUND
  return stream.log.load(seq).then(
    () => stream.log.read(seq, view) === FOUND,
    (error: unknown) => {
      env.log.error({ error, seq, stream: stream.name }, 'a message could not be read: its id is not in the window')
      return false
    },
  )
}
