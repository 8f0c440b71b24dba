/** What clients answer to deliveries: brings each answer to the state machine, and answers it back when it asks for that. */
import { parseAckBody } from './ack-body.ts'
import type { Answer } from './ack-router.ts'
import type { ConsumerParts } from './consumer-parts.ts'
import type { Intake } from './intake.ts'
import type { Pump } from './pump.ts'

export class Answers {
  readonly #parts: ConsumerParts
  readonly #pump: Pump
  readonly #intake: Intake
  #sampled = 0

  constructor(parts: ConsumerParts, pump: Pump, intake: Intake) {
    this.#parts = parts
    this.#pump = pump
    this.#intake = intake
  }

  /** HOT: a plain acknowledgement. One of a message that was not delivered yet is ignored (5.4). */
  acknowledged(streamSeq: number, consumerSeq: number, deliveries: number, reply: string): void {
    const { settings, settlement, delivery, inactivity, replies } = this.#parts
    if (streamSeq >= delivery.nextSeq || settings.ackPolicy === 'none') return
    inactivity.usedInTurn()
    if (settings.samplePercent > 0) this.#sample(streamSeq, consumerSeq, deliveries)
    const urgency = reply === '' ? 'later' : 'now'
    if (settings.ackPolicy === 'all') settlement.ackThrough(streamSeq, consumerSeq, urgency)
    else settlement.ack(streamSeq, urgency)
    if (reply !== '' && streamSeq > 0) replies.add(reply)
    if (this.#pump.blocked) this.#pump.soon()
  }

  /** Any answer but that. */
  answered(answer: Answer, bytes: Uint8Array, start: number, end: number): void {
    const { settings, settlement, delivery, inactivity, notices, replies, env, name } = this.#parts
    if (settings.ackPolicy === 'none') return
    const { streamSeq, consumerSeq, deliveries, reply } = answer
    const body = parseAckBody(bytes, start, end)
    const nowMs = inactivity.touch()
    switch (body.kind) {
      case 'next':
        this.acknowledged(streamSeq, consumerSeq, deliveries, '')
        this.#intake.request(reply, bytes, body.requestStart, end)
        return
      case 'nak':
        if (body.bad) env.log.warn({ consumer: name, delay: body.bad }, 'a nak with a delay that is none')
        if (settlement.nak(streamSeq, body.delayMs, nowMs)) {
          notices.naked({ consumer_seq: consumerSeq, stream_seq: streamSeq, deliveries })
        }
        break
      case 'progress':
        settlement.inProgress(streamSeq, nowMs)
        break
      case 'term':
        if (streamSeq >= delivery.nextSeq) return
        settlement.terminate(streamSeq, consumerSeq, deliveries, body.reason)
        break
      case 'ack':
      case 'unknown':
        break
    }
    if (reply !== '' && streamSeq > 0) replies.add(reply)
    this.#pump.soon()
  }

  /** sample_freq: so many of a hundred acknowledgements make a metric event, evenly. */
  #sample(streamSeq: number, consumerSeq: number, deliveries: number): void {
    const { progress, settings, notices, env } = this.#parts
    const pending = progress.pending.get(streamSeq)
    if (!pending) return
    this.#sampled += settings.samplePercent
    if (this.#sampled < 100) return
    this.#sampled -= 100
    const delivery = { consumer_seq: consumerSeq, stream_seq: streamSeq, deliveries }
    notices.sampled(delivery, env.clock.now() - pending.deliveredAtMs)
  }
}
