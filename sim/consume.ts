/** The consuming side of the workload: clients that pull or are pushed to, and handle each message as the seed says. */
import type { SeededRandom } from '../packages/headwater/src/base/testing/seeded-random.ts'
import type { Subscription } from '../packages/headwater/src/jetstream/bus.ts'
import type { Sent } from './bus.ts'
import { ackTokenOf, earliestDueMs } from './checkers/redelivery.ts'
import type { Clients } from './client.ts'
import { type Handling, type Swarm, weighted } from './faults.ts'
import type { Delivery, Model, ModelConsumer, ModelStream } from './model.ts'

export class Consuming {
  readonly #random: SeededRandom
  readonly #swarm: Swarm
  readonly #model: Model
  readonly #clients: Clients
  readonly #note: (text: string) => void
  readonly #count: (what: string) => void
  readonly #inboxes = new Map<ModelConsumer, { inbox: string; subscription: Subscription }>()
  /** Everything is acknowledged from now on. */
  polite = false

  constructor(
    random: SeededRandom,
    swarm: Swarm,
    model: Model,
    clients: Clients,
    note: (text: string) => void,
    count: (what: string) => void,
  ) {
    this.#random = random
    this.#swarm = swarm
    this.#model = model
    this.#clients = clients
    this.#note = note
    this.#count = count
  }

