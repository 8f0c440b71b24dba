/** Frames made once, so that sending is nothing but writing bytes. */

export const PAYLOAD_BYTES = 128
const PAYLOAD = 'x'.repeat(PAYLOAD_BYTES)
const CHUNK_BYTES = 64 * 1024

/** As many equal frames as fit in 64 KiB. */
export interface Chunk {
  readonly bytes: Buffer
  readonly frames: number
  readonly frameBytes: number
}

export function pubFrame(subject: string, reply = ''): string {
  return `PUB ${subject} ${reply === '' ? '' : `${reply} `}${PAYLOAD_BYTES}\r\n${PAYLOAD}\r\n`
}

export function msgFrame(subject: string, sid: number, reply = ''): string {
  return `MSG ${subject} ${sid} ${reply === '' ? '' : `${reply} `}${PAYLOAD_BYTES}\r\n${PAYLOAD}\r\n`
}

export function chunkOf(frame: string): Chunk {
  const frames = Math.floor(CHUNK_BYTES / frame.length)
  return { bytes: Buffer.from(frame.repeat(frames), 'latin1'), frames, frameBytes: frame.length }
}

/** A reply subject of constant length for each place in a window. */
export function replySubject(place: number): string {
  return `_INBOX.bench.${String(place).padStart(6, '0')}`
}
