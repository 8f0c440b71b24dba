/**
 * A server that does no work: it answers by counting bytes. What the load generator reaches against it is the generator's
 * ceiling; a row that comes near says more about the generator than about the server.
 *
 * Argument: discard, reflect-N (N subscribers), service, ack or pull. Prints its port.
 */
import { createServer, Socket } from 'node:net'
import { STREAM_SUBJECT } from './acked-publish.ts'
import { SUBJECT } from './core.ts'
import { chunkOf, msgFrame, pubFrame, replySubject } from './frames.ts'

const [mode] = process.argv.slice(2)
const subscribers: Socket[] = []
const shared = Buffer.allocUnsafeSlow(256 * 1024)

const reflected = chunkOf(msgFrame(SUBJECT, 1))
const pubBytes = pubFrame(SUBJECT).length
const ackedBytes = pubFrame(STREAM_SUBJECT, replySubject(0)).length
const acks = chunkOf(`MSG ${replySubject(0)} 1 28\r\n{"stream":"BENCH","seq":123}\r\n`)
const pulled = chunkOf(msgFrame('bench.pull', 1, '$JS.ACK.PULL.c.1.123456.123456.1700000000000000000.123456'))

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
    const frameBytes = mode === 'ack' ? ackedBytes : pubBytes
    if (!asksPong || mode === 'discard') state.bytes += length
    const frames = Math.floor(state.bytes / frameBytes) - state.frames
    state.frames += frames
    if (mode.startsWith('reflect')) for (const subscriber of subscribers) write(subscriber, reflected, frames)
    else if (mode === 'ack') write(socket, acks, frames)
    else if (mode === 'pull') {
      for (let at = buffer.indexOf(0x7b); at >= 0 && at < length; at = buffer.indexOf(0x7b, at + 1))
        write(socket, pulled, 500)
    } else if (mode === 'service' && !asksPong) answer(buffer)
  }
  if (asksPong) socket.write('PONG\r\n')
}

/** The one request goes to the responder, its answer to the requester, whatever they say. */
function answer(buffer: Buffer): void {
  const [responder, requester] = subscribers
  if (buffer.toString('latin1', 4, 17) === 'bench.service')
    responder.write(msgFrame('bench.service', 1, replySubject(0)))
  else requester.write(msgFrame(replySubject(0), 1))
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
