/** The load of the core rows: publish, deliver, request. */
import { chunkOf, msgFrame, PAYLOAD_BYTES, pubFrame, replySubject } from './frames.ts'
import { pump } from './pump.ts'
import { percentile, type Sample } from './tasks.ts'
import { Wire } from './wire.ts'

export const SUBJECT = 'bench.core'

export async function publish(port: number, seconds: number): Promise<Sample> {
  const wire = await Wire.open(port)
  const startMs = performance.now()
  const count = await pump(wire, chunkOf(pubFrame(SUBJECT)), seconds)
  await wire.pong()
  const took = performance.now() - startMs
  wire.close()
  return { count, seconds: took / 1000 }
}

export async function deliver(port: number, seconds: number, subscribers: number): Promise<Sample> {
  const frameBytes = msgFrame(SUBJECT, 1).length
  const received = new Array<number>(subscribers).fill(0)
  let expectedBytes = Number.POSITIVE_INFINITY
  let finished = () => {}
  const allReceived = new Promise<void>((resolve) => {
    finished = resolve
  })
  const wires = await Promise.all(received.map(() => Wire.open(port)))
  for (const [index, wire] of wires.entries()) {
    await wire.subscribe(SUBJECT, 1)
    // A server may ping into the stream (six bytes): only the total is compared, with >=.
    wire.onBytes = (_buffer, length) => {
      received[index] += length
      if (received[index] >= expectedBytes && received.every((bytes) => bytes >= expectedBytes)) finished()
    }
  }
  const publisher = await Wire.open(port)
  const startMs = performance.now()
  const sent = await pump(publisher, chunkOf(pubFrame(SUBJECT)), seconds)
  expectedBytes = sent * frameBytes
  if (received.some((bytes) => bytes < expectedBytes)) await allReceived
  const took = performance.now() - startMs
  for (const wire of [publisher, ...wires]) wire.close()
  for (const bytes of received) checkBytes(bytes - expectedBytes)
  return { count: sent * subscribers, seconds: took / 1000 }
}

/** Beyond the messages there may be pings, nothing else. */
function checkBytes(extra: number): void {
  if (extra % 'PING\r\n'.length !== 0) throw new Error(`${extra} bytes more than the messages: not what was published`)
}

export async function request(port: number, seconds: number): Promise<Sample> {
  const responder = await Wire.open(port)
  await responder.subscribe('bench.service', 1)
  const head = 'MSG bench.service 1 '.length
  const answer = `${PAYLOAD_BYTES}\r\n${'y'.repeat(PAYLOAD_BYTES)}\r\n`
  responder.onBytes = (buffer, length) => {
    if (buffer[0] !== 0x4d) return // a PING; with one request in flight a read is one whole frame
    const end = buffer.indexOf(0x20, head)
    if (length > head) responder.socket.write(`PUB ${buffer.toString('latin1', head, end)} ${answer}`, 'latin1')
  }
  const wire = await Wire.open(port)
  await wire.subscribe('_INBOX.bench.*', 1)
  // A different inbox each time, as clients do it.
  const requests = Array.from({ length: 1000 }, (_, place) =>
    Buffer.from(pubFrame('bench.service', replySubject(place)), 'latin1'),
  )
  const replyBytes = msgFrame(replySubject(0), 1).length
  const latenciesUs: number[] = []
  const startMs = performance.now()
  const endMs = startMs + seconds * 1000
  await new Promise<void>((resolve) => {
    let got = 0
    let sentMs = startMs
    wire.onBytes = (buffer, length) => {
      if (got === 0 && buffer[0] !== 0x4d) return
      got += length
      if (got < replyBytes) return
      got = 0
      const now = performance.now()
      latenciesUs.push((now - sentMs) * 1000)
      if (now >= endMs) return resolve()
      sentMs = now
      wire.socket.write(requests[latenciesUs.length % 1000])
    }
    wire.socket.write(requests[0])
  })
  const took = performance.now() - startMs
  wire.close()
  responder.close()
  return {
    count: latenciesUs.length,
    seconds: took / 1000,
    p50Us: percentile(latenciesUs, 0.5),
    p99Us: percentile(latenciesUs, 0.99),
  }
}
