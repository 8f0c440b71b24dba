/**
 * What the world knows of the engine from outside: what was asked, what was told, what was delivered. It predicts nothing;
 * it remembers claims, and says whether the absence of a message has a reason.
 */
import { subjectMatches } from '../packages/headwater/src/protocol/subject.ts'

export interface StreamSettings {
  name: string
  subjects: string[]
  storage: 'file' | 'memory'
  retention: 'limits' | 'interest' | 'workqueue'
  discard: 'old' | 'new'
  max_msgs: number
  max_bytes: number
  max_msgs_per_subject: number
  /** Nanoseconds, as on the wire. */
  max_age: number
  duplicate_window: number
  allow_direct?: boolean
}

export interface ConsumerSettings {
  durable_name: string
  ack_policy: 'explicit' | 'all' | 'none'
  deliver_policy: 'all' | 'new' | 'last'
  ack_wait: number
  max_deliver: number
  max_ack_pending: number
  backoff?: number[]
  filter_subject?: string
  deliver_subject?: string
  deliver_group?: string
  metadata?: Record<string, string>
  headers_only?: boolean
  flow_control?: boolean
  /** Nanoseconds. */
  idle_heartbeat?: number
  /** Nanoseconds; set in a consumer that leaves when nobody uses it. */
  inactive_threshold?: number
}

/** `asked`: no answer yet, it may exist or not. `there`: it was told to exist. `leaving`: asked to go. `gone`: told to be gone. */
export type Existence = 'asked' | 'there' | 'leaving' | 'gone'

/** One publish of a client. Its body begins with its id, so that a stored message tells where it came from. */
export interface Publication {
  readonly id: number
  readonly stream: string
  /** Of which stream of that name. */
  readonly born: number
  readonly subject: string
  readonly msgId: string
  readonly headers: string
  readonly body: string
  readonly sentAtMs: number
  /** `open`: no answer yet, or none that decides: it may be stored or not. */
  outcome: 'open' | 'stored' | 'duplicate' | 'refused'
  seq: number
}

/** A message that is known to have been in a stream. */
export interface Stored {
  readonly publication: Publication | undefined
  readonly subject: string
  readonly bytes: number
  readonly timeMs: number
  /** Somebody was told of it (acknowledged, delivered, read): it must survive. */
  promised: boolean
  /** The process in which it was seen first. */
  readonly life: number
  /** It was missed once, with a reason. */
  excused: boolean
}

/** A removal that a client asked for; `confirmed` once it was told that it is done. */
export interface Removal {
  readonly covers: (seq: number, subject: string) => boolean
  /** Nobody promised that all of these go (a purge that keeps some). */
  readonly partial: boolean
  confirmed: boolean
}

/** What a consumer's clients saw and did with one message. */
export interface Delivery {
  count: number
  lastAtMs: number
  /** The count in the last ack subject. */
  deliveries: number
  /** The process in which it was delivered last. */
  life: number
  /** A client acknowledged or terminated it: it may be settled from then on. */
  settledBy: '' | 'ack' | 'term'
  settledInLife: number
  /** The answer to a double ack arrived from the engine: it is settled for good. */
  settledTold: boolean
  /** How often a client asked for it again (nak), less the redeliveries since. */
  wantedAgain: number
}

export interface ModelConsumer {
  readonly name: string
  readonly stream: string
  existence: Existence
  config: ConsumerSettings
  /** An update was asked for and never answered: the configuration may be another. */
  uncertain: boolean
  /** Of every configuration that it ever may have had. */
  ackWaitMsMin: number
  maxDeliverMax: number
  everExhausting: boolean
  /** The stream's last sequence when it was asked for. */
  readonly bornAfterSeq: number
  readonly deliveries: Map<number, Delivery>
  /** When a client last asked or answered, as far as it knows. */
  usedAtMs: number
}

