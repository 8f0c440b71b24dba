/** One stream: its log, its rules, its consumers, and the subscriptions through which messages come in. Wires, decides little. */
import { parseTime, type Time } from '../../base/time.ts'
import type { Store } from '../../store/store.ts'
import type { ConsumerLog, StreamLog } from '../../store/stream-log.ts'
import type { AccountUsage } from '../account-usage.ts'
import { consumerAction, emitAdvisory } from '../advisory/advisories.ts'
import type { Subscription } from '../bus.ts'
import type { ConsumerHost, LetterTarget } from '../consumer/host.ts'
import type { Environment } from '../environment.ts'
import type { HostedConsumer } from './hosted-consumer.ts'
import { Interest } from './interest.ts'
import { letterTarget } from './letter-target.ts'
import { Publisher } from './publish.ts'
import type { StreamConfig } from './stream-config.ts'
import { Trimmer } from './trimmer.ts'

/** What a stream needs of the engine around it. */
export interface StreamSurroundings {
  readonly env: Environment
  readonly store: Store
  readonly usage: AccountUsage
  /** The stream of the account that captures a literal subject. */
  capturing(subject: string): Stream | undefined
}

/** What the store keeps for a stream, as JSON. */
export interface StoredStream {
  readonly config: StreamConfig
  /** RFC 3339. */
  readonly created: string
}

interface Hosted {
  readonly consumer: HostedConsumer
  readonly log: ConsumerLog
}

export class Stream implements ConsumerHost {
  readonly log: StreamLog
  readonly created: Time
  readonly publisher: Publisher
  readonly #surroundings: StreamSurroundings
  readonly #hosted = new Map<string, Hosted>()
  readonly #captures = new Map<string, Subscription>()
  readonly #trimmer: Trimmer
  readonly #interest: Interest
  #config: StreamConfig
  /** The consumers in no order, for loops that run per message. */
  #consumers: readonly HostedConsumer[] = []
  #closed = false

  constructor(surroundings: StreamSurroundings, log: StreamLog, stored: StoredStream) {
    this.#surroundings = surroundings
    this.log = log
    this.#config = stored.config
    this.created = parseTime(stored.created) ?? { seconds: 0, nanos: 0 }
    this.publisher = new Publisher(surroundings.env, surroundings.store, surroundings.usage, this)
    this.#trimmer = new Trimmer(surroundings.env, this)
    this.#interest = new Interest(surroundings.env, this)
    log.onReadable = () => this.#readable()
    log.keptIds = (isReplayed) => this.publisher.dedupe.kept(surroundings.env.clock.now(), isReplayed)
  }

  get name(): string {
    return this.#config.name
  }

  get config(): StreamConfig {
    return this.#config
  }

  get retention(): StreamConfig['retention'] {
    return this.#config.retention
  }

  get storage(): 'file' | 'memory' {
    return this.log.storage
  }

  get isClosed(): boolean {
    return this.#closed
  }

  /** Begins to take messages, and to keep its limits. Consumers that survived were added before. */
  open(): void {
    this.#capture()
    this.#trimmer.enforce()
    this.#interest.recheck()
  }

