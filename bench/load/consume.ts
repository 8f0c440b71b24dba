/** Consumers as clients make them, whose messages native/consume.c takes. */
import { runNative } from './native.ts'
import type { Sample } from './tasks.ts'
import { ask } from './wire.ts'

export interface Consumption {
  readonly stream: string
  readonly name: string
  /** Of the consumer, beside its name. */
  readonly config: object
  /** Messages of a pull request; 0: pushed. */
  readonly batch: number
  readonly acks: boolean
  /** How many messages there are to take. */
  readonly total: number
}

/** What a client asks for that wants a stream in order and nothing else: no acks, flow control, heartbeats. */
export const ORDERED: object = {
  ack_policy: 'none',
  deliver_subject: '_INBOX.deliver',
  flow_control: true,
  idle_heartbeat: 5_000_000_000,
  max_deliver: 1,
  mem_storage: true,
  num_replicas: 1,
  inactive_threshold: 300_000_000_000,
}

/** From the request that creates the consumer to its last message; at most `seconds` of it, 0: all messages. */
export async function consume(
  { port, bare }: { port: number; bare: boolean },
  seconds: number,
  { stream, name, config, batch, acks, total }: Consumption,
): Promise<Sample> {
  if (!bare) await ask(port, `CONSUMER.DELETE.${stream}.${name}`, {}).catch(() => {})
  const body = JSON.stringify({ stream_name: stream, config: { name, ...config } })
  const create = `$JS.API.CONSUMER.CREATE.${stream}.${name}`
  const next = `$JS.API.CONSUMER.MSG.NEXT.${stream}.${name}`
  const args = [port, seconds, total, batch, acks ? 1 : 0, create, body, next]
  const sample = await runNative('consume', Math.max(seconds, 60), args)
  if (bare) return sample
  if (acks) await checkFloor(port, stream, name, sample.count)
  await ask(port, `CONSUMER.DELETE.${stream}.${name}`, {})
  return sample
}

/** Everything that was acknowledged must count as acknowledged, if need be a moment later. */
async function checkFloor(port: number, stream: string, name: string, acked: number): Promise<void> {
  const deadline = performance.now() + 5000
  for (;;) {
    const info = await ask<{ ack_floor: { stream_seq: number } }>(port, `CONSUMER.INFO.${stream}.${name}`, {})
    if (info.ack_floor.stream_seq >= acked) return
    if (performance.now() > deadline)
      throw new Error(`${acked} acknowledged, the floor stands at ${info.ack_floor.stream_seq}`)
  }
}
