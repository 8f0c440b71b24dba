/**
 * One message on its way into a stream: checked, numbered, appended and trimmed in one run to completion; the PubAck
 * leaves when the message is readable. The order of the checks is JetStream's (spec 4.2): the first that fails answers.
 */
import { timeToMs } from '../../base/time.ts'
import { removeHeaders, stripStatus } from '../../protocol/headers.ts'
import { MessageView } from '../../store/message-view.ts'
import type { Store } from '../../store/store.ts'
import { type AppendInput, FLAG_MSG_ID, FOUND } from '../../store/stream-log.ts'
import type { AccountUsage } from '../account-usage.ts'
import { type ApiErrorRow, apiErrors } from '../api/errors.ts'
import type { Inbound } from '../bus.ts'
import type { Environment } from '../environment.ts'
import { AckQueue } from './ack-queue.ts'
import { DedupeWindow } from './dedupe.ts'
import { isLifetime, rollupOf, unmetExpectation } from './expectations.ts'
import { emptyPublishHeaders, type PublishHeaders, readPublishHeaders } from './publish-headers.ts'
import { type Arrival, countedBytes, refusal } from './retention.ts'
import type { Stream } from './stream.ts'

const HEADERS_BYTES_MAX = 65_535
/** Length of `NATS/1.0\r\n`: a first line that is longer says a status, which is not stored. */
const VERSION_LINE = 10
const CR = 0x0d
const POISONED = apiErrors.streamStoreFailed('the store failed: whether the message is kept is not known')
const REBUILDING = apiErrors.streamStoreFailed('the duplicate window is being rebuilt')

const encoder = new TextEncoder()

