/** The load of the core rows: publish, deliver, request. */
import { chunkOf, msgFrame, PAYLOAD_BYTES, pubFrame, replySubject } from './frames.ts'
import { pump } from './pump.ts'
import { percentile, type Sample } from './tasks.ts'
import { Wire } from './wire.ts'

export const SUBJECT = 'bench.core'

export async function publish(port: number, seconds: number, bare: boolean): Promise<Sample> {
  const wire = await Wire.open(port)
  const latenciesUs: number[] = []
  // One PING between the messages at a time: its PONG says when the server had taken in everything before it.
  let pingAtMs = 0
  const ping = () => {
    if (bare || pingAtMs > 0) return
    pingAtMs = performance.now()
    wire.socket.write('PING\r\n')
  }
  let answered = () => {}
  wire.onBytes = () => {
    latenciesUs.push((performance.now() - pingAtMs) * 1000)
    pingAtMs = 0
    answered()
  }
  const startMs = performance.now()
  const count = await pump(wire, chunkOf(pubFrame(SUBJECT)), seconds, ping)
  if (pingAtMs > 0) {
    await new Promise<void>((resolve) => {
      answered = resolve
    })
  }
  await wire.pong()
  const took = performance.now() - startMs
  wire.close()
  return { count, seconds: took / 1000, ...percentiles(latenciesUs) }
}

export interface DeliverTask {
  port: number
  seconds: number
  subscribers: number
  /** Of a payload. */
  bytes: number
  /** All subscribers in one queue group: each message goes to one of them. */
  group: boolean
}

export async function deliver({ port, seconds, subscribers, bytes, group }: DeliverTask): Promise<Sample> {
  const frameBytes = msgFrame(SUBJECT, 1, '', bytes).length
  const received = new Array<number>(subscribers).fill(0)
  const latenciesUs: number[] = []
  /** What had been written before a burst, and when that was; it has arrived when so many bytes have. */
  const marks: { bytes: number; atMs: number }[] = []
  let firstMark = 0
  let sum = 0
  let expectedBytes = Number.POSITIVE_INFINITY
  let finished = () => {}
  const allReceived = new Promise<void>((resolve) => {
    finished = resolve
  })
  // A server may ping into the stream (six bytes): only the total is compared, with >=.
  const complete = () => (group ? sum >= expectedBytes : received.every((all) => all >= expectedBytes))
  const wires = await Promise.all(received.map(() => Wire.open(port)))
  for (const [index, wire] of wires.entries()) {
    await wire.subscribe(group ? `${SUBJECT} workers` : SUBJECT, 1)
    wire.onBytes = (_buffer, length) => {
      received[index] += length
      sum += length
      const arrived = group ? sum : received[index]
      if (group || index === 0) {
        while (firstMark < marks.length && marks[firstMark].bytes < arrived)
          latenciesUs.push((performance.now() - marks[firstMark++].atMs) * 1000)
      }
      if (arrived >= expectedBytes && complete()) finished()
    }
  }
  const publisher = await Wire.open(port)
  const startMs = performance.now()
  const mark = (sent: number) => marks.push({ bytes: sent * frameBytes, atMs: performance.now() })
  const sent = await pump(publisher, chunkOf(pubFrame(SUBJECT, '', bytes)), seconds, mark)
  expectedBytes = sent * frameBytes
  if (!complete()) await allReceived
  const took = performance.now() - startMs
  for (const wire of [publisher, ...wires]) wire.close()
  if (group) checkBytes(sum - expectedBytes)
  else for (const all of received) checkBytes(all - expectedBytes)
  return { count: group ? sent : sent * subscribers, seconds: took / 1000, ...percentiles(latenciesUs) }
}

function percentiles(latenciesUs: number[]): { p50Us?: number; p99Us?: number } {
  if (latenciesUs.length === 0) return {}
  return { p50Us: percentile(latenciesUs, 0.5), p99Us: percentile(latenciesUs, 0.99) }
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
