/** Publishes into a stream with a window, where there is no C compiler (native/publish.c): what was acknowledged makes room for as much again. HOT: per read of acks. */
import { pubFrame, replySubject } from './frames.ts'
import { freshStream } from './streams.ts'
import { percentile, type Sample } from './tasks.ts'
import { ask, Wire } from './wire.ts'

const STREAM = 'BENCH'
const STREAM_SUBJECT = 'bench.stream'
const RING = 1000
/** Every PubAck is one JSON object without another inside: its closing brace is counted. */
const BRACE = 0x7d

export async function ackedPublish(port: number, seconds: number, inFlight: number, bare: boolean): Promise<Sample> {
  if (!bare) await freshStream(port, STREAM, [STREAM_SUBJECT])
  const sample = await publishWindow(
    port,
    STREAM_SUBJECT,
    inFlight,
    (acked, elapsedMs) => elapsedMs < seconds * 1000 || acked === 0,
  )
  if (!bare) {
    const { state } = await ask<{ state: { messages: number } }>(port, `STREAM.INFO.${STREAM}`, {})
    if (state.messages !== sample.count)
      throw new Error(`${sample.count} acknowledged, ${state.messages} in the stream`)
  }
  return sample
}

/** Publishes as long as `goOn` says so, then waits for the acknowledgements that are still out. */
async function publishWindow(
  port: number,
  subject: string,
  inFlight: number,
  goOn: (acked: number, elapsedMs: number) => boolean,
): Promise<Sample> {
  const wire = await Wire.open(port)
  await wire.subscribe('_INBOX.bench.*', 1)
  const frames = Array.from({ length: RING }, (_, place) => pubFrame(subject, replySubject(place)))
  const frameBytes = frames[0].length
  // Twice, so that any run of up to RING frames is one slice.
  const ring = Buffer.from(frames.join('').repeat(2), 'latin1')
  let sent = 0
  let acked = 0
  const latenciesUs: number[] = []
  /** The first message of each write, and when it was written. Acks of one stream come in order. */
  const marks: { index: number; atMs: number }[] = []
  let firstMark = 0
  const send = (count: number) => {
    const from = sent % RING
    marks.push({ index: sent, atMs: performance.now() })
    wire.socket.write(ring.subarray(from * frameBytes, (from + count) * frameBytes))
    sent += count
  }
  const startMs = performance.now()
  await new Promise<void>((resolve) => {
    wire.onBytes = (buffer, length) => {
      const before = acked
      for (let at = buffer.indexOf(BRACE); at >= 0 && at < length; at = buffer.indexOf(BRACE, at + 1)) acked += 1
      if (acked === before) return
      const now = performance.now()
      while (firstMark < marks.length && marks[firstMark].index < acked) {
        latenciesUs.push((now - marks[firstMark++].atMs) * 1000)
      }
      if (goOn(acked, now - startMs)) send(acked - before)
      else if (acked === sent) resolve()
    }
    send(inFlight)
  })
  const took = performance.now() - startMs
  wire.close()
  return {
    count: acked,
    seconds: took / 1000,
    p50Us: percentile(latenciesUs, 0.5),
    p99Us: percentile(latenciesUs, 0.99),
  }
}