export class Publisher {
  readonly dedupe: DedupeWindow
  readonly acks: AckQueue
  /** The id of the last message that was stored; '' when it had none. */
  lastMsgId = ''
  /** False while the window is being read back after a start. */
  dedupeReady = true
  readonly #env: Environment
  readonly #store: Store
  readonly #usage: AccountUsage
  readonly #stream: Stream
  readonly #headers: PublishHeaders = emptyPublishHeaders()
  readonly #input: AppendInput = {
    subject: '',
    bytes: new Uint8Array(0),
    start: 0,
    headersLength: 0,
    end: 0,
    flags: 0,
  }
  readonly #view = new MessageView()

  constructor(env: Environment, store: Store, usage: AccountUsage, stream: Stream) {
    this.#env = env
    this.#store = store
    this.#usage = usage
    this.#stream = stream
    this.acks = new AckQueue(env.bus, stream.name)
    this.dedupe = new DedupeWindow(stream.config.duplicate_window / 1e6)
  }

  /**
   * Takes a message that the stream's subjects capture. Returns false when the publisher should wait (the store is
   * behind). HOT: once per published message; without headers nothing is allocated but what the log keeps.
   */
  readonly receive = (message: Inbound): boolean | undefined => {
    const input = this.#input
    input.subject = message.subject
    input.bytes = message.bytes
    input.start = message.start
    input.headersLength = message.headersLength
    input.end = message.end
    input.flags = 0
    const reply = this.#stream.config.no_ack ? '' : message.reply
    const refused = message.headersLength === 0 ? this.#takePlain(reply) : this.#takeWithHeaders(reply)
    if (refused !== undefined && reply !== '') this.#refuse(reply, refused)
    return this.#store.congested ? false : undefined
  }

  /** The outcome of everyone who waits is unknown: the store failed. */
  failWaiting(): void {
    this.acks.fail(this.#errorAck(POISONED))
  }

  #takePlain(reply: string): ApiErrorRow | undefined {
    if (this.#store.poisoned) return POISONED
    if (this.#stream.config.sealed) return apiErrors.streamSealed
    if (this.#isTooLarge()) return apiErrors.streamMessageExceedsMaximum
    return this.#append(reply, undefined, undefined)
  }

  #takeWithHeaders(reply: string): ApiErrorRow | undefined {
    const { config, log } = this.#stream
    if (this.#store.poisoned) return POISONED
    if (config.sealed) return apiErrors.streamSealed
    if (this.#isTooLarge()) return apiErrors.streamMessageExceedsMaximum
    const input = this.#input
    const headers = this.#headers
    if (input.bytes[input.start + VERSION_LINE - 2] !== CR) this.#rewriteHeaders((block) => stripStatus(block))
    readPublishHeaders(input.bytes, input.start, input.start + input.headersLength, headers)
    if (headers.found.length === 0) return this.#append(reply, undefined, undefined)
    if (headers.requestInfo !== undefined) {
      this.#rewriteHeaders((block) => removeHeaders(block, (key) => key === 'Nats-Request-Info'))
    }
    const unmet = unmetExpectation(headers, input.subject, config, log)
    if (unmet !== undefined) return unmet
    const id = headers.msgId || undefined
    if (id !== undefined && config.duplicate_window > 0) {
      if (!this.dedupeReady) return REBUILDING
      const known = this.dedupe.find(id, this.#env.clock.now())
      if (known !== undefined) {
        this.#acknowledgeDuplicate(reply, known)
        return undefined
      }
      input.flags |= FLAG_MSG_ID
    }
    if (headers.expectedLastMsgId && headers.expectedLastMsgId !== this.lastMsgId) {
      return apiErrors.streamWrongLastMsgID(this.lastMsgId)
    }
    const rollup = rollupOf(headers, config)
    if (typeof rollup === 'object') return rollup
    if (headers.ttl && !isLifetime(headers.ttl)) return apiErrors.messageTTLInvalid
    return this.#append(reply, id, rollup)
  }

  #isTooLarge(): boolean {
    const { max_msg_size } = this.#stream.config
    return max_msg_size >= 0 && this.#input.end - this.#input.start > max_msg_size
  }

  /** The limits, then the append and what follows from it; an error row when a limit refuses. */
  #append(reply: string, id: string | undefined, rollup: 'sub' | 'all' | undefined): ApiErrorRow | undefined {
    const stream = this.#stream
    const { config, log } = stream
    const input = this.#input
    // Kept apart: an ack that this very stream captures comes back in here before we are done.
    const { subject } = input
    const payloadAndHeaders = input.end - input.start
    if (config.max_msg_size >= 0 && payloadAndHeaders > config.max_msg_size)
      return apiErrors.streamMessageExceedsMaximum
    if (input.headersLength > HEADERS_BYTES_MAX) return apiErrors.streamHeaderExceedsMaximum
    if (this.#store.full && log.storage === 'file') return apiErrors.insufficientResources
    if (config.retention === 'interest' && !stream.hasInterest(subject)) {
      this.#skip(reply, id)
      return undefined
    }
    const bytes = countedBytes(
      log.storage,
      subjectBytes(subject),
      input.headersLength,
      payloadAndHeaders - input.headersLength,
    )
    if (this.#usage.exceeds(log.storage, bytes)) return apiErrors.accountResourcesExceeded
    if (config.discard === 'new') {
      const why = refusal(config, this.#arrival(bytes, rollup !== undefined))
      if (why !== undefined) return apiErrors.streamStoreFailed(why)
    }
    const seq = log.append(input)
    if (id !== undefined) this.dedupe.record(id, seq, timeToMs(log.state.lastTime))
    this.lastMsgId = id ?? ''
    stream.appended(seq, subject, rollup)
    if (reply === '') return undefined
    // In memory a message is readable at once, and its ack need not wait for the end of the turn.
    if (log.readableSeq >= seq) this.acks.send(reply, seq)
    else this.acks.wait(reply, seq)
    return undefined
  }

  /** Nobody is interested: the message takes a sequence and is acknowledged like any other, but not kept. */
  #skip(reply: string, id: string | undefined): void {
    const { log } = this.#stream
    const seq = log.state.lastSeq + 1
    if (this.#input.flags & FLAG_MSG_ID && log.storage === 'file') {
      // A skipped sequence tells no id after a restart: the headers are recorded, and leave in the same frame.
      this.#input.end = this.#input.start + this.#input.headersLength
      log.remove(log.append(this.#input))
    } else log.skipTo(seq)
    if (id !== undefined) this.dedupe.record(id, seq, this.#env.clock.now())
    this.lastMsgId = id ?? ''
    if (reply === '') return
    if (log.readableSeq >= seq) this.acks.send(reply, seq)
    else this.acks.wait(reply, seq)
  }

  #acknowledgeDuplicate(reply: string, seq: number): void {
    if (reply !== '') this.#tell(reply, this.#ack(seq, ',"duplicate": true'), seq)
  }

  #refuse(reply: string, row: ApiErrorRow): void {
    // An error that tells a sequence must not tell one that a crash could take back.
    const tellsState = row.err_code === 10071 || row.err_code === 10070
    this.#tell(reply, this.#errorAck(row), tellsState ? this.#stream.log.state.lastSeq : 0)
  }

  /** Sends an answer that tells of `seq` once that is readable, behind the acks of what came before. */
  #tell(reply: string, told: Uint8Array, seq: number): void {
    const { log } = this.#stream
    if (log.readableSeq >= seq || this.#store.poisoned) this.#env.bus.reply(reply, told, 0, told.length)
    else this.acks.waitToTell(reply, log.state.lastSeq, told)
  }

  #ack(seq: number, more: string): Uint8Array {
    return encoder.encode(`{"stream":${JSON.stringify(this.#stream.name)},"seq":${seq}${more}}`)
  }

  #errorAck(row: ApiErrorRow): Uint8Array {
    return encoder.encode(JSON.stringify({ error: row, stream: this.#stream.name, seq: 0 }))
  }

  #rewriteHeaders(change: (block: Uint8Array) => Uint8Array): void {
    const input = this.#input
    const payload = input.bytes.subarray(input.start + input.headersLength, input.end)
    const block = change(input.bytes.subarray(input.start, input.start + input.headersLength))
    const bytes = new Uint8Array(block.length + payload.length)
    bytes.set(block)
    bytes.set(payload, block.length)
    input.bytes = bytes
    input.start = 0
    input.headersLength = block.length
    input.end = bytes.length
  }

  #arrival(bytes: number, rollup: boolean): Arrival {
    const { log } = this.#stream
    const known = log.subject(this.#input.subject)
    return {
      counts: log.state,
      bytes,
      subjectMessages: known?.messages ?? 0,
      rollup,
      oldestOfSubjectBytes: () => {
        const seq = known?.firstSeq ?? 0
        const view = this.#view
        if (log.read(seq, view) === FOUND) {
          return countedBytes(log.storage, subjectBytes(view.subject), view.headersLength, view.payloadLength)
        }
        // On disk: refused now, known when the publisher tries again.
        log.load(seq).catch((error: unknown) => this.#env.log.warn({ error, seq }, 'a message could not be read'))
        return undefined
      },
    }
  }
}

/** UTF-8 length; subjects are nearly always ASCII. */
function subjectBytes(subject: string): number {
  for (let i = 0; i < subject.length; i++) if (subject.charCodeAt(i) > 127) return encoder.encode(subject).length
  return subject.length
}
