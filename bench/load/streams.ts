/** Streams for the loads: made, filled once, and checked. */
import { PAYLOAD_BYTES } from './frames.ts'
import { runNative } from './native.ts'
import type { Sample } from './tasks.ts'
import { ask } from './wire.ts'

/** Messages that wait for their acknowledgement while a stream is filled. */
const FILL_IN_FLIGHT = 4000

/** A fresh, empty stream on disk; `config` adds to it. */
export async function freshStream(port: number, name: string, subjects: string[], config: object = {}): Promise<void> {
  await ask(port, `STREAM.DELETE.${name}`, {}).catch(() => {})
  await createStream(port, name, subjects, config)
}

/** A stream on disk that keeps everything, unless `config` says more. */
export async function createStream(port: number, name: string, subjects: string[], config: object = {}): Promise<void> {
  const base = { name, subjects, storage: 'file', retention: 'limits', num_replicas: 1 }
  await ask(port, `STREAM.CREATE.${name}`, { ...base, ...config })
}

/** How many messages a stream holds; 0 when there is none. */
export async function messagesOf(port: number, name: string): Promise<number> {
  const info = await ask<{ state: { messages: number } }>(port, `STREAM.INFO.${name}`, {}).catch(() => undefined)
  return info?.state.messages ?? 0
}

/**
 * A stream with `messages` messages over `keys` subjects `<prefix>.000.<key>`; where it is full already nothing happens.
 * Throws when the server does not hold what it acknowledged.
 */
export async function filledStream(
  port: number,
  name: string,
  prefix: string,
  { messages, keys = 0, config = {} }: { messages: number; keys?: number; config?: object },
): Promise<void> {
  if ((await messagesOf(port, name)) === messages) return
  await freshStream(port, name, [`${prefix}.>`], config)
  const args = [port, 0, messages, 1, FILL_IN_FLIGHT, 1, keys, prefix, PAYLOAD_BYTES]
  await runNative('publish', Math.max(60, messages / 20_000), args)
  const held = await messagesOf(port, name)
  if (held !== messages) throw new Error(`${messages} acknowledged, ${held} in ${name}`)
}

/** Publishes with C for a while and compares what the streams hold with what was acknowledged. */
export async function publishAcked(
  { port, bare }: { port: number; bare: boolean },
  seconds: number,
  { connections, inFlight, streams }: { connections: number; inFlight: number; streams: number },
): Promise<Sample> {
  const names = Array.from({ length: streams }, (_, index) => `ACKED-${number(index)}`)
  if (!bare) for (const [index, name] of names.entries()) await freshStream(port, name, [`acked.${number(index)}.>`])
  const args = [port, seconds, 0, connections, inFlight, streams, 1, 'acked', PAYLOAD_BYTES]
  const sample = await runNative('publish', seconds, args)
  if (bare) return sample
  let held = 0
  for (const name of names) held += await messagesOf(port, name)
  if (held !== sample.count) throw new Error(`${sample.count} acknowledged, ${held} in the streams`)
  const last = await ask<{ message: { data: string } }>(port, `STREAM.MSG.GET.${names[0]}`, {
    last_by_subj: 'acked.000.0000000',
  })
  if (Buffer.from(last.message.data, 'base64').toString() !== 'x'.repeat(PAYLOAD_BYTES))
    throw new Error('the last message is not what was published')
  for (const name of names) await ask(port, `STREAM.DELETE.${name}`, {})
  return sample
}

function number(index: number): string {
  return String(index).padStart(3, '0')
}
