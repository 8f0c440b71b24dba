/**
 * After a start: fills the duplicate window again. The store kept the newest ids, also of messages that are gone; those of
 * older messages, and of a stream that was written before ids were kept, are read from what is stored.
 */
import { timeFromMs, timeToMs } from '../../base/time.ts'
import { MessageView } from '../../store/message-view.ts'
import { COLD, FLAG_MSG_ID, FOUND, type KeptId } from '../../store/stream-log.ts'
import type { Environment } from '../environment.ts'
import type { DedupeWindow } from './dedupe.ts'
import { emptyPublishHeaders, type PublishHeaders, readPublishHeaders } from './publish-headers.ts'
import type { Stream } from './stream.ts'

/**
 * Fills the stream's window; publishes with an id are refused until then. Oldest first, as the disk reads ahead. A message
 * that cannot be read is said and passed over.
 */
export async function rebuildDedupe(env: Environment, stream: Stream): Promise<void> {
  const { log, publisher } = stream
  const { dedupe } = publisher
  const recovered = new Recovered(env, stream)
  if (log.state.messages === 0) {
    recovered.takeBelow(Number.POSITIVE_INFINITY)
    log.recoveredIds = []
    return
  }
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
    recovered.takeBelow(seq)
    if (id && !recovered.has(seq)) dedupe.record(id, seq, timeToMs(view.time()))
    if (seq === log.state.lastSeq) publisher.lastMsgId = id ?? ''
  }
  recovered.takeBelow(Number.POSITIVE_INFINITY)
  // Only now: until here a checkpoint takes its ids from there.
  log.recoveredIds = []
  publisher.dedupeReady = true
}

/** The ids that the store kept, on their way into the window: what is read comes in between, in the order of the sequences. */
class Recovered {
  readonly #dedupe: DedupeWindow
  readonly #ids: readonly KeptId[]
  #next: number

  constructor(env: Environment, { log, publisher }: Stream) {
    this.#dedupe = publisher.dedupe
    this.#ids = log.recoveredIds
    const before = env.clock.now() - this.#dedupe.windowMs
    const first = this.#ids.findIndex(({ atMs }) => atMs > before)
    this.#next = first < 0 ? this.#ids.length : first
  }

  /** Moves those below `seq` into the window. */
  takeBelow(seq: number): void {
    for (; this.#next < this.#ids.length && this.#ids[this.#next].seq < seq; this.#next++) {
      const { id, seq: at, atMs } = this.#ids[this.#next]
      this.#dedupe.record(id, at, atMs)
    }
  }

  /** True when `seq`, which is not below what was taken, comes with the next ones. */
  has(seq: number): boolean {
    return this.#ids[this.#next]?.seq === seq
  }
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
