/** What clients published, in order: read from the bytes that their connections sent. */

import { parseHeaders } from '../../protocol/headers.ts'
import { isValidSubject, subjectMatches } from '../../protocol/subject.ts'
import type { Tap } from '../tap.ts'

/** The last so many messages are remembered; older ones are forgotten. */
const REMEMBERED = 10_000
const CONTROL_LINE_MAX = 64 * 1024

/** A message as it was published. */
export interface Published {
  readonly subject: string
  readonly reply: string
  readonly headers: Readonly<Record<string, string>>
  readonly data: Uint8Array
  /** The payload as text. */
  string(): string
  /** The payload as JSON. Throws SyntaxError when it is not. */
  json<T = unknown>(): T
}

export class PublishedLog {
  #messages: Published[] = []

  /** What was published on subjects that match `pattern` (wildcards allowed), oldest first. Throws when it is not a subject. */
  on(pattern: string): Published[] {
    if (!isValidSubject(pattern)) throw new TypeError(`${JSON.stringify(pattern)} is not a subject`)
    return this.#messages.filter((message) => subjectMatches(pattern, message.subject))
  }

  /** Remembers a message; `headersLength` bytes of `body` are its header block. */
  add(subject: string, reply: string, body: Uint8Array, headersLength: number): void {
    const data = body.subarray(headersLength)
    const string = (): string => new TextDecoder().decode(data)
    this.#messages.push({
      subject,
      reply,
      headers: headersLength > 0 ? Object.fromEntries(parseHeaders(body.subarray(0, headersLength))) : {},
      data,
      string,
      json: <T>() => JSON.parse(string()) as T,
    })
    if (this.#messages.length > REMEMBERED * 2) this.#messages = this.#messages.slice(-REMEMBERED)
  }

  /** A tap for one connection. */
  tap(): Tap {
    let rest: Buffer = Buffer.alloc(0)
    return {
      received: (bytes) => {
        rest = this.#read(rest.length > 0 ? Buffer.concat([rest, bytes]) : bytes)
      },
    }
  }

  /** Reads whole frames; returns what is left. What is malformed is the broker's to refuse: reading ends there. */
  #read(bytes: Buffer): Buffer {
    let at = 0
    for (;;) {
      const end = bytes.indexOf('\r\n', at, 'latin1')
      if (end < 0) return bytes.length - at > CONTROL_LINE_MAX ? Buffer.alloc(0) : bytes.subarray(at)
      const [verb, ...fields] = bytes
        .toString('utf8', at, end)
        .trim()
        .split(/[ \t]+/)
      const sizes = verb.toUpperCase() === 'PUB' ? 1 : verb.toUpperCase() === 'HPUB' ? 2 : 0
      if (sizes === 0) {
        at = end + 2
        continue
      }
      const size = Number(fields.at(-1))
      const start = end + 2
      if (bytes.length < start + size + 2) return bytes.subarray(at)
      const [subject, reply = ''] = fields.slice(0, -sizes)
      this.add(
        subject,
        reply,
        Uint8Array.from(bytes.subarray(start, start + size)),
        sizes === 2 ? Number(fields.at(-2)) : 0,
      )
      at = start + size + 2
    }
  }
}
