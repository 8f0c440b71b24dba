/** What a consumer hands out: stored messages only, each as often and as early as its configuration allows, none after it is settled. */
import { type Delivery, type Model, type ModelConsumer, type ModelStream, wants } from '../model.ts'
import { must } from '../trace.ts'

/** An ack subject, taken apart. */
export interface AckToken {
  readonly stream: string
  readonly consumer: string
  readonly deliveries: number
  readonly streamSeq: number
  readonly consumerSeq: number
  readonly pending: number
}

export function ackTokenOf(reply: string): AckToken | undefined {
  const parts = reply.split('.')
  if (parts[0] !== '$JS' || parts[1] !== 'ACK' || parts.length !== 9) return undefined
  const [deliveries, streamSeq, consumerSeq, , pending] = parts.slice(4).map(Number)
  return { stream: parts[2], consumer: parts[3], deliveries, streamSeq, consumerSeq, pending }
}

/** The engine sends a message to a client of the consumer; remembers it. */
export function checkDelivery(
  model: Model,
  stream: ModelStream,
  consumer: ModelConsumer,
  token: AckToken,
  message: { subject: string; body: string; headers: string },
): void {
  const seq = token.streamSeq
  const name = `consumer ${stream.name}/${consumer.name} message ${seq}`
  if (consumer.config.headers_only) checkHeadersOnly(stream, seq, message, name)
  const bytes = message.subject.length + message.headers.length + message.body.length + 34
  // Without its body nobody knows which one it is, unless it was seen before.
  const stored = consumer.config.headers_only
    ? stream.stored.get(seq)
    : model.saw(stream, seq, message.subject, bytes, model.nowMs(), message.body)
  must(
    !stored || consumer.config.headers_only || stored.publication === model.publicationOf(message.body),
    `${name} is not the message that was stored there`,
  )
  must(!stored || stored.subject === message.subject, `${name} shows subject ${message.subject}`)
  must(wants(consumer, message.subject), `${name}: subject ${message.subject} does not match its filter`)
  if (stored) stored.promised = true
  stream.toldSeq = Math.max(stream.toldSeq, seq)
  const before = consumer.deliveries.get(seq)
  if (before) checkAgain(model, consumer, before, token, name)
  must(
    token.deliveries <= consumer.maxDeliverMax,
    `${name}: delivery ${token.deliveries}, allowed are ${consumer.maxDeliverMax}`,
  )
  const sameLife = before?.life === model.life
  consumer.deliveries.set(seq, {
    count: (before?.count ?? 0) + 1,
    lastAtMs: model.nowMs(),
    deliveries: token.deliveries,
    life: model.life,
    settledBy: sameLife ? '' : (before?.settledBy ?? ''),
    settledInLife: before?.settledInLife ?? 0,
    settledTold: false,
    wantedAgain: sameLife ? Math.max(0, (before?.wantedAgain ?? 0) - 1) : 0,
  })
}

function checkHeadersOnly(
  stream: ModelStream,
  seq: number,
  message: { body: string; headers: string },
  name: string,
): void {
  must(message.body === '', `${name} shows a payload to a consumer that wants headers only`)
  const size = /^Nats-Msg-Size: *(\d+)\r$/m.exec(message.headers)?.[1]
  must(size !== undefined, `${name} comes without the size of its payload`)
  const wanted = stream.stored.get(seq)?.publication?.body.length
  must(wanted === undefined || Number(size) === wanted, `${name} is said to have ${size} bytes, and has ${wanted}`)
}

function checkAgain(model: Model, consumer: ModelConsumer, before: Delivery, token: AckToken, name: string): void {
  const sameLife = before.life === model.life
  must(!before.settledTold, `${name} is delivered again after the answer to its double ack`)
  must(
    !(before.settledBy && before.settledInLife === model.life),
    `${name} is delivered again after it was acknowledged`,
  )
  if (!sameLife) {
    // A redelivery waits until its count is durable; a first delivery is only recorded.
    must(
      before.deliveries < 2 || token.deliveries > before.deliveries,
      `${name}: delivery ${before.deliveries}, and after a restart ${token.deliveries}`,
    )
    return
  }
  must(consumer.config.ack_policy !== 'none', `${name} is delivered twice, without any acknowledgement`)
  must(token.deliveries === before.deliveries + 1, `${name}: delivery ${before.deliveries}, then ${token.deliveries}`)
  const waitedMs = model.nowMs() - before.lastAtMs
  must(
    before.wantedAgain > 0 || model.nowMs() >= earliestDueMs(model, consumer, before),
    `${name} is delivered again after ${waitedMs.toFixed(1)} ms; ack_wait is ${consumer.ackWaitMsMin} ms`,
  )
}

/** From when on its ack_wait may be over: it is delivered again as soon as somebody asks. */
export function earliestDueMs(model: Model, consumer: ModelConsumer, delivery: Delivery): number {
  if (model.nowMs() < model.stalledUntilMs + consumer.ackWaitMsMin) return 0
  // ack_wait runs from the record of a delivery; a redelivery is sent when its record is durable, a slow sync later.
  const patience = delivery.deliveries < 2 ? 1 : consumer.ackWaitMsMin / 2
  return delivery.lastAtMs + consumer.ackWaitMsMin - patience
}
