/** What a data folder of a stored format version holds, as clients see it: made once, and read by every later version. */
import { jetstreamManager } from '@nats-io/jetstream'
import type { NatsConnection } from '@nats-io/transport-node'

/** A stream as a client sees it. */
export interface ToldStream {
  readonly config: object
  readonly messages: number
  readonly firstSeq: number
  readonly lastSeq: number
  readonly bytes: number
  /** Sequence, subject, time, headers and data (as Latin-1) of each. */
  readonly stored: readonly (readonly [seq: number, subject: string, time: string, headers: string, data: string])[]
  readonly consumers: readonly object[]
}

/** Everything that must come out of the folder. */
export interface Told {
  readonly streams: Readonly<Record<string, ToldStream>>
  /** Message ids whose second publish is a duplicate: stream, subject, id, and the sequence that it has. */
  readonly ids: readonly (readonly [stream: string, subject: string, id: string, seq: number])[]
}

/** Reads every stream, message and consumer through the API. */
export async function tell(nc: NatsConnection): Promise<Told['streams']> {
  const jsm = await jetstreamManager(nc)
  const streams: Record<string, ToldStream> = {}
  for (const { config, state } of await jsm.streams.list().next()) {
    const stored: ToldStream['stored'][number][] = []
    for (let seq = state.first_seq; seq <= state.last_seq; seq++) {
      const message = await jsm.streams.getMessage(config.name, { seq }).catch(() => null)
      if (!message) continue
      const headers = [...(message.header?.keys() ?? [])].map((key) => `${key}: ${message.header?.values(key)}`)
      const data = Buffer.from(message.data).toString('latin1')
      stored.push([seq, message.subject, message.timestamp, headers.join('\n'), data])
    }
    const consumers = (await jsm.consumers.list(config.name).next())
      .map(({ name, config: own, delivered, ack_floor, num_ack_pending, num_pending }) => {
        const pair = (one: { consumer_seq: number; stream_seq: number }) => [one.consumer_seq, one.stream_seq]
        return { name, own, delivered: pair(delivered), floor: pair(ack_floor), num_ack_pending, num_pending }
      })
      .sort((a, b) => (a.name < b.name ? -1 : 1))
    const { messages, first_seq: firstSeq, last_seq: lastSeq, bytes } = state
    streams[config.name] = { config, messages, firstSeq, lastSeq, bytes, stored, consumers }
  }
  return JSON.parse(JSON.stringify(streams)) as Told['streams']
}
