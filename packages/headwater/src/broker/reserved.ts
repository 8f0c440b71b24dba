/** Subjects that clients may not use, and the one that goes to the engine directly: told apart by their bytes. HOT: once per message. */
import { fromWire } from '../protocol/encode.ts'
import type { PublishFrame } from '../protocol/parser.ts'
import { type ProtocolError, protocolErrors } from '../protocol/protocol-errors.ts'

const DOLLAR = 0x24
const UNDERSCORE = 0x5f
const [G, J, R] = [0x47, 0x4a, 0x52]
const ACKS = Buffer.from('$JS.ACK.')
const REPLIES = [ACKS, Buffer.from('_R_.'), Buffer.from('_GR_.')]
const GROUPS = Buffer.from('$NRG.')

/** Whether subject or reply could be special: a look at two or three bytes, false for nearly every message. */
export function mayBeReserved(bytes: Buffer, frame: PublishFrame): boolean {
  return bytes[frame.subjectStart] === DOLLAR || mayBeReservedReply(bytes, frame.replyStart)
}

/** Why a client may not publish this, or undefined. Not *with* a reply of ours (but *to* it), and not between servers. */
export function reservedPublish(bytes: Buffer, frame: PublishFrame): ProtocolError | undefined {
  const { subjectStart, subjectEnd, replyStart, replyEnd } = frame
  if (mayBeReservedReply(bytes, replyStart)) {
    for (const prefix of REPLIES) {
      if (startsWith(bytes, replyStart, replyEnd, prefix)) {
        return protocolErrors.replyDenied(fromWire(bytes.toString('latin1', replyStart, replyEnd)))
      }
    }
  }
  if (!startsWith(bytes, subjectStart, subjectEnd, GROUPS)) return undefined
  return protocolErrors.publishDenied(fromWire(bytes.toString('latin1', subjectStart, subjectEnd)))
}

/** Whether the subject starts with `$JS.ACK.`. */
export function isAckSubject(bytes: Buffer, frame: PublishFrame): boolean {
  return startsWith(bytes, frame.subjectStart, frame.subjectEnd, ACKS)
}

// Without a reply `replyStart` is the place of a size or a blank: neither is `_` or `$`.
function mayBeReservedReply(bytes: Buffer, replyStart: number): boolean {
  const first = bytes[replyStart]
  if (first !== UNDERSCORE && first !== DOLLAR) return false
  const second = bytes[replyStart + 1]
  return second === R || second === G || second === J
}

function startsWith(bytes: Buffer, start: number, end: number, prefix: Buffer): boolean {
  if (end - start < prefix.length) return false
  for (let i = 0; i < prefix.length; i++) if (bytes[start + i] !== prefix[i]) return false
  return true
}
