/** Pulls batches and acknowledges each message, with frames cut by hand. HOT: per message, one copy of its reply subject. */
import { freshStream, publishWindow } from './acked-publish.ts'
import { PAYLOAD_BYTES } from './frames.ts'
import type { Sample } from './tasks.ts'
import { ask, Wire } from './wire.ts'

const STREAM = 'PULL'
const SUBJECT = 'bench.pull'
const CONSUMER = 'c'
/** Batches asked for at a time: the next is on its way while one is being worked on, as the clients do it. */
const REQUESTS = 2
const LF = 0x0a

/** Fills the stream once; later calls find it full. */
export async function fill(port: number, messages: number, bare: boolean): Promise<Sample> {
  if (bare) return { count: messages, seconds: 0 }
  const info = await ask<{ state: { messages: number } }>(port, `STREAM.INFO.${STREAM}`, {}).catch(() => undefined)
  if (info && info.state.messages >= messages) return { count: messages, seconds: 0 }
  await freshStream(port, STREAM, SUBJECT)
  return publishWindow(port, SUBJECT, 1000, (acked) => acked < messages)
}

export interface PullTask {
  port: number
  seconds: number
  batch: number
  /** How many the stream holds. */
  messages: number
  bare: boolean
}

/** Pulls until the time is over or the stream is empty. */
export async function pull({ port, seconds, batch, messages, bare }: PullTask): Promise<Sample> {
  if (!bare) {
    await ask(port, `CONSUMER.DELETE.${STREAM}.${CONSUMER}`, {}).catch(() => {})
    const config = { durable_name: CONSUMER, ack_policy: 'explicit', deliver_policy: 'all', max_ack_pending: 20_000 }
    await ask(port, `CONSUMER.DURABLE.CREATE.${STREAM}.${CONSUMER}`, { stream_name: STREAM, config })
  }
  const wire = await Wire.open(port)
  await wire.subscribe('_INBOX.pull', 1)
  const body = `{"batch":${batch}}`
  const next = `PUB $JS.API.CONSUMER.MSG.NEXT.${STREAM}.${CONSUMER} _INBOX.pull ${body.length}\r\n${body}\r\n`
  const head = `MSG ${SUBJECT} 1 `.length
  const sizeText = ` ${PAYLOAD_BYTES}\r`.length
  // A frame that a read cut in two is completed in front of the next read.
  const work = Buffer.allocUnsafeSlow(512 * 1024)
  let carried = 0
  let acked = 0
  let sawStatus = ''
  let requested = 0
  /** Keeps REQUESTS batches under way, as far as there are messages. */
  const request = () => {
    const wanted = Math.min(messages, (Math.floor(acked / batch) + REQUESTS) * batch)
    if (wanted > requested) wire.socket.write(next.repeat(Math.ceil((wanted - requested) / batch)))
    requested = Math.max(requested, wanted)
  }
  const startMs = performance.now()
  await new Promise<void>((resolve) => {
    wire.onBytes = (buffer, length) => {
      buffer.copy(work, carried, 0, length)
      const end = carried + length
      let at = 0
      const before = acked
      // What is sent may still lie in the socket when the next read comes: fresh memory each time.
      const out = Buffer.allocUnsafe(length + 4096)
      let to = 0
      for (;;) {
        const lineEnd = work.indexOf(LF, at)
        if (lineEnd < 0 || lineEnd >= end) break
        if (work[at] !== 0x4d) {
          // HMSG with a status, or a PING: neither is a message.
          const line = work.toString('latin1', at, lineEnd)
          const total = line.startsWith('HMSG') ? Number(line.trimEnd().split(' ').at(-1)) + 2 : 0
          if (lineEnd + 1 + total > end) break
          if (total > 0) sawStatus = work.toString('latin1', lineEnd + 1, lineEnd + 1 + total).trim()
          at = lineEnd + 1 + total
          continue
        }
        const frameEnd = lineEnd + 1 + PAYLOAD_BYTES + 2
        if (frameEnd > end) break
        out.write('PUB ', to, 'latin1')
        to += 4
        to += work.copy(out, to, at + head, lineEnd - sizeText)
        to += out.write(' 0\r\n\r\n', to, 'latin1')
        acked += 1
        at = frameEnd
      }
      carried = end - at
      if (carried > 0 && at > 0) work.copyWithin(0, at, end)
      if (to > 0) wire.socket.write(out.subarray(0, to))
      if (sawStatus !== '') throw new Error(`pulling ended with ${sawStatus}`)
      if (Math.floor(acked / batch) > Math.floor(before / batch)) {
        if (acked >= messages || performance.now() - startMs >= seconds * 1000) {
          wire.onBytes = () => {}
          return resolve()
        }
        request()
      }
    }
    request()
  })
  await wire.pong()
  const took = performance.now() - startMs
  wire.close()
  if (!bare) await checkFloor(port, acked)
  return { count: acked, seconds: took / 1000 }
}

/** Everything that was acknowledged must count as acknowledged, if need be a moment later. */
async function checkFloor(port: number, acked: number): Promise<void> {
  const deadline = performance.now() + 5000
  for (;;) {
    const info = await ask<{ ack_floor: { stream_seq: number } }>(port, `CONSUMER.INFO.${STREAM}.${CONSUMER}`, {})
    if (info.ack_floor.stream_seq >= acked) return
    if (performance.now() > deadline)
      throw new Error(`${acked} acknowledged, the floor stands at ${info.ack_floor.stream_seq}`)
  }
}
