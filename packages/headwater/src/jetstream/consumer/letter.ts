/**
 * Composes a dead letter: the original's payload and headers, byte for byte, and what happened to it. Pure.
 *
 * A header that would act again when the letter is read or republished is kept under a prefix; so is a `Dead-Letter-`
 * header that a client had set on an ordinary message. What a former letter said of its own death becomes its origin.
 */
import { formatTime, type Time } from '../../base/time.ts'
import type { HeldReason } from '../../store/consumer-progress.ts'

/** JetStream's bound on a message's headers; the letter keeps it (rule 11). */
export const HEADER_BYTES_MAX = 65_535
/** A message that died so often goes round (rule 16). */
export const HOPS_MAX = 8

const KEPT_PREFIX = 'Dead-Letter-Header-'
const ORIGIN_PREFIX = 'Dead-Letter-Origin-'
const OWN_PREFIX = 'dead-letter-'
const PATH = 'Dead-Letter-Path'
/** Names that act, in lower case; a `*` stands for any rest. */
const ACTING = ['nats-rollup', 'nats-ttl', 'nats-schedule*', 'nats-expected-*', 'nats-batch-*', 'nats-incr']

/** What died. */
export interface Original {
  readonly subject: string
  readonly seq: number
  readonly time: Time
  /** The whole block, or empty. */
  readonly headers: Uint8Array
  readonly payload: Uint8Array
  /** The server wrote it as a letter itself (the record's flag): its `Dead-Letter-` headers are true. */
  readonly isLetter: boolean
}

/** How it died. */
export interface Death {
  readonly stream: string
  readonly consumer: string
  readonly consumerCreated: Time
  readonly consumerSeq: number
  readonly deliveries: number
  readonly reason: HeldReason
  /** What the client said with +TERM. */
  readonly detail: string
}

export interface Letter {
  /** Headers then payload. */
  readonly bytes: Uint8Array
  readonly headersLength: number
  readonly id: string
}

const encoder = new TextEncoder()
const decoder = new TextDecoder()
const FIRST_LINE = encoder.encode('NATS/1.0\r\n')
const LINE_END = encoder.encode('\r\n')

interface Line {
  readonly key: string
  readonly value: string
  readonly bytes: Uint8Array
}

/** The letter, or why there can be none: it goes round. */
export function composeLetter(original: Original, death: Death): Letter | { readonly refused: string } {
  const lines = linesOf(original.headers)
  const path = original.isLetter ? pathOf(lines) : []
  const here = `${death.stream}/${death.consumer}`
  if (path.includes(here)) return { refused: 'loop: this consumer is in its path already' }
  if (path.length >= HOPS_MAX) return { refused: `loop: it died ${path.length} times before` }

  const id = letterId(original.seq, death)
  const identity = [
    line('Dead-Letter-Id', id),
    line('Dead-Letter-Reason', death.reason),
    line('Dead-Letter-Stream', death.stream),
    line('Dead-Letter-Consumer', death.consumer),
    line('Dead-Letter-Subject', original.subject),
    line('Dead-Letter-Sequence', String(original.seq)),
    line('Dead-Letter-Deliveries', String(death.deliveries)),
    line('Dead-Letter-Time', formatTime(original.time)),
    line(PATH, [...path, here].join(', ')),
  ]
  const detail = death.detail === '' ? [] : [line('Dead-Letter-Detail', death.detail)]
  const origin = original.isLetter ? originOf(lines) : []
  const kept = lines.filter((one) => !(original.isLetter && isOwn(one.key))).map((one) => keep(one, original.isLetter))

  // Rule 11: what is said least about goes first, the identity never.
  const groups = [kept, identity, origin, detail]
  let bytes = sizeOf(groups)
  for (const group of [detail, origin, kept]) {
    while (bytes > HEADER_BYTES_MAX && group.length > 0) bytes -= group.pop()!.length
  }
  const headers = join([FIRST_LINE, ...groups.flat(), LINE_END])
  return { bytes: join([headers, original.payload]), headersLength: headers.length, id }
}

/** What a letter is recognised by: stream, consumer and its creation, stream and consumer sequence. Names hold no dots. */
export function letterId(seq: number, death: Death): string {
  const { seconds, nanos } = death.consumerCreated
  const created = `${seconds}${String(nanos).padStart(9, '0')}`
  return `${death.stream}.${death.consumer}.${created}.${seq}.${death.consumerSeq}`
}

/** Consumers that gave it up before, first to last. */
function pathOf(lines: readonly Line[]): string[] {
  const path = lines.find((one) => one.key === PATH)
  return path ? path.value.split(',').map((hop) => hop.trim()) : []
}

/** The first death of a letter that dies again: what it said of itself, unless an earlier one is named already. */
function originOf(lines: readonly Line[]): Uint8Array[] {
  const named = lines.filter((one) => one.key.startsWith(ORIGIN_PREFIX))
  if (named.length > 0) return named.map((one) => one.bytes)
  return lines
    .filter((one) => isOwn(one.key) && one.key !== PATH && !one.key.startsWith(KEPT_PREFIX))
    .map((one) => line(`${ORIGIN_PREFIX}${one.key.slice(OWN_PREFIX.length)}`, one.value))
}

/** A header of the original as the letter has it. */
function keep({ key, bytes }: Line, fromLetter: boolean): Uint8Array {
  if (fromLetter && key.startsWith(KEPT_PREFIX)) return bytes
  return acts(key) ? join([encoder.encode(KEPT_PREFIX), bytes]) : bytes
}

function acts(key: string): boolean {
  const name = key.toLowerCase()
  if (name.startsWith(OWN_PREFIX)) return true
  return ACTING.some((acting) => (acting.endsWith('*') ? name.startsWith(acting.slice(0, -1)) : name === acting))
}

/** Written by the server when it made the letter; kept headers of the original's own are not among them. */
function isOwn(key: string): boolean {
  return key.toLowerCase().startsWith(OWN_PREFIX) && !key.startsWith(KEPT_PREFIX)
}

/** The lines after the first, each with its bytes and line end. */
function linesOf(block: Uint8Array): Line[] {
  const lines: Line[] = []
  let start = 0
  for (let at = 0; at + 1 < block.length; at++) {
    if (block[at] !== 0x0d || block[at + 1] !== 0x0a) continue
    const bytes = block.subarray(start, at + 2)
    const colon = bytes.indexOf(0x3a)
    if (start > 0 && colon > 0) {
      const key = decoder.decode(bytes.subarray(0, colon))
      lines.push({ key, value: decoder.decode(bytes.subarray(colon + 1, bytes.length - 2)).trim(), bytes })
    }
    start = at + 2
    at++
  }
  return lines
}

function line(key: string, value: string): Uint8Array {
  return encoder.encode(`${key}: ${value.replace(/[\r\n]+/g, ' ')}\r\n`)
}

function sizeOf(groups: readonly (readonly Uint8Array[])[]): number {
  let bytes = FIRST_LINE.length + LINE_END.length
  for (const group of groups) for (const part of group) bytes += part.length
  return bytes
}

function join(parts: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    out.set(part, at)
    at += part.length
  }
  return out
}
