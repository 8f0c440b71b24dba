/** For tests of the parser: writes down what it finds as text, and makes frames. */
import { type FrameHandler, Parser, type PublishFrame, type Verb } from './parser.ts'
import type { ProtocolError } from './protocol-errors.ts'

/** A handler that writes down what it gets, each as one line of text. */
export class Scribe implements FrameHandler {
  maxPayload = 1024 * 1024
  maxControlLine = 4096
  headers = true
  readonly seen: string[] = []
  /** What the parser said about the frame that is not whole. */
  partialLength = -1
  /** Stops the parser behind lines of this verb. */
  stopAt: Verb | undefined

  publish(bytes: Buffer, frame: PublishFrame): void {
    const text = (start: number, end: number): string => bytes.toString('latin1', start, end)
    const { subjectStart, subjectEnd, replyStart, replyEnd, headersLength, bodyStart, bodyEnd, tail, frameEnd } = frame
    const subject = text(subjectStart, subjectEnd)
    const reply = text(replyStart, replyEnd)
    if (frame.hash !== hashOf(subject)) throw new Error(`hash of ${subject}`)
    const dot = subject.lastIndexOf('.')
    if (frame.lastDot !== (dot === -1 ? -1 : subjectStart + dot)) throw new Error(`last dot of ${subject}`)
    if (frame.prefixHash !== (dot === -1 ? 0 : hashOf(subject.slice(0, dot + 1))))
      throw new Error(`prefix of ${subject}`)
    if (frameEnd !== bodyEnd + 2) throw new Error('end of the frame')
    if (tail >= 0) {
      const numbers = headersLength >= 0 ? `0*${headersLength} 0*${bodyEnd - bodyStart}` : `0*${bodyEnd - bodyStart}`
      const escaped = reply.replace(/[^A-Za-z0-9]/g, (c) => `\\x${c.charCodeAt(0).toString(16).padStart(2, '0')}`)
      const spelled = new RegExp(`^${reply === '' ? '' : `${escaped} `}${numbers}\r\n$`)
      if (!spelled.test(text(tail, bodyStart))) throw new Error(`tail ${JSON.stringify(text(tail, bodyStart))}`)
    }
    this.seen.push(JSON.stringify(['PUB', subject, reply, headersLength, text(bodyStart, bodyEnd)]))
  }

  line(verb: Verb, args: string): boolean {
    this.seen.push(JSON.stringify([verb, args]))
    return verb !== this.stopAt
  }

  partial(length: number): void {
    this.partialLength = length
  }

  refuse(error: ProtocolError): void {
    this.seen.push(JSON.stringify(['refused', error.text ?? 'without a word']))
  }
}

/** Parses `text` (latin1) as one region in the middle of a larger buffer; returns the scribe and how far the parser came. */
export function parseText(text: string, scribe: Scribe = new Scribe()): { scribe: Scribe; consumed: number } {
  const before = 100
  const bytes = Buffer.alloc(before + text.length + 50, 'PUB stale 1\r\n')
  bytes.write(text, before, 'latin1')
  const end = new Parser().parse(bytes, before, before + text.length, scribe)
  return { scribe, consumed: end - before }
}

function hashOf(subject: string): number {
  let hash = 0
  for (let i = 0; i < subject.length; i++) hash = (Math.imul(hash, 31) + subject.charCodeAt(i)) | 0
  return hash
}