  /** Changes the configuration, which was checked; limits that became tighter take effect at once. */
  update(config: StreamConfig): void {
    const isNewlyInterest = config.retention === 'interest' && this.retention !== 'interest'
    this.#config = config
    this.log.setConfig(storedJson(config, this.log.config))
    this.publisher.dedupe.setWindow(config.duplicate_window / 1e6)
    this.#capture()
    if (isNewlyInterest) this.#interest.begin()
    this.#trimmer.enforce()
    for (const consumer of this.#consumers) consumer.streamUpdated()
    this.#interest.recheck()
  }

  /** Stops: no message comes in, timers end, consumers are told why. */
  close(reason: 'deleted' | 'shutdown'): void {
    if (this.#closed) return
    this.#closed = true
    for (const subscription of this.#captures.values()) subscription.unsubscribe()
    this.#captures.clear()
    this.#trimmer.close()
    this.#interest.close()
    for (const consumer of this.#consumers) consumer.close(reason)
    this.log.onReadable = undefined
    // Who waits for an ack has one coming: the message was stored, whatever became of it afterwards.
    const { acks } = this.publisher
    if (acks.waiting > 0) {
      this.whenReadable(
        () => acks.release(Number.POSITIVE_INFINITY),
        () => this.publisher.failWaiting(),
      )
    }
  }

  /** A message was appended: apply its roll-up and the limits. */
  appended(seq: number, subject: string, rollup: 'sub' | 'all' | undefined): void {
    if (rollup === 'all') this.purgeBelow(seq)
    else if (rollup === 'sub') this.#trimmer.keepNewestOf(subject, 1)
    this.#trimmer.appended(subject)
  }

  /** Whether any consumer would get a message on `subject`: what interest retention asks of each message. */
  hasInterest(subject: string): boolean {
    for (const consumer of this.#consumers) if (consumer.wants(subject)) return true
    return false
  }

  /** Removes one message and tells the consumers; false when it is not there. `erase` overwrites its bytes. */
  remove(seq: number, erase = false): boolean {
    // From the index: the message itself may be on disk, and consumers with a filter must know whether it was theirs.
    const subject = this.#consumers.length === 0 ? '' : this.log.subjectAt(seq)
    const removed = this.log.remove(seq, erase)
    if (removed) this.tellRemoved(seq, subject)
    return removed
  }

  /** Tells every consumer that `seq` left the stream. */
  tellRemoved(seq: number, subject: string): void {
    for (const consumer of this.#consumers) consumer.removed(seq, subject)
  }

  /** Removes everything below `seq` and tells the consumers; returns how many messages went. */
  purgeBelow(seq: number): number {
    const removed = this.log.removeBelow(seq)
    for (const consumer of this.#consumers) consumer.purgedBelow(seq)
    return removed
  }

  consumer(name: string): HostedConsumer | undefined {
    return this.#hosted.get(name)?.consumer
  }

  /** Sorted by name. */
  consumers(): HostedConsumer[] {
    return [...this.#hosted.values()].map((hosted) => hosted.consumer).sort((a, b) => (a.name < b.name ? -1 : 1))
  }

  get consumerCount(): number {
    return this.#consumers.length
  }

  /** In no order, without a copy: for loops that run per message. */
  get activeConsumers(): readonly HostedConsumer[] {
    return this.#consumers
  }

  /** Takes in a consumer that was created or found; `log` is what the store keeps of it. */
  addConsumer(consumer: HostedConsumer, log: ConsumerLog): void {
    this.#hosted.set(consumer.name, { consumer, log })
    this.#consumers = [...this.#hosted.values()].map((hosted) => hosted.consumer)
  }

  settled(consumer: string, seq: number): void {
    this.#interest.settled(consumer, seq)
  }

  settledThrough(consumer: string, seq: number): void {
    this.#interest.settledThrough(consumer, seq)
  }

  /** Ends a consumer: gone from the store with the open frame, its interest withdrawn, its waiting requests told. */
  removeConsumer(name: string): void {
    const hosted = this.#hosted.get(name)
    if (!hosted) return
    this.#hosted.delete(name)
    this.#consumers = [...this.#hosted.values()].map((other) => other.consumer)
    hosted.consumer.close('deleted')
    // One that is kept in memory only is not the store's.
    if (this.log.consumers().includes(hosted.log)) this.log.deleteConsumer(hosted.log)
    this.#interest.consumerRemoved(name)
    this.whenReadable(() => emitAdvisory(this.#surroundings.env, consumerAction(this.name, name, 'delete')))
  }

  letterTarget(subject: string): LetterTarget | { refused: string } {
    const target = this.#surroundings.capturing(subject)
    if (!target) return { refused: `no stream captures ${subject}` }
    return letterTarget(target, this.#surroundings)
  }

  /** Runs `then` once everything appended so far is readable; never when the store fails before. */
  whenReadable(then: () => void, failed: (cause: Error) => void = () => {}): void {
    this.#surroundings.store.whenReadable({ readable: then, failed })
  }

  /** A consumer's filters changed. */
  interestChanged(): void {
    this.#interest.recheck()
  }

  /** The log shows more: acknowledge first, then deliver. */
  #readable(): void {
    this.publisher.acks.release(this.log.readableSeq)
    for (const consumer of this.#consumers) consumer.wake()
  }

  /** Subscribes what the configuration captures and drops what it no longer does. */
  #capture(): void {
    const wanted = new Set(this.#config.subjects)
    for (const [subject, subscription] of this.#captures) {
      if (wanted.has(subject)) continue
      subscription.unsubscribe()
      this.#captures.delete(subject)
    }
    for (const subject of wanted) {
      if (this.#captures.has(subject)) continue
      this.#captures.set(subject, this.#surroundings.env.bus.capture(subject, this.publisher.receive))
    }
  }
}

function storedJson(config: StreamConfig, before: string): string {
  const { created } = JSON.parse(before) as StoredStream
  return JSON.stringify({ config, created } satisfies StoredStream)
}