  /** Gives a consumer a client: an inbox for pulls, or a subscription to where it pushes. */
  connect(stream: ModelStream, consumer: ModelConsumer): void {
    if (this.#inboxes.has(consumer)) return
    const { deliver_subject, deliver_group, durable_name } = consumer.config
    const inbox = deliver_subject ?? this.#clients.inbox()
    const receive = (message: Sent): void => this.#receive(stream, consumer, message)
    const name = `consumer ${stream.name} ${durable_name}`
    const subscription = this.#clients.bus.subscribe(name, inbox, receive, deliver_group ?? '')
    this.#inboxes.set(consumer, { inbox, subscription })
  }

  /** A push consumer's client goes, or comes back. */
  toggle(stream: ModelStream, consumer: ModelConsumer): void {
    if (!consumer.config.deliver_subject) return
    const connected = this.#inboxes.get(consumer)
    if (!connected) {
      this.connect(stream, consumer)
      return
    }
    this.#note(`${stream.name}/${consumer.name} loses its subscriber`)
    connected.subscription.unsubscribe()
    this.#inboxes.delete(consumer)
  }

  /** A consumer that is gone loses its client: another one may come with its name. */
  disconnect(consumer: ModelConsumer): void {
    this.#inboxes.get(consumer)?.subscription.unsubscribe()
    this.#inboxes.delete(consumer)
  }

  pull(stream: ModelStream, consumer: ModelConsumer): void {
    const random = this.#random
    const connected = this.#inboxes.get(consumer)
    if (!connected || consumer.config.deliver_subject) return
    const batch = random.pick([1, 2, 10, 50])
    const body: Record<string, unknown> = { batch }
    if (random.chance(0.5)) body.no_wait = true
    if (!body.no_wait || random.chance(0.3)) body.expires = random.between(100, 5000) * 1e6
    if (random.chance(0.1)) body.max_bytes = random.between(100, 2000)
    consumer.usedAtMs = this.#model.nowMs()
    this.#note(`pull ${stream.name}/${consumer.name} ${JSON.stringify(body)}`)
    const subject = `$JS.API.CONSUMER.MSG.NEXT.${stream.name}.${consumer.name}`
    this.#clients.bus.publish(subject, connected.inbox, '', JSON.stringify(body))
  }

  /** A message or a status arrived at a client. */
  #receive(stream: ModelStream, consumer: ModelConsumer, message: Sent): void {
    const token = ackTokenOf(message.reply)
    this.#answerFlowControl(message)
    // What was on its way when another one took its name is nothing to the new one.
    if (this.#model.streams.get(stream.name)?.consumers.get(consumer.name) !== consumer) return
    consumer.usedAtMs = this.#model.nowMs()
    if (!token || consumer.config.ack_policy === 'none') return
    const handling: Handling = this.polite ? 'ack' : weighted(this.#random, this.#swarm.handlings)
    // Acknowledging one settles all before it: not each needs its own.
    if (consumer.config.ack_policy === 'all' && !this.polite && this.#random.chance(0.6)) return
    this.#handle(stream, consumer, message.reply, token.streamSeq, handling)
  }

  /** A request for confirmation is answered, and a heartbeat that says that one still waits. */
  #answerFlowControl({ headers, reply }: Sent): void {
    if (!headers.startsWith('NATS/1.0 100')) return
    const stalled = /^Nats-Consumer-Stalled: *(.*?)\r$/m.exec(headers)?.[1]
    this.#count(reply || stalled ? 'push: flow control asked' : 'push: heartbeat')
    const to = reply || stalled
    if (to) this.#clients.bus.publish(to, '', '', '')
  }

  #handle(stream: ModelStream, consumer: ModelConsumer, reply: string, seq: number, handling: Handling): void {
    this.#count(`handling: ${handling}`)
    if (handling === 'ignore') return
    this.#note(`${stream.name}/${consumer.name} ${seq}: ${handling}`)
    const { bus } = this.#clients
    const concerned = this.#concerned(consumer, seq)
    // What was settled before stays so: a late answer changes nothing.
    const settle = (by: 'ack' | 'term', deliveries: readonly Delivery[]): void => {
      for (const delivery of deliveries) {
        if (delivery.settledBy !== 'ack') delivery.settledBy = by
        delivery.settledInLife = this.#model.life
      }
    }
    switch (handling) {
      case 'ack':
        settle('ack', concerned)
        bus.publish(reply, '', '', this.#random.pick(['', '+ACK']))
        return
      case 'ackSync':
        settle('ack', concerned)
        // Nobody answers for a consumer that is gone.
        if (consumer.existence !== 'there' || stream.existence !== 'there') return
        // One that may leave by itself may leave the question open.
        if (consumer.config.inactive_threshold) {
          bus.publish(reply, '', '', '+ACK')
          return
        }
        this.#clients.request(reply, '', '+ACK', (answer) => {
          if (typeof answer !== 'string') for (const delivery of concerned) delivery.settledTold = true
        })
        return
      case 'term':
        // Even with ack policy all it gives up this one alone: its letter settles nothing else.
        settle('term', [consumer.deliveries.get(seq)!])
        bus.publish(reply, '', '', '+TERM because')
        return
      case 'nak':
      case 'nakLater':
        // One that is due already goes out, or is recorded and on its way to the disk; and once more for the nak.
        for (const delivery of concerned) delivery.wantedAgain += this.#isDue(consumer, delivery) ? 2 : 1
        bus.publish(
          reply,
          '',
          '',
          handling === 'nak' ? '-NAK' : `-NAK {"delay": ${this.#random.between(10, 3000) * 1e6}}`,
        )
        return
      case 'working': {
        const delivery = consumer.deliveries.get(seq)
        if (delivery) {
          // Too late, it does not take back the redelivery that is due.
          if (this.#isDue(consumer, delivery)) delivery.wantedAgain++
          delivery.lastAtMs = this.#model.nowMs()
        }
        bus.publish(reply, '', '', '+WPI')
        return
      }
    }
  }

  /** Its ack_wait may be over, by the same reckoning as the checker's. */
  #isDue(consumer: ModelConsumer, delivery: Delivery): boolean {
    return this.#model.nowMs() >= earliestDueMs(this.#model, consumer, delivery)
  }

  /** The deliveries that an ack of `seq` is about. */
  #concerned(consumer: ModelConsumer, seq: number): Delivery[] {
    if (consumer.config.ack_policy !== 'all') return [consumer.deliveries.get(seq)!]
    return [...consumer.deliveries].filter(([one]) => one <= seq).map(([, delivery]) => delivery)
  }
}
