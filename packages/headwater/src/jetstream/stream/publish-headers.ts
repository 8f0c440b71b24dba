/** Reads the `Nats-` headers of a message on its way into a stream, in one pass. */

/** What a publisher asked for. One object is reused; `undefined` is a header that is not there. */
export interface PublishHeaders {
  /** The fields below that are set. */
  readonly found: HeaderField[]
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

/** A field of PublishHeaders that holds a header's value. */
export type HeaderField = Exclude<keyof PublishHeaders, 'found'>

/** The header of each field, as publishers spell it (case matters). */
const FIELDS: readonly (readonly [header: string, field: HeaderField])[] = [
  ['Nats-Msg-Id', 'msgId'],
  ['Nats-Expected-Stream', 'expectedStream'],
  ['Nats-Expected-Last-Sequence', 'expectedLastSeq'],
  ['Nats-Expected-Last-Subject-Sequence', 'expectedLastSubjectSeq'],
  ['Nats-Expected-Last-Subject-Sequence-Subject', 'expectedLastSubjectSeqSubject'],
  ['Nats-Expected-Last-Msg-Id', 'expectedLastMsgId'],
  ['Nats-Rollup', 'rollup'],
  ['Nats-TTL', 'ttl'],
  ['Nats-Incr', 'incr'],
  ['Nats-Schedule', 'schedule'],
  ['Nats-Schedule-Next', 'scheduleNext'],
  ['Nats-Scheduler', 'scheduler'],
  ['Nats-Stream-Source', 'streamSource'],
  ['Nats-Batch-Id', 'batchId'],
  ['Nats-Request-Info', 'requestInfo'],
]

interface Candidate {
  readonly key: Uint8Array
  readonly field: HeaderField
}

/** The keys by their length: two at most share one, so that a line is told apart without making a string of it. */
const BY_LENGTH: readonly (readonly Candidate[])[] = (() => {
  const table: Candidate[][] = Array.from({ length: 64 }, () => [])
  for (const [header, field] of FIELDS) table[header.length].push({ key: new TextEncoder().encode(header), field })
  return table
})()

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
    found: [],
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
 * HOT: runs per message with headers. One pass over line starts; only the values of known headers become strings.
 */
export function readPublishHeaders(bytes: Uint8Array, start: number, end: number, into: PublishHeaders): void {
  if (into.found.length > 0) {
    for (const field of into.found) into[field] = undefined
    into.found.length = 0
  }
  let line = bytes.indexOf(LF, start) + 1
  while (line > 0 && line + 5 < end) {
    let next = bytes.indexOf(LF, line)
    if (next === -1 || next >= end) next = end - 1
    if (
      bytes[line] === N &&
      bytes[line + 1] === A &&
      bytes[line + 2] === T &&
      bytes[line + 3] === S &&
      bytes[line + 4] === DASH
    ) {
      readLine(bytes, line, bytes[next - 1] === CR ? next - 1 : next, into)
    }
    line = next + 1
  }
}

function readLine(bytes: Uint8Array, line: number, end: number, into: PublishHeaders): void {
  const colon = bytes.indexOf(COLON, line)
  if (colon === -1 || colon >= end) return
  const length = colon - line
  if (length >= BY_LENGTH.length) return
  for (const { key, field } of BY_LENGTH[length]) {
    let at = 5
    while (at < length && bytes[line + at] === key[at]) at++
    if (at < length) continue
    if (into[field] !== undefined) return
    // Blanks before a value do not count, blanks after it do: conformance, jetstream/publish.
    into[field] = decoder.decode(bytes.subarray(colon + 1, end)).trimStart()
    into.found.push(field)
    return
  }
}

/** A sequence in a header: digits only; anything else is -1, which equals no sequence. */
export function headerSeq(text: string): number {
  return /^\d{1,19}$/.test(text) ? Number(text) : -1
}
