/** What clients ask of the engine under a seed: publishes, and everything about streams and consumers. */
import type { SeededRandom } from '../packages/headwater/src/base/testing/seeded-random.ts'
import { subjectMatches } from '../packages/headwater/src/protocol/subject.ts'
import { checkAcknowledged } from './checkers/order.ts'
import type { Clients, Json } from './client.ts'
import type { Consuming } from './consume.ts'
import { directGet } from './direct-get.ts'
import { happens, type Swarm, weighted } from './faults.ts'
import type { ConsumerSettings, Model, ModelConsumer, ModelStream, Publication, StreamSettings } from './model.ts'

const SECOND_NS = 1e9
const TAILS = ['a', 'b', 'c', 'd.x', 'd.y']

export class Workload {
  readonly #random: SeededRandom
  readonly #swarm: Swarm
  readonly #model: Model
  readonly #clients: Clients
  readonly #consuming: Consuming
  readonly #note: (text: string) => void
  readonly #count: (what: string) => void
  /** The last sequence that a stream's log has, told or not: what a purge can be about. */
  lastSeqOf: (stream: string) => number = () => 0
  /** The store failed: what a read shows now is no promise. */
  poisoned: () => boolean = () => false
  #counter = 0

  constructor(
    random: SeededRandom,
    swarm: Swarm,
    world: {
      model: Model
      clients: Clients
      consuming: Consuming
      note: (text: string) => void
      count: (what: string) => void
    },
  ) {
    this.#random = random
    this.#swarm = swarm
    this.#model = world.model
    this.#clients = world.clients
    this.#consuming = world.consuming
    this.#note = world.note
    this.#count = world.count
  }

