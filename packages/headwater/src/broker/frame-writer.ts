/**
 * Messages of the server itself, spelled as a client's PUB would be, so that they take the same way as a client's.
 * HOT: once per reply of the engine. A frame lies in a chunk of the arena for as long as it is delivered; publishing from within a
 * delivery takes the next chunk. A large one gets a buffer of its own, which its receivers then share.
 */

import { copyBytes, writeLatin1, writeNumber } from '../protocol/encode.ts'
import { hashSubject, PublishFrame } from '../protocol/parser.ts'
import { CHUNK_SIZE, giveChunk, mem, takeChunk } from './arena.ts'
import { SHARED_MIN } from './deliver.ts'

/** Room for the head of a MSG that is composed in front of the subject. */
const ROOM = 2048
/** Blanks, two sizes, two line ends. */
const AROUND = 32
const CR = 0x0d
const LF = 0x0a
const SPACE = 0x20

/** A message to write. Subject and reply are wire text; bytes[start, end) are headers, then payload. */
export interface OwnMessage {
  subject: string
  reply: string
  headers: Uint8Array | undefined
  bytes: Uint8Array
  start: number
  /** Of `bytes`; headers given apart are not counted. */
  headersLength: number
  end: number
}

export class FrameWriter {
  readonly #frames: PublishFrame[] = []
  #depth = 0

  /** Writes the frame of `message` and passes it to `use`; it is gone afterwards. */
  write(message: OwnMessage, use: (bytes: Buffer, frame: PublishFrame) => void): void {
    const { subject, reply, headers, bytes, start, end } = message
    const headersLength = headers === undefined ? message.headersLength : headers.length
    const size = end - start + (headers === undefined ? 0 : headers.length)
    const length = subject.length + reply.length + size + AROUND
    const isSmall = size <= SHARED_MIN && length <= CHUNK_SIZE - ROOM
    const chunk = isSmall ? takeChunk() : 0
    const to = isSmall ? mem : Buffer.allocUnsafeSlow(length)
    const frame = this.#frames[this.#depth] ?? (this.#frames[this.#depth] = new PublishFrame())
    this.#depth++
    try {
      frame.subjectStart = isSmall ? chunk + ROOM : 0
      let at = writeLatin1(to, frame.subjectStart, subject)
      frame.subjectEnd = at
      hashSubject(to, frame)
      to[at++] = SPACE
      frame.tail = frame.replyStart = frame.replyEnd = at
      if (reply !== '') {
        frame.replyEnd = at = writeLatin1(to, at, reply)
        to[at++] = SPACE
      }
      frame.headersLength = headersLength > 0 ? headersLength : -1
      if (headersLength > 0) {
        at = writeNumber(to, at, headersLength)
        to[at++] = SPACE
      }
      at = writeNumber(to, at, size)
      to[at++] = CR
      to[at++] = LF
      frame.bodyStart = at
      if (headers !== undefined) at = copyBytes(to, at, headers, 0, headers.length)
      at = copyBytes(to, at, bytes, start, end)
      frame.bodyEnd = at
      to[at++] = CR
      to[at++] = LF
      frame.frameEnd = at
      use(to, frame)
    } finally {
      this.#depth--
      if (isSmall) giveChunk(chunk)
    }
  }
}
