/**
 * One consumer: makes its parts and lets them know each other. Who asks (intake.ts, push.ts), what comes next
 * (delivery.ts), the loop that brings both together (pump.ts), and what becomes of a message (answers.ts, settlement.ts).
 */
import { type Time, timeToMs } from '../../base/time.ts'
import type { ConsumerLog } from '../../store/stream-log.ts'
import type { Subscription } from '../bus.ts'
import type { Environment } from '../environment.ts'
import type { HostedConsumer } from '../stream/hosted-consumer.ts'
import { AckReplies } from './ack-replies.ts'
import type { AckSink, Answer } from './ack-router.ts'
import { Answers } from './answers.ts'
import { putBack } from './clock-behind.ts'
import { type ConsumerConfig, normalConfig } from './consumer-config.ts'
import { type ConsumerFigures, figuresOf, movedPast } from './consumer-figures.ts'
import type { ConsumerParts } from './consumer-parts.ts'
import { settingsOf, waitMs } from './consumer-settings.ts'
import { DeadLetters } from './dead-letter.ts'
import { Deadlines } from './deadlines.ts'
import { Delivery } from './delivery.ts'
import type { ConsumerHost } from './host.ts'
import { Inactivity } from './inactivity.ts'
import { Intake } from './intake.ts'
import { Notices } from './notices.ts'
import { PullQueue } from './pull.ts'
import { Pump } from './pump.ts'
import { PushChannel } from './push.ts'
import { Settlement } from './settlement.ts'
import { encodeStored, type StoredConsumer } from './stored-consumer.ts'

/** Where a delivery goes on after a start. */
export interface Resumption {
  /** First deliveries up to here may have been made before, unrecorded: they are counted as one (0: none). */
  readonly suspectSeq: number
}

export class Consumer implements HostedConsumer, AckSink {
  readonly name: string
  readonly created: Time
  readonly ackPrefix: Uint8Array
  readonly #log: ConsumerLog
  readonly #stored: StoredConsumer
  readonly #parts: ConsumerParts
  readonly #pump: Pump
  readonly #answers: Answers
  readonly #deadLetters: DeadLetters
  /** Made with the first deadline: a consumer without acknowledgements has none. */
  #deadlines: Deadlines | undefined
  readonly #requests: Subscription
  #config: ConsumerConfig
  #closed = false
  #lastAckMs = 0