export interface ModelStream {
  readonly name: string
  /** Tells it from others that had its name. */
  readonly born: number
  existence: Existence
  config: StreamSettings
  /** An update was asked for and never answered: the configuration may be another. */
  uncertain: boolean
  /** The tightest limits that it ever may have had: what can excuse an absence. */
  tightest: { max_msgs: number; max_bytes: number; max_msgs_per_subject: number; max_age: number }
  readonly stored: Map<number, Stored>
  readonly removals: Removal[]
  readonly consumers: Map<string, ModelConsumer>
  /** Consumers that are gone, and whose names others have. */
  readonly former: ModelConsumer[]
  /** The highest sequence that anybody was told. */
  toldSeq: number
  /** Letters in it are the server's own messages. */
  readonly takesLetters: boolean
}

export class Model {
  readonly streams: Map<string, ModelStream> = new Map()
  readonly publications: Map<number, Publication> = new Map()
  /** Every letter that was ever seen, as `stream consumer sequence`. */
  readonly letters: Set<string> = new Set()
  /** Until then the disk may have been full: what waited for its record goes out late, and again at once. */
  stalledUntilMs = 0
  /** Counts processes. */
  life = 0
  #born = 0
  /** Virtual time. */
  readonly nowMs: () => number

  constructor(nowMs: () => number) {
    this.nowMs = nowMs
  }

  addStream(config: StreamSettings, takesLetters: boolean): ModelStream {
    const stream: ModelStream = {
      name: config.name,
      born: ++this.#born,
      existence: 'asked',
      config,
      uncertain: false,
      tightest: { max_msgs: Infinity, max_bytes: Infinity, max_msgs_per_subject: Infinity, max_age: Infinity },
      stored: new Map(),
      removals: [],
      consumers: new Map(),
      former: [],
      toldSeq: 0,
      takesLetters,
    }
    this.tighten(stream, config)
    this.streams.set(config.name, stream)
    return stream
  }

  /** From now on the stream may have this configuration. */
  tighten(stream: ModelStream, config: StreamSettings): void {
    const { tightest } = stream
    for (const limit of ['max_msgs', 'max_bytes', 'max_msgs_per_subject', 'max_age'] as const) {
      if (config[limit] > 0) tightest[limit] = Math.min(tightest[limit], config[limit])
    }
  }

  addConsumer(stream: ModelStream, config: ConsumerSettings, lastSeq: number): ModelConsumer {
    const consumer: ModelConsumer = {
      name: config.durable_name,
      stream: stream.name,
      existence: 'asked',
      config,
      uncertain: false,
      ackWaitMsMin: Infinity,
      maxDeliverMax: 0,
      everExhausting: false,
      bornAfterSeq: lastSeq,
      deliveries: new Map(),
      usedAtMs: this.nowMs(),
    }
    this.widen(consumer, config)
    const former = stream.consumers.get(consumer.name)
    if (former) stream.former.push(former)
    stream.consumers.set(consumer.name, consumer)
    return consumer
  }

  /** From now on the consumer may have this configuration. */
  widen(consumer: ModelConsumer, config: ConsumerSettings): void {
    const waits = config.backoff?.length ? config.backoff : [config.ack_wait]
    consumer.ackWaitMsMin = Math.min(consumer.ackWaitMsMin, ...waits.map((ns) => ns / 1e6))
    consumer.maxDeliverMax = Math.max(consumer.maxDeliverMax, config.max_deliver > 0 ? config.max_deliver : Infinity)
    if (config.max_deliver > 0) consumer.everExhausting = true
  }

  /** The publication whose message this body is. */
  publicationOf(body: string): Publication | undefined {
    return this.publications.get(Number(/^p(\d+):/.exec(body)?.[1]))
  }

