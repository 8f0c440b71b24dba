/** The API's calls about single messages: get and delete. */
import { formatTime, parseTime } from '../../base/time.ts'
import { MessageView } from '../../store/message-view.ts'
import { COLD, FOUND, type StreamLog } from '../../store/stream-log.ts'
import type { JetStream } from '../jetstream.ts'
import { lastSeqOf } from '../stream/expectations.ts'
import { ApiError, apiErrors } from './errors.ts'
import type { ObjectShape, Shape } from './json-shape.ts'
import type { ApiRow } from './router.ts'

/** What a get may be asked by. */
export interface GetRequest {
  readonly seq?: number
  readonly last_by_subj?: string
  readonly next_by_subj?: string
  readonly start_time?: string
  readonly batch?: number
  readonly max_bytes?: number
  readonly multi_last?: string[]
  readonly up_to_seq?: number
  readonly up_to_time?: string
  readonly no_hdr?: boolean
}

const getFields: Shape = {
  seq: 'uint64',
  last_by_subj: 'string',
  next_by_subj: 'string',
  start_time: 'time',
  batch: 'int',
  max_bytes: 'int',
  multi_last: { list: 'string' },
  up_to_seq: 'uint64',
  up_to_time: 'time',
  no_hdr: 'bool',
}
const getShape: ObjectShape = { goName: 'JSApiMsgGetRequest', fields: getFields }
/** Direct gets ignore what they do not know. */
export const directGetShape: ObjectShape = { goName: 'JSApiMsgGetRequest', fields: getFields, lenient: true }
const deleteShape: ObjectShape = {
  goName: 'JSApiMsgDeleteRequest',
  fields: { seq: 'uint64', no_erase: 'bool' },
}

/** The rows of this file. */
export function messageRows(jetstream: JetStream): ApiRow[] {
  return [
    {
      pattern: 'STREAM.MSG.GET.*',
      type: 'stream_msg_get',
      body: 'some-json',
      shape: getShape,
      handle({ tokens, body }) {
        const request = body as GetRequest
        if (isMalformedGet(request) || batches(request)) throw new ApiError(apiErrors.badRequest)
        return getMessage(jetstream.streamOrThrow(tokens[0]).log, request)
      },
    },
    {
      pattern: 'STREAM.MSG.DELETE.*',
      type: 'stream_msg_delete',
      body: 'some-json',
      shape: deleteShape,
      changes: true,
      handle({ tokens, body }) {
        const stream = jetstream.streamOrThrow(tokens[0])
        const seq = (body.seq as number | undefined) ?? 0
        if (stream.config.sealed) throw new ApiError(apiErrors.streamSealed)
        if (stream.config.deny_delete) {
          throw new ApiError(apiErrors.streamMsgDeleteFailed('message delete not permitted'))
        }
        if (!stream.remove(seq, body.no_erase !== true)) throw new ApiError(apiErrors.sequenceNotFound(seq))
        return { success: true }
      },
    },
  ]
}

/** Whether a request asks for nothing: every selector is absent, zero or empty. */
export function isEmptyGet(request: GetRequest): boolean {
  const { no_hdr: _, max_bytes: __, ...selectors } = request
  return !Object.values(selectors).some(Boolean)
}

/** Whether the fields contradict each other, or select no message. */
export function isMalformedGet(request: GetRequest): boolean {
  const { seq, last_by_subj, next_by_subj, start_time, batch, multi_last } = request
  if (!seq && !last_by_subj && !next_by_subj && !start_time && !multi_last) return true
  if (seq && (last_by_subj || start_time)) return true
  if (last_by_subj && (start_time || next_by_subj || batch || multi_last)) return true
  if (next_by_subj && multi_last) return true
  return Boolean(request.up_to_seq && request.up_to_time)
}

/** Whether more than one message is asked for. */
export function batches(request: GetRequest): boolean {
  return Boolean(request.batch || request.max_bytes || request.multi_last || request.up_to_seq || request.up_to_time)
}

/** The sequence that a request for one message means; 0 when there is none. A promise only for a start time. */
export function seqOf(log: StreamLog, request: GetRequest): number | Promise<number> {
  if (request.last_by_subj) return lastSeqOf(log, request.last_by_subj)
  if (request.start_time) {
    const time = parseTime(request.start_time)
    if (!time) return 0
    return log.seqAt(time).then((seq) => nextOf(log, seq, request.next_by_subj))
  }
  if (request.next_by_subj) return nextOf(log, request.seq ?? 0, request.next_by_subj)
  return request.seq ?? 0
}

/** Reads `seq` into `view`; false when it is not there. A promise only when the message is on disk. */
export function readMessage(log: StreamLog, seq: number, view: MessageView): boolean | Promise<boolean> {
  const found = log.read(seq, view)
  if (found !== COLD) return found === FOUND
  return log.load(seq).then(() => log.read(seq, view) === FOUND)
}

function nextOf(log: StreamLog, from: number, subject: string | undefined): number {
  if (!subject) return log.nextSeq(from)
  const filter = log.filter([subject])
  try {
    return log.nextSeq(from, filter)
  } finally {
    filter.close()
  }
}

async function getMessageLater(
  found: boolean | Promise<boolean>,
  view: MessageView,
  request: GetRequest,
): Promise<object> {
  if (!(await found)) throw new ApiError(apiErrors.noMessageFound)
  return messageOf(view, request)
}

/** Answers at once when it can, so that what it tells is of the turn in which it was asked. */
function getMessage(log: StreamLog, request: GetRequest): object | Promise<object> {
  const view = new MessageView()
  const seq = seqOf(log, request)
  if (typeof seq !== 'number') {
    const later = seq.then((at) => readMessage(log, at, view))
    return getMessageLater(later, view, request)
  }
  const found = readMessage(log, seq, view)
  if (typeof found !== 'boolean') return getMessageLater(found, view, request)
  if (!found) throw new ApiError(apiErrors.noMessageFound)
  return messageOf(view, request)
}

function messageOf(view: MessageView, request: GetRequest): object {
  return {
    message: {
      subject: view.subject,
      seq: view.seq,
      ...(view.headersLength > 0 && !request.no_hdr ? { hdrs: base64(view.headers()) } : {}),
      ...(view.payloadLength > 0 ? { data: base64(view.payload()) } : {}),
      time: formatTime(view.time()),
    },
  }
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('base64')
}
