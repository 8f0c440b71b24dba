/** Reads the `Nats-` headers of a message on its way into a stream, in one pass. */

/** What a publisher asked for. One object is reused; `undefined` is a header that is not there. */
export interface PublishHeaders {
  /** False when no line starts with `Nats-`: nothing below is set. */
  any: boolean
  msgId: string | undefined
  expectedStream: string | undefined
  expectedLastSeq: string | undefined
  expectedLastSubjectSeq: string | undefined
  expectedLastSubjectSeqSubject: string | undefined
  expectedLastMsgId: string | undefined
  rollup: string | undefined
  ttl: string | undefined
  incr: string | undefined
  schedule: string | undefined
  scheduleNext: string | undefined
  scheduler: string | undefined
  streamSource: string | undefined
  batchId: string | undefined
  /** The server's own note about the requester: not stored. */
  requestInfo: string | undefined
}

/** The header of each field, as publishers spell it (case matters). */
const FIELDS: Readonly<Record<string, Exclude<keyof PublishHeaders, 'any'>>> = {
  'Nats-Msg-Id': 'msgId',
  'Nats-Expected-Stream': 'expectedStream',
  'Nats-Expected-Last-Sequence': 'expectedLastSeq',
  'Nats-Expected-Last-Subject-Sequence': 'expectedLastSubjectSeq',
  'Nats-Expected-Last-Subject-Sequence-Subject': 'expectedLastSubjectSeqSubject',
  'Nats-Expected-Last-Msg-Id': 'expectedLastMsgId',
  'Nats-Rollup': 'rollup',
  'Nats-TTL': 'ttl',
  'Nats-Incr': 'incr',
  'Nats-Schedule': 'schedule',
  'Nats-Schedule-Next': 'scheduleNext',
  'Nats-Scheduler': 'scheduler',
  'Nats-Stream-Source': 'streamSource',
  'Nats-Batch-Id': 'batchId',
  'Nats-Request-Info': 'requestInfo',
}

const N = 0x4e
const A = 0x61
const T = 0x74
const S = 0x73
const DASH = 0x2d
const CR = 0x0d
const LF = 0x0a
const COLON = 0x3a
const decoder = new TextDecoder()

/** An object for `readPublishHeaders` to fill. */
export function emptyPublishHeaders(): PublishHeaders {
  return {
    any: false,
    msgId: undefined,
    expectedStream: undefined,
    expectedLastSeq: undefined,
    expectedLastSubjectSeq: undefined,
    expectedLastSubjectSeqSubject: undefined,
    expectedLastMsgId: undefined,
    rollup: undefined,
    ttl: undefined,
    incr: undefined,
    schedule: undefined,
    scheduleNext: undefined,
    scheduler: undefined,
    streamSource: undefined,
    batchId: undefined,
    requestInfo: undefined,
  }
}

/**
 * Fills `into` from the block `bytes[start, end)`; the first value of a repeated header counts.
 * HOT: runs per message with headers. One pass over line starts; strings are made only for lines that begin with `Nats-`.
 */
export function readPublishHeaders(bytes: Uint8Array, start: number, end: number, into: PublishHeaders): void {
  if (into.any) Object.assign(into, NOTHING)
  let line = bytes.indexOf(LF, start) + 1
  while (line > 0 && line + 5 < end) {
    if (
      bytes[line] === N &&
      bytes[line + 1] === A &&
      bytes[line + 2] === T &&
      bytes[line + 3] === S &&
      bytes[line + 4] === DASH
    ) {
      const colon = bytes.indexOf(COLON, line)
      let stop = bytes.indexOf(LF, line)
      if (stop === -1 || stop > end) stop = end
      if (colon !== -1 && colon < stop) {
        const field = FIELDS[decoder.decode(bytes.subarray(line, colon))]
        if (field !== undefined && into[field] === undefined) {
          const valueEnd = bytes[stop - 1] === CR ? stop - 1 : stop
          into[field] = decoder.decode(bytes.subarray(colon + 1, valueEnd)).trim()
          into.any = true
        }
      }
    }
    line = bytes.indexOf(LF, line) + 1
  }
}

const NOTHING: Readonly<PublishHeaders> = Object.freeze(emptyPublishHeaders())

/** A sequence in a header: digits only; anything else is -1, which equals no sequence. */
export function headerSeq(text: string): number {
  return /^\d{1,19}$/.test(text) ? Number(text) : -1
}
