/** Writes a chunk again and again for a while, as fast as the server takes it, and lets reads in between. HOT: per 64 KiB. */
import type { Chunk } from './frames.ts'
import type { Wire } from './wire.ts'

/** Chunks written before the process looks at its other sockets. */
const BURST = 4

/** Resolves with the number of frames written. `mark` is called before each burst, with what was written before it. */
export function pump(wire: Wire, chunk: Chunk, seconds: number, mark: (sent: number) => void): Promise<number> {
  const { socket } = wire
  const end = performance.now() + seconds * 1000
  let sent = 0
  return new Promise((resolve) => {
    const step = () => {
      mark(sent)
      for (let burst = 0; burst < BURST; burst++) {
        socket.write(chunk.bytes)
        sent += chunk.frames
        // Nearly always the kernel takes it at once; when not, the socket says when it has.
        if (socket.writableLength > 0) {
          if (performance.now() < end) socket.once('drain', step)
          else resolve(sent)
          return
        }
      }
      if (performance.now() < end) setImmediate(step)
      else resolve(sent)
    }
    step()
  })
}
