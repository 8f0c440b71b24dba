/**
 * A server that does no work: it answers by counting bytes. What the load generator reaches against it is the generator's
 * ceiling; a row that comes near says more about the generator than about the server.
 *
 * Arguments: discard, reflect (to every subscriber), or group (to one of them by turns); and the bytes of a payload.
 * Sends its port.
 */
import { createServer, Socket } from 'node:net'
import { SUBJECT } from './core.ts'
import { chunkOf, msgFrame, PAYLOAD_BYTES, pubFrame } from './frames.ts'

const [mode, bytes] = process.argv.slice(2)
const payloadBytes = Number(bytes ?? PAYLOAD_BYTES)
const subscribers: Socket[] = []
let turn = 0
const shared = Buffer.allocUnsafeSlow(256 * 1024)

const reflected = chunkOf(msgFrame(SUBJECT, 1, '', payloadBytes))
const pubBytes = pubFrame(SUBJECT, '', payloadBytes).length

/** Writes `frames` frames of a chunk. */
function write(socket: Socket, chunk: typeof reflected, frames: number): void {
  for (let left = frames; left > 0; left -= chunk.frames) {
    socket.write(chunk.bytes.subarray(0, Math.min(left, chunk.frames) * chunk.frameBytes))
  }
}

function serve(socket: Socket, state: { bytes: number; frames: number }, buffer: Buffer, length: number): void {
  const asksPong = length >= 6 && buffer.toString('latin1', length - 6, length) === 'PING\r\n'
  if (buffer[0] === 0x53 && buffer.toString('latin1', 0, 3) === 'SUB') subscribers.push(socket)
  else if (buffer[0] === 0x50 || state.bytes > 0) {
    if (!asksPong || mode === 'discard') state.bytes += length
    const frames = Math.floor(state.bytes / pubBytes) - state.frames
    state.frames += frames
    if (mode === 'reflect') for (const subscriber of subscribers) write(subscriber, reflected, frames)
    else if (mode === 'group') write(subscribers[turn++ % subscribers.length], reflected, frames)
  }
  if (asksPong) socket.write('PONG\r\n')
}

const server = createServer()
server.listen(0, '127.0.0.1', () => {
  // The same way of reading as everywhere here: one buffer, no allocation per read.
  const handle = (server as unknown as { _handle: { onconnection: (error: unknown, client: unknown) => void } })._handle
  handle.onconnection = (_error, client) => {
    const state = { bytes: 0, frames: 0 }
    const socket: Socket = new Socket({
      handle: client,
      onread: {
        buffer: shared,
        callback: (length: number, buffer: Uint8Array) => {
          serve(socket, state, buffer as Buffer, length)
          return true
        },
      },
    } as object)
    socket.setNoDelay(true)
    socket.on('error', () => {})
    socket.on('close', () => subscribers.splice(subscribers.indexOf(socket), subscribers.includes(socket) ? 1 : 0))
    socket.resume()
    socket.write('INFO {"server_id":"sink","version":"0","max_payload":1048576}\r\n')
  }
  process.send?.({ port: (server.address() as { port: number }).port })
})
