/** Tells the world what became of messages: advisories, each once what it tells is readable. */
import {
  ackSampled,
  type DeliveryFields,
  emitAdvisory,
  maxDeliveries,
  messageNaked,
  messageTerminated,
} from '../advisory/advisories.ts'
import type { Environment } from '../environment.ts'
import type { DeadLetters } from './dead-letter.ts'
import type { ConsumerHost } from './host.ts'
import { HELD_MAX, type Notice } from './settlement.ts'

export class Notices {
  readonly #env: Environment
  readonly #host: ConsumerHost
  readonly #consumer: string
  readonly #deadLetters: DeadLetters

  constructor(env: Environment, host: ConsumerHost, consumer: string, deadLetters: DeadLetters) {
    this.#env = env
    this.#host = host
    this.#consumer = consumer
    this.#deadLetters = deadLetters
  }

  /** What the state machine has to say. */
  tell(notice: Notice): void {
    const { name } = this.#host
    switch (notice.what) {
      case 'max-deliver': {
        const advisory = maxDeliveries(name, this.#consumer, notice.seq, notice.deliveries)
        this.#host.whenReadable(() => emitAdvisory(this.#env, advisory))
        return
      }
      case 'terminated': {
        const { seq, consumerSeq, deliveries, reason } = notice
        const delivery = { consumer_seq: consumerSeq, stream_seq: seq, deliveries }
        const advisory = messageTerminated(name, this.#consumer, delivery, reason)
        this.#host.whenReadable(() => emitAdvisory(this.#env, advisory))
        return
      }
      case 'held':
        this.#deadLetters.held(notice.seq, notice.why)
        return
      case 'held-full':
        this.#env.log.error(
          { stream: name, consumer: this.#consumer, held: HELD_MAX },
          'as many messages as may be are held for want of a place for their dead letters: nothing new is delivered',
        )
        emitAdvisory(this.#env, {
          subject: `$JS.EVENT.ADVISORY.CONSUMER.DEAD_LETTERS_HELD.${name}.${this.#consumer}`,
          type: 'advisory.v1.dead_letters_held',
          fields: { stream: name, consumer: this.#consumer, held: HELD_MAX },
        })
    }
  }

  naked(delivery: DeliveryFields): void {
    emitAdvisory(this.#env, messageNaked(this.#host.name, this.#consumer, delivery))
  }

  sampled(delivery: DeliveryFields, ackMs: number): void {
    emitAdvisory(this.#env, ackSampled(this.#host.name, this.#consumer, delivery, Math.round(ackMs * 1e6)))
  }
}