  act(): void {
    const action = weighted(this.#random, this.#swarm.actions)
    this.#count(`action: ${action}`)
    const streams = [...this.#model.streams.values()].filter((one) => one.existence === 'there')
    const sources = streams.filter((one) => !one.takesLetters)
    if (action === 'createStream' || sources.length === 0) {
      const wished = [...this.#model.streams.values()].filter((one) => one.existence !== 'gone')
      if (wished.length < 6) this.#createStream(streams)
      return
    }
    const stream = this.#random.pick(sources)
    const consumers = [...stream.consumers.values()].filter((one) => one.existence === 'there')
    if (action === 'publish') this.#publish(stream)
    else if (action === 'burst') for (let n = this.#random.between(3, 25); n > 0; n--) this.#publish(stream)
    else if (action === 'repeat') this.#repeat(stream)
    else if (action === 'expect') this.#publish(stream, this.#expectation(stream))
    else if (action === 'updateStream') this.#updateStream(this.#random.pick(streams))
    else if (action === 'deleteStream') this.#deleteStream(stream)
    else if (action === 'purge') this.#purge(stream)
    else if (action === 'deleteMessage') this.#deleteMessage(stream)
    else if (action === 'read') this.#read(stream)
    else if (action === 'directGet')
      directGet(
        {
          random: this.#random,
          model: this.#model,
          clients: this.#clients,
          count: this.#count,
          poisoned: () => this.poisoned(),
        },
        stream,
        this.#random.pick(TAILS),
      )
    else if (action === 'createConsumer' || consumers.length === 0) this.#createConsumer(stream, consumers.length)
    else this.#toConsumer(action, stream, this.#random.pick(consumers))
  }

  #toConsumer(action: string, stream: ModelStream, consumer: ModelConsumer): void {
    if (action === 'pull') this.#consuming.pull(stream, consumer)
    else if (action === 'togglePush') this.#consuming.toggle(stream, consumer)
    else if (action === 'updateConsumer') this.#updateConsumer(stream, consumer)
    else if (action === 'deleteConsumer') this.#deleteConsumer(stream, consumer)
  }

  #createStream(streams: ModelStream[]): void {
    const random = this.#random
    const takesLetters = !streams.some((one) => one.takesLetters) && random.chance(0.5)
    const former = takesLetters || !happens(random, this.#swarm.extras.sameName) ? undefined : this.#goneStream()
    const name = former ?? (takesLetters ? `D${++this.#counter}` : `S${++this.#counter}`)
    if (former) this.#count('stream: with the name of another')
    const some = (probability: number, value: number): number => (random.chance(probability) ? value : -1)
    const config: StreamSettings = {
      name,
      subjects: [takesLetters ? `dead.${name}.>` : `${name}.>`],
      storage: takesLetters || random.chance(0.9) ? 'file' : 'memory',
      retention: takesLetters ? 'limits' : random.pick(['limits', 'limits', 'workqueue', 'interest'] as const),
      discard: takesLetters || random.chance(0.2) ? 'new' : 'old',
      max_msgs: takesLetters ? some(0.3, random.between(2, 10)) : some(0.3, random.between(5, 100)),
      max_bytes: takesLetters ? -1 : some(0.15, random.between(1_000, 20_000)),
      max_msgs_per_subject: takesLetters ? -1 : some(0.25, random.between(1, 10)),
      max_age: takesLetters ? 0 : random.chance(0.15) ? random.between(60, 300) * SECOND_NS : 0,
      duplicate_window: random.pick([1, 10, 60]) * SECOND_NS,
    }
    if (!takesLetters && happens(random, this.#swarm.extras.memory)) config.storage = 'memory'
    if (happens(random, this.#swarm.extras.directGet)) config.allow_direct = true
    this.#count(`stream: ${config.storage}, ${config.retention}`)
    this.#note(`create stream ${JSON.stringify(config)}`)
    const stream = this.#model.addStream(config, takesLetters)
    this.#clients.api(`STREAM.CREATE.${name}`, config, (answer) => {
      if (typeof answer === 'string') return
      if (!answer.error) stream.existence = 'there'
      else if (answer.error.code !== 503) stream.existence = 'gone'
      this.#note(`stream ${name}: ${answer.error ? JSON.stringify(answer.error) : 'there'}`)
    })
  }

  /** The name of one that is gone and left no letters behind; its consumers' clients go. */
  #goneStream(): string | undefined {
    const isFree = (one: ModelStream): boolean =>
      one.existence === 'gone' && !one.takesLetters && ![...one.consumers.values()].some((each) => each.config.metadata)
    const gone = [...this.#model.streams.values()].filter(isFree)
    if (gone.length === 0) return undefined
    const { name, consumers } = this.#random.pick(gone)
    for (const consumer of consumers.values()) this.#consuming.disconnect(consumer)
    return name
  }

  #goneConsumer(stream: ModelStream): string | undefined {
    const gone = [...stream.consumers.values()].filter((one) => one.existence === 'gone' && !one.config.metadata)
    if (gone.length === 0) return undefined
    const consumer = this.#random.pick(gone)
    this.#consuming.disconnect(consumer)
    return consumer.name
  }

  #updateStream(stream: ModelStream): void {
    const random = this.#random
    const config: StreamSettings = { ...stream.config }
    // Lowered limits remove messages: a stream of letters only grows.
    if (stream.takesLetters)
      config.max_msgs = config.max_msgs < 0 ? -1 : random.pick([-1, config.max_msgs + random.below(5)])
    else if (random.chance(0.5)) config.max_msgs = random.pick([-1, random.between(5, 100)])
    else config.max_bytes = random.pick([-1, random.between(1_000, 20_000)])
    this.#note(`update stream ${stream.name} ${config.max_msgs} ${config.max_bytes}`)
    this.#model.tighten(stream, config)
    stream.uncertain = true
    this.#clients.api(`STREAM.UPDATE.${stream.name}`, config, (answer) => {
      if (typeof answer === 'string') return
      stream.uncertain = false
      if (!answer.error) stream.config = config
    })
  }

  #deleteStream(stream: ModelStream): void {
    this.#note(`delete stream ${stream.name}`)
    stream.existence = 'leaving'
    this.#clients.api(`STREAM.DELETE.${stream.name}`, undefined, (answer) => {
      if (typeof answer !== 'string' && answer.success) stream.existence = 'gone'
    })
  }

  #purge(stream: ModelStream): void {
    const random = this.#random
    const lastSeq = this.lastSeqOf(stream.name)
    const filter = random.chance(0.5) ? `${stream.name}.${random.pick([...TAILS, 'd.*'])}` : undefined
    const seq = random.chance(0.3) ? random.between(1, lastSeq + 2) : undefined
    const keep = seq === undefined && random.chance(0.3) ? random.between(1, 5) : undefined
    this.#note(`purge ${stream.name} ${JSON.stringify({ filter, seq, keep })}`)
    const removal = {
      covers: (one: number, subject: string) =>
        one <= lastSeq && (seq === undefined || one < seq) && (!filter || subjectMatches(filter, subject)),
      partial: keep !== undefined,
      confirmed: false,
    }
    stream.removals.push(removal)
    this.#clients.api(`STREAM.PURGE.${stream.name}`, { filter, seq, keep }, (answer) => {
      if (typeof answer !== 'string' && answer.success) removal.confirmed = true
    })
  }

  #deleteMessage(stream: ModelStream): void {
    const lastSeq = this.lastSeqOf(stream.name)
    if (lastSeq === 0) return
    const seq = this.#random.between(Math.max(1, lastSeq - 20), lastSeq)
    this.#note(`delete message ${stream.name}/${seq}`)
    const removal = { covers: (one: number) => one === seq, partial: false, confirmed: false }
    stream.removals.push(removal)
    const body = { seq, no_erase: this.#random.chance(0.7) }
    this.#clients.api(`STREAM.MSG.DELETE.${stream.name}`, body, (answer) => {
      if (typeof answer !== 'string' && answer.success) removal.confirmed = true
    })
  }

  /** A read is a promise too: what it showed must survive. */
  #read(stream: ModelStream): void {
    const body = { last_by_subj: `${stream.name}.${this.#random.pick(TAILS)}` }
    this.#clients.api(`STREAM.MSG.GET.${stream.name}`, body, (answer) => {
      if (typeof answer === 'string' || !answer.message || this.poisoned()) return
      this.#note(`read ${stream.name}/${answer.message.seq}`)
      const { seq, subject, data = '', hdrs = '', time } = answer.message as Json
      const [payload, headers] = [data, hdrs].map((text) => Buffer.from(text, 'base64').toString('latin1'))
      const bytes = subject.length + payload.length + headers.length + 34
      this.#model.saw(stream, seq, subject, bytes, Date.parse(time), payload).promised = true
      stream.toldSeq = Math.max(stream.toldSeq, seq)
    })
  }

  #publish(stream: ModelStream, headers: [string, string][] = []): void {
    const random = this.#random
    const msgId = random.chance(0.5) ? `m${++this.#counter}` : ''
    this.#send(stream, `${stream.name}.${random.pick(TAILS)}`, msgId, headers)
  }

  /** The same id again: a client that was not told, or one that is careless. */
  #repeat(stream: ModelStream): void {
    const recent = [...this.#model.publications.values()]
      .filter((one) => one.stream === stream.name && one.msgId)
      .slice(-10)
    if (recent.length === 0) return
    const one = this.#random.pick(recent)
    this.#send(stream, one.subject, one.msgId, [])
  }

  #expectation(stream: ModelStream): [string, string][] {
    const lastSeq = this.lastSeqOf(stream.name) + this.#random.pick([0, 0, 0, 1, -1])
    return [['Nats-Expected-Last-Sequence', String(Math.max(0, lastSeq))]]
  }

  #send(stream: ModelStream, subject: string, msgId: string, rows: [string, string][]): void {
    if (this.#clients.bus.stopped) return
    const random = this.#random
    const id = ++this.#counter
    const all = msgId ? [['Nats-Msg-Id', msgId], ...rows] : rows
    const headers =
      all.length > 0 ? `NATS/1.0\r\n${all.map(([key, value]) => `${key}: ${value}\r\n`).join('')}\r\n` : ''
    const size = random.chance(0.08) ? random.between(500, 4_000) : random.below(120)
    const body = `p${id}:${'x'.repeat(size)}`
    const sentAtMs = this.#model.nowMs()
    const one: Publication = {
      id,
      stream: stream.name,
      born: stream.born,
      subject,
      msgId,
      headers,
      body,
      sentAtMs,
      outcome: 'open',
      seq: 0,
    }
    this.#model.publications.set(id, one)
    this.#note(`publish p${id} ${subject}${msgId && ` id ${msgId}`}${rows.length > 0 ? ` ${rows}` : ''} ${body.length}`)
    this.#clients.request(subject, headers, body, (answer) => {
      if (typeof answer === 'string') return
      const ack = JSON.parse(answer.reply) as { seq: number; duplicate?: boolean; error?: Record<string, unknown> }
      this.#note(`p${id}: ${answer.reply}`)
      if (ack.error) this.#count(`refused: ${ack.error.err_code}`)
      else this.#count(ack.duplicate ? 'publish: duplicate' : 'publish: acknowledged')
      if (ack.duplicate && stream.stored.get(ack.seq)?.life !== this.#model.life)
        this.#count('publish: duplicate of another life')
      // Only an answer that is about the message decides; one that says that storing failed leaves it open.
      if (ack.error) one.outcome = (ack.error.code as number) < 500 ? 'refused' : 'open'
      else checkAcknowledged(this.#model, stream, one, ack)
    })
  }

  #createConsumer(stream: ModelStream, existing: number): void {
    const random = this.#random
    const workqueue = stream.config.retention === 'workqueue'
    if (existing >= (workqueue ? 1 : 3)) return
    const former = happens(random, this.#swarm.extras.sameName) ? this.#goneConsumer(stream) : undefined
    const name = former ?? `C${++this.#counter}`
    if (former) this.#count('consumer: with the name of another')
    const ack_policy = workqueue
      ? 'explicit'
      : random.pick(['explicit', 'explicit', 'explicit', 'all', 'none'] as const)
    const tracked = ack_policy !== 'none'
    const config: ConsumerSettings = {
      durable_name: name,
      ack_policy,
      deliver_policy: workqueue ? 'all' : random.pick(['all', 'all', 'all', 'new'] as const),
      ack_wait: tracked ? random.pick([0.5, 2, 10]) * SECOND_NS : 0,
      max_deliver: tracked && random.chance(0.6) ? random.between(1, 4) : -1,
      max_ack_pending: tracked ? random.pick([3, 20, 1000]) : 0,
    }
    if (!workqueue && random.chance(0.3)) config.filter_subject = `${stream.name}.${random.pick(['a', 'd.*'])}`
    if (tracked && config.max_deliver > 1 && random.chance(0.2))
      config.backoff = [0.3 * SECOND_NS, SECOND_NS].slice(0, config.max_deliver)
    if (random.chance(0.3)) {
      config.deliver_subject = `push.${name}`
      if (random.chance(0.3)) config.deliver_group = 'g'
    }
    const letters = [...this.#model.streams.values()].find((one) => one.takesLetters && one.existence === 'there')
    const { extras } = this.#swarm
    if (config.deliver_subject && happens(random, extras.flowControl)) {
      config.flow_control = true
      config.idle_heartbeat = 5 * SECOND_NS
    }
    if (happens(random, extras.headersOnly)) config.headers_only = true
    const isEphemeral = happens(random, extras.ephemeral)
    if (isEphemeral) config.inactive_threshold = random.pick([1, 5]) * SECOND_NS
    this.#count(`consumer: ${isEphemeral ? 'ephemeral' : 'durable'}${config.headers_only ? ', headers only' : ''}`)
    if (letters && !isEphemeral && stream.config.storage === 'file' && tracked && random.chance(0.7)) {
      config.metadata = { 'headwater.dead_letter': `dead.${letters.name}.${name}` }
    }
    this.#note(`create consumer ${stream.name} ${JSON.stringify(config)}`)
    const consumer = this.#model.addConsumer(stream, config, this.lastSeqOf(stream.name))
    this.#askConsumer(stream, consumer, config, 'create', (error) => {
      // A failing store cannot say what became of it.
      if (!error) consumer.existence = 'there'
      else if (error.code !== 503) consumer.existence = 'gone'
      if (!error) this.#consuming.connect(stream, consumer)
    })
  }

  #updateConsumer(stream: ModelStream, consumer: ModelConsumer): void {
    const random = this.#random
    if (consumer.config.ack_policy === 'none' || consumer.config.inactive_threshold) return
    const config: ConsumerSettings = { ...consumer.config }
    if (random.chance(0.5) && !config.backoff) config.ack_wait = random.pick([0.5, 2, 10]) * SECOND_NS
    else if (!config.backoff) config.max_deliver = random.pick([-1, 1, 2, 4])
    config.max_ack_pending = random.pick([3, 20, 1000])
    this.#note(`update consumer ${stream.name}/${consumer.name} ${JSON.stringify(config)}`)
    this.#model.widen(consumer, config)
    consumer.uncertain = true
    this.#askConsumer(stream, consumer, config, 'update', (error) => {
      consumer.uncertain = false
      if (!error) consumer.config = config
    })
  }

  #askConsumer(
    stream: ModelStream,
    consumer: ModelConsumer,
    config: ConsumerSettings,
    action: string,
    answered: (error: { code: number } | undefined) => void,
  ): void {
    const { durable_name, ...rest } = config
    const isEphemeral = config.inactive_threshold !== undefined
    const body = { stream_name: stream.name, config: isEphemeral ? { ...rest, name: durable_name } : config, action }
    const api = isEphemeral ? 'CONSUMER.CREATE' : 'CONSUMER.DURABLE.CREATE'
    this.#clients.api(`${api}.${stream.name}.${consumer.name}`, body, (answer) => {
      if (typeof answer === 'string') return
      this.#note(
        `consumer ${stream.name}/${consumer.name} ${action}: ${answer.error ? JSON.stringify(answer.error) : 'done'}`,
      )
      answered(answer.error)
    })
  }

  #deleteConsumer(stream: ModelStream, consumer: ModelConsumer): void {
    this.#note(`delete consumer ${stream.name}/${consumer.name}`)
    consumer.existence = 'leaving'
    this.#clients.api(`CONSUMER.DELETE.${stream.name}.${consumer.name}`, undefined, (answer) => {
      if (typeof answer !== 'string' && answer.success) consumer.existence = 'gone'
    })
  }
}
