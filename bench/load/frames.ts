/** Frames made once, so that sending is nothing but writing bytes. */

export const PAYLOAD_BYTES = 128
const CHUNK_BYTES = 64 * 1024

/** As many equal frames as fit in 64 KiB, but one at least. */
export interface Chunk {
  readonly bytes: Buffer
  readonly frames: number
  readonly frameBytes: number
}

export function pubFrame(subject: string, reply = '', bytes = PAYLOAD_BYTES): string {
  return `PUB ${subject} ${reply === '' ? '' : `${reply} `}${bytes}\r\n${'x'.repeat(bytes)}\r\n`
}

export function msgFrame(subject: string, sid: number, reply = '', bytes = PAYLOAD_BYTES): string {
  return `MSG ${subject} ${sid} ${reply === '' ? '' : `${reply} `}${bytes}\r\n${'x'.repeat(bytes)}\r\n`
}

export function chunkOf(frame: string): Chunk {
  const frames = Math.max(1, Math.floor(CHUNK_BYTES / frame.length))
  return { bytes: Buffer.from(frame.repeat(frames), 'latin1'), frames, frameBytes: frame.length }
}

/** A reply subject of constant length for each place in a window. */
export function replySubject(place: number): string {
  return `_INBOX.bench.${String(place).padStart(6, '0')}`
}