  /** Remembers that a message was seen in a stream, at its place. */
  saw(stream: ModelStream, seq: number, subject: string, bytes: number, timeMs: number, body: string): Stored {
    let stored = stream.stored.get(seq)
    if (!stored) {
      // A delivery tells no time: the publish does.
      const publication = this.publicationOf(body)
      const at = stream.takesLetters ? timeMs : Math.min(timeMs, publication?.sentAtMs ?? timeMs)
      stored = { publication, subject, bytes, timeMs: at, promised: false, life: this.life, excused: false }
      stream.stored.set(seq, stored)
    }
    return stored
  }

  /** Why a message may be absent; undefined when nothing excuses it. */
  excuse(stream: ModelStream, seq: number, stored: Stored, lastSeq: number): string | undefined {
    const { tightest } = stream
    if (stream.removals.some((removal) => removal.covers(seq, stored.subject))) return 'removed'
    if (lastSeq - seq >= tightest.max_msgs) return 'max_msgs'
    if (this.nowMs() - stored.timeMs >= tightest.max_age / 1e6 - 1) return 'max_age'
    if (tightest.max_msgs_per_subject < Infinity || tightest.max_bytes < Infinity) {
      let sameSubject = 0
      let bytes = stored.bytes
      for (const later of this.#laterThan(stream, seq, stored)) {
        bytes += later.bytes
        if (later.subject === stored.subject) sameSubject++
      }
      if (sameSubject >= tightest.max_msgs_per_subject) return 'max_msgs_per_subject'
      if (bytes > tightest.max_bytes) return 'max_bytes'
    }
    return this.#settledByAll(stream, seq, stored)
  }

  /** Everything that was or may have been stored after `seq`. */
  *#laterThan(stream: ModelStream, seq: number, stored: Stored): Generator<{ subject: string; bytes: number }> {
    for (const [later, one] of stream.stored) if (later > seq) yield one
    for (const one of this.publications.values()) {
      if (one.born !== stream.born || one.sentAtMs < stored.timeMs - 1 || one.outcome !== 'open') continue
      yield { subject: one.subject, bytes: one.subject.length + one.headers.length + one.body.length + 34 }
    }
  }

  /** Interest and work queue: every consumer that it was for may have settled it. */
  #settledByAll(stream: ModelStream, seq: number, stored: Stored): string | undefined {
    const { retention } = stream.config
    if (retention === 'limits') return undefined
    const all = [...stream.former, ...stream.consumers.values()].filter((one) => wants(one, stored.subject))
    // A consumer that leaves a work queue leaves its messages there.
    if (retention === 'workqueue') return all.some((one) => this.#wasSettled(one, seq)) ? 'acknowledged' : undefined
    // Before a consumer came, nobody kept the message for it.
    const concerned = all.filter((one) => seq > one.bornAfterSeq)
    return concerned.every((one) => this.#maySettled(one, seq)) ? 'no interest left' : undefined
  }

  /** True when the consumer may have let go of `seq`: settled, or the consumer left itself. */
  #maySettled(consumer: ModelConsumer, seq: number): boolean {
    return consumer.existence !== 'there' || this.#wasSettled(consumer, seq)
  }

  /** True when `seq` may be acknowledged, terminated or a letter by now. */
  #wasSettled(consumer: ModelConsumer, seq: number): boolean {
    const { ack_policy } = consumer.config
    if (this.letters.has(`${consumer.stream} ${consumer.name} ${seq}`)) return true
    if (ack_policy === 'all') {
      for (const [later, one] of consumer.deliveries) if (later > seq && one.settledBy !== '') return true
    }
    const delivery = consumer.deliveries.get(seq)
    if (!delivery) return false
    if (ack_policy === 'none' || delivery.settledBy === 'ack') return true
    // Terminated is settled, by a letter where there are letters. Given up is not: it waits for a late ack.
    const letters = consumer.config.metadata?.['headwater.dead_letter'] !== undefined
    return !letters && delivery.settledBy === 'term'
  }
}

export function wants(consumer: ModelConsumer, subject: string): boolean {
  const filter = consumer.config.filter_subject
  return !filter || subjectMatches(filter, subject)
}