  constructor(env: Environment, host: ConsumerHost, log: ConsumerLog, stored: StoredConsumer, resumption: Resumption) {
    const { name } = stored
    const { progress } = log
    const settings = settingsOf(stored.config)
    this.name = name
    this.created = stored.created
    this.ackPrefix = new TextEncoder().encode(`$JS.ACK.${host.name}.${name}.`)
    this.#log = log
    this.#stored = stored
    this.#config = stored.config
    this.#deadLetters = new DeadLetters({
      env,
      host,
      consumer: name,
      created: this.created,
      settlement: () => this.#parts.settlement,
      delivery: (seq) => progress.pending.get(seq) ?? progress.held.get(seq),
      goOn: () => this.#pump.soon(),
    })
    this.#deadLetters.setSubject(settings.deadLetter?.subject ?? '')
    const delivery = new Delivery(host.log, settings.filters, progress.delivered.streamSeq + 1)
    if (stored.lastPerSubjectUpTo !== undefined) delivery.startWithLastPerSubject(stored.lastPerSubjectUpTo)
    const notices = new Notices(env, host, name, this.#deadLetters)
    this.#parts = {
      name,
      env,
      host,
      progress,
      delivery,
      notices,
      settings,
      push: undefined,
      settlement: new Settlement(progress, settings, {
        record: (event, urgency) => {
          // Not the clock again: an acknowledgement has just read it, and other ends are shown well enough by it.
          if (event.what === 'settled' || event.what === 'settled-through') {
            this.#lastAckMs = this.#parts.inactivity.lastUsedMs
          }
          log.record(event, urgency)
        },
        letter: (seq, reason, detail) => this.#deadLetters.write(seq, reason, detail),
        settled: (seq) => host.settled(name, seq),
        settledThrough: (seq) => host.settledThrough(name, seq),
        notify: (notice) => notices.tell(notice),
        schedule: (seq, atMs) => {
          this.#deadlines ??= new Deadlines(env.clock, {
            dueMs: (pending) => this.#dueMs(pending),
            expired: (seqs) => this.#expired(seqs),
          })
          this.#deadlines.schedule(seq, atMs)
        },
        cancel: (seq) => this.#deadlines?.cancel(seq),
      }),
      pulls: new PullQueue(settings.maxWaiting, this.#standing),
      replies: new AckReplies(env.bus, host.log, env.turn),
      inactivity: new Inactivity(env, {
        inUse: () => (this.#parts.push ? this.#parts.push.active : this.#parts.pulls.waits(env.realClock.now())),
        lastAckDueMs: () => this.#lastAckDueMs(),
        delete: () => host.removeConsumer(name),
      }),
    }
    this.#pump = new Pump(this.#parts, resumption.suspectSeq, this.ackPrefix)
    const intake = new Intake(this.#parts, this.#pump)
    this.#answers = new Answers(this.#parts, this.#pump, intake)
    this.#parts.inactivity.setThreshold(settings.inactiveMs, settings.deliverSubject === '')
    this.#openPush()
    this.#requests = env.bus.capture(`$JS.API.CONSUMER.MSG.NEXT.${host.name}.${name}`, (message) => {
      intake.request(message.reply, message.bytes, message.start + message.headersLength, message.end)
      return undefined
    })
  }

  get config(): ConsumerConfig {
    return this.#config
  }

  /** What it listens to; empty means everything. */
  get filters(): readonly string[] {
    return this.#parts.settings.filters
  }

  get closed(): boolean {
    return this.#closed
  }

  /** The numbers that the info call shows. */
  get figures(): ConsumerFigures {
    return figuresOf(this.#parts, { lastDeliveredMs: this.#pump.lastDeliveredMs, lastAckMs: this.#lastAckMs })
  }

  /** Begins to deliver; pending messages of a former process are judged anew. */
  open(): void {
    if (this.#closed) return
    const { env, host, progress } = this.#parts
    if (progress.held.size > 0) this.#deadLetters.resume()
    for (const event of putBack(progress, env.clock.now(), timeToMs(host.log.state.lastTime)))
      this.#log.record(event, 'later')
    this.#judge()
    this.#pump.open()
  }

  /** Takes another configuration, which was checked. */
  update(config: ConsumerConfig): void {
    const parts = this.#parts
    const before = parts.settings
    this.#config = normalConfig(config)
    this.#log.setConfig(encodeStored({ ...this.#stored, config: this.#config }))
    parts.settings = settingsOf(config)
    const { filters, deadLetter, inactiveMs, deliverSubject } = parts.settings
    this.#deadLetters.setSubject(deadLetter?.subject ?? '')
    if (filters.join(' ') !== before.filters.join(' ')) {
      parts.delivery.refilter(filters)
      parts.host.interestChanged()
    }
    if (parts.push) {
      parts.push.close()
      this.#openPush()
    }
    if (inactiveMs !== before.inactiveMs) parts.inactivity.setThreshold(inactiveMs, deliverSubject === '')
    this.#judge()
    this.#pump.updated()
  }

  wants(subject: string): boolean {
    return this.#parts.delivery.matches(subject)
  }

  needs(seq: number): boolean {
    return this.#parts.progress.needs(seq)
  }

  wake(): void {
    this.#pump.run()
  }

  removed(seq: number, subject: string): void {
    this.#parts.delivery.removed(seq, subject)
    if (this.#parts.settlement.removed(seq)) this.#pump.soon()
  }

  purgedBelow(seq: number): void {
    this.#parts.settlement.forgetBelow(seq)
    const { exhausted } = this.#parts.progress
    for (const key of [...exhausted.keys()]) if (key < seq) this.#log.record({ what: 'settled', streamSeq: key }, 'now')
    this.#log.record(movedPast(this.#parts.progress, seq), 'now')
    this.#lastAckMs = this.#parts.env.clock.now()
    this.#parts.delivery.removedBelow(seq)
    this.#pump.soon()
  }

  streamUpdated(): void {
    this.#judge()
    this.#pump.run()
  }

  close(reason: 'deleted' | 'shutdown'): void {
    if (this.#closed) return
    this.#closed = true
    const { pulls, push, inactivity, delivery } = this.#parts
    if (reason === 'deleted') pulls.endAll('409 Consumer Deleted', false)
    else pulls.endAll('409 Server Shutdown', true)
    this.#requests.unsubscribe()
    push?.close()
    this.#pump.close()
    this.#deadLetters.close()
    this.#deadlines?.close()
    inactivity.close()
    delivery.close()
  }

  /** HOT: a plain acknowledgement. */
  acknowledged(streamSeq: number, consumerSeq: number, deliveries: number, reply: string): void {
    this.#answers.acknowledged(streamSeq, consumerSeq, deliveries, reply)
  }

  answered(answer: Answer, bytes: Uint8Array, start: number, end: number): void {
    this.#answers.answered(answer, bytes, start, end)
  }

  #judge(): void {
    this.#parts.settlement.judge(this.#parts.settings, this.#parts.env.clock.now())
  }

  /** When the time of a pending message is over; 0 when `seq` is not pending. */
  #dueMs(seq: number): number {
    const { pending } = this.#parts.progress
    const entry = pending.find(seq)
    return entry < 0 ? 0 : pending.timeOf(entry) + waitMs(this.#parts.settings, pending.countOf(entry))
  }

  #expired(seqs: readonly number[]): void {
    if (this.#closed) return
    const nowMs = this.#parts.env.clock.now()
    for (const seq of [...seqs].sort((a, b) => a - b)) this.#parts.settlement.expired(seq, nowMs)
    this.#pump.run()
  }

  #openPush(): void {
    const { env, host, settings, inactivity } = this.#parts
    if (settings.deliverSubject === '') return
    const { max_msg_size } = host.config
    this.#parts.push = new PushChannel(env, settings, {
      stream: host.name,
      consumer: this.name,
      burstBytes: max_msg_size > 0 ? max_msg_size : env.limits.maxPayloadBytes,
      standing: this.#standing,
      go: () => this.#pump.run(),
      interest: () => inactivity.touch(),
    })
  }

  readonly #standing = (): { consumerSeq: number; streamSeq: number } => ({
    consumerSeq: this.#parts.progress.delivered.consumerSeq,
    streamSeq: this.#parts.delivery.nextSeq - 1,
  })

  /** When the last acknowledgement that may still come is due; 0 when none is, or when listening is what counts. */
  #lastAckDueMs(): number {
    const { push, progress, settings } = this.#parts
    let latest = 0
    if (push) return latest
    for (const [, { deliveredAtMs, deliveries }] of progress.pending.entries()) {
      latest = Math.max(latest, deliveredAtMs + waitMs(settings, deliveries))
    }
    return latest
  }
}
