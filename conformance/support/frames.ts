/** Cuts what a server sends into frames: one line, with its payload where the line announces one. */

/** One thing a server said. Runs of blanks in the line are one space (nats-server sends two where there is no reply subject). */
export interface Frame {
  readonly line: string
  /** Headers and body as they came; undefined for lines that carry none. */
  readonly payload: Buffer | undefined
}

export class FrameReader {
  private rest: Buffer = Buffer.alloc(0)

  /** Takes the next bytes from the socket, in any split, and returns the frames they complete. */
  push(bytes: Buffer): Frame[] {
    this.rest = this.rest.length === 0 ? bytes : Buffer.concat([this.rest, bytes])
    const frames: Frame[] = []
    let at = 0
    for (;;) {
      const end = this.rest.indexOf('\r\n', at)
      if (end < 0) break
      const line = this.rest
        .toString('latin1', at, end)
        .replace(/[ \t]+/g, ' ')
        .trim()
      const length = payloadLength(line)
      if (length === undefined) {
        frames.push({ line: Buffer.from(line, 'latin1').toString('utf8'), payload: undefined })
        at = end + 2
        continue
      }
      const start = end + 2
      if (this.rest.length < start + length + 2) break
      frames.push({
        line: Buffer.from(line, 'latin1').toString('utf8'),
        payload: Buffer.from(this.rest.subarray(start, start + length)),
      })
      at = start + length + 2
    }
    this.rest = this.rest.subarray(at)
    return frames
  }
}

function payloadLength(line: string): number | undefined {
  if (!/^H?MSG /i.test(line)) return undefined
  return Number(line.slice(line.lastIndexOf(' ') + 1))
}
