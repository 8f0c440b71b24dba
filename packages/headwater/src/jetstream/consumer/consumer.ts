/**
 * One consumer: wires who asks (pull.ts, push.ts) to what comes next (delivery.ts) and to what becomes of it
 * (settlement.ts). Decides little: the pump below is the only loop, and every part has its own file.
 */

import type { Time } from '../../base/time.ts'
import { TimerWheel } from '../../base/timer-wheel.ts'
import type { ConsumerProgress } from '../../store/consumer-progress.ts'
import { MessageView } from '../../store/message-view.ts'
import { COLD, type ConsumerLog, FOUND } from '../../store/stream-log.ts'
import type { Inbound, Subscription, Target } from '../bus.ts'
import type { Environment } from '../environment.ts'
import type { HostedConsumer } from '../stream/hosted-consumer.ts'
import { parseAckBody } from './ack-body.ts'
import { AckReplies } from './ack-replies.ts'
import type { AckSink, Answer } from './ack-router.ts'
import { Alarm } from './alarm.ts'
import { type ConsumerConfig, normalConfig } from './consumer-config.ts'
import { type ConsumerSettings, settingsOf, waitMs } from './consumer-settings.ts'
import { DeadLetters } from './dead-letter.ts'
import { Delivery } from './delivery.ts'
import { headersOnly } from './headers-only.ts'
import type { ConsumerHost } from './host.ts'
import { Inactivity } from './inactivity.ts'
import { Notices } from './notices.ts'
import { Outgoing, type OutgoingDelivery } from './outgoing.ts'
import { PullQueue, type PullRequest } from './pull.ts'
import { parsePullRequest } from './pull-request.ts'
import { PushChannel } from './push.ts'
import { ReplayPace } from './replay-pace.ts'
import { Settlement } from './settlement.ts'
import { sendStatus, statusBlock } from './status.ts'
import { encodeStored, type StoredConsumer } from './stored-consumer.ts'

/** Delivered in one turn at most; the rest goes on at its end, so that sockets are served in between. */
const TURN_MESSAGES = 1000
const TURN_BYTES = 1024 * 1024

/** Where a delivery goes on after a start. */
export interface Resumption {
  /** First deliveries up to here may have been made before, unrecorded: they are counted as one (0: none). */
  readonly suspectSeq: number
}

export class Consumer implements HostedConsumer, AckSink {
  readonly name: string
  readonly created: Time
  readonly ackPrefix: Uint8Array
  readonly #env: Environment
  readonly #host: ConsumerHost
  readonly #log: ConsumerLog
  readonly #progress: ConsumerProgress
  readonly #delivery: Delivery
  readonly #settlement: Settlement
  readonly #deadLetters: DeadLetters
  readonly #notices: Notices
  readonly #replies: AckReplies
  readonly #outgoing: Outgoing
  readonly #pulls: PullQueue
  readonly #deadlines: TimerWheel
  readonly #pullAlarm: Alarm
  readonly #inactivity: Inactivity
  readonly #pace: ReplayPace
  readonly #requests: Subscription
  readonly #view = new MessageView()
  readonly #suspectSeq: number
  readonly #stored: StoredConsumer
  #push: PushChannel | undefined
  #config: ConsumerConfig
  #settings: ConsumerSettings
  #pumping = false
  #pumpAgain = false
  #pumpScheduled = false
  #loading = false
  #blocked = false
  #sampled = 0
  #open = false
  #closed = false
  /** Milliseconds of message time; 0: never since the start. */
  lastDeliveredMs = 0
  lastAckMs = 0

  constructor(env: Environment, host: ConsumerHost, log: ConsumerLog, stored: StoredConsumer, resumption: Resumption) {
    this.#env = env
    this.#host = host
    this.#log = log
    this.#progress = log.progress
    this.#stored = stored
    this.#config = stored.config
    this.#settings = settingsOf(stored.config)
    this.name = stored.name
    this.created = stored.created
    this.#suspectSeq = resumption.suspectSeq
    const prefix = `$JS.ACK.${host.name}.${this.name}.`
    this.ackPrefix = new TextEncoder().encode(prefix)
    this.#delivery = new Delivery(host.log, this.#settings.filters, this.#progress.delivered.streamSeq + 1, prefix)
    if (stored.lastPerSubjectUpTo !== undefined) this.#delivery.startWithLastPerSubject(stored.lastPerSubjectUpTo)
    this.#deadlines = new TimerWheel(env.clock, (seqs) => this.#expired(seqs))
    this.#settlement = new Settlement(this.#progress, this.#settings, {
      record: (event, urgency) => log.record(event, urgency),
      letter: (seq, reason, detail) => this.#deadLetters.write(seq, reason, detail),
      settled: (seq) => host.settled(this.name, seq),
      settledThrough: (seq) => host.settledThrough(this.name, seq),
      notify: (notice) => this.#notices.tell(notice),
      schedule: (seq, atMs) => this.#deadlines.schedule(seq, atMs),
      cancel: (seq) => this.#deadlines.cancel(seq),
    })
    this.#deadLetters = new DeadLetters({
      env,
      host,
      consumer: this.name,
      created: this.created,
      settlement: () => this.#settlement,
      delivery: (seq) => this.#progress.pending.get(seq) ?? this.#progress.held.get(seq),
    })
    this.#deadLetters.setSubject(this.#settings.deadLetter?.subject ?? '')
    this.#notices = new Notices(env, host, this.name, this.#deadLetters)
    this.#replies = new AckReplies(env.bus, host.log, env.turn)
    this.#outgoing = new Outgoing(host.log, {
      stands: (delivery) => this.#progress.pending.get(delivery.seq)?.consumerSeq === delivery.consumerSeq,
      send: (delivery, view) => this.#sendOutgoing(delivery, view),
      dropped: ({ request, bytes }) => request && this.#pulls.giveBack(request, bytes),
      done: () => this.#pump(),
    })
    this.#pulls = new PullQueue(this.#settings.maxWaiting, this.#standing)
    this.#pullAlarm = new Alarm(env.realClock, () => this.#pump())
    this.#pace = new ReplayPace(env.clock, this.#settings.replayOriginal ? host.log.state.lastSeq : 0, () =>
      this.#pump(),
    )
    this.#inactivity = new Inactivity(env, {
      inUse: () => (this.#push ? this.#push.active : this.#pulls.waits(env.realClock.now())),
      lastAckDueMs: () => this.#lastAckDueMs(),
      delete: () => host.removeConsumer(this.name),
    })
    this.#inactivity.setThreshold(this.#settings.inactiveMs, this.#settings.deliverSubject === '')
    this.#openPush()
    this.#requests = env.bus.capture(`$JS.API.CONSUMER.MSG.NEXT.${host.name}.${this.name}`, (message) =>
      this.#requested(message),
    )
  }

  get config(): ConsumerConfig {
    return this.#config
  }

  get filters(): readonly string[] {
    return this.#settings.filters
  }

  get closed(): boolean {
    return this.#closed
  }

  /** What the info call shows besides the configuration. */
  get figures(): ConsumerFigures {
    const { delivered, ackFloor, pending, exhausted, held } = this.#progress
    let redelivered = exhausted.size
    for (const { deliveries } of pending.values()) if (deliveries > 1) redelivered++
    if (this.#settings.deliverSubject === '') this.#pulls.sweep(this.#env.realClock.now(), false)
    return {
      delivered,
      ackFloor,
      numAckPending: pending.size,
      numRedelivered: this.#settings.maxDeliver === 1 ? 0 : redelivered,
      numWaiting: this.#pulls.size,
      numPending: this.#delivery.numPending,
      pushBound: this.#push?.active ?? false,
      held: [...held.keys()].map((seq) => ({ seq, why: this.#settlement.heldWhy.get(seq) ?? '' })),
    }
  }

  /** Begins to deliver; pending messages of a former process are judged anew. */
  open(): void {
    if (this.#closed) return
    this.#open = true
    if (this.#progress.held.size > 0) this.#deadLetters.resume()
    this.#settlement.judge(this.#settings, this.#env.clock.now())
    this.#pump()
  }

  /** Takes another configuration, which was checked. */
  update(config: ConsumerConfig): void {
    const before = this.#settings
    this.#config = normalConfig(config)
    this.#log.setConfig(encodeStored({ ...this.#stored, config: this.#config }))
    this.#settings = settingsOf(config)
    const { filters, deadLetter, inactiveMs, deliverSubject } = this.#settings
    this.#deadLetters.setSubject(deadLetter?.subject ?? '')
    if (filters.join(' ') !== before.filters.join(' ')) {
      this.#delivery.refilter(filters)
      this.#host.interestChanged()
    }
    if (this.#push) {
      this.#push.close()
      this.#openPush()
    }
    if (inactiveMs !== before.inactiveMs) this.#inactivity.setThreshold(inactiveMs, deliverSubject === '')
    this.#settlement.judge(this.#settings, this.#env.clock.now())
    this.#pump()
  }

  wants(subject: string): boolean {
    return this.#delivery.matches(subject)
  }

  needs(seq: number): boolean {
    return this.#progress.needs(seq)
  }

  wake(): void {
    this.#pump()
  }

  removed(seq: number, subject: string): void {
    this.#delivery.removed(seq, subject)
    if (this.#settlement.removed(seq)) this.#pumpSoon()
  }

  purgedBelow(seq: number): void {
    const { delivered, ackFloor, pending } = this.#progress
    this.#settlement.forgetBelow(seq)
    let consumerSeq = ackFloor.consumerSeq
    for (const [key, { firstConsumerSeq }] of pending)
      if (key < seq) consumerSeq = Math.max(consumerSeq, firstConsumerSeq)
    this.#log.record(
      {
        what: 'moved',
        delivered: { consumerSeq: delivered.consumerSeq, streamSeq: Math.max(delivered.streamSeq, seq - 1) },
        ackFloor: { consumerSeq, streamSeq: Math.max(ackFloor.streamSeq, seq - 1) },
        clear: true,
      },
      'now',
    )
    this.#delivery.removedBelow(seq)
    this.#pumpSoon()
  }

  streamUpdated(): void {
    this.#settlement.judge(this.#settings, this.#env.clock.now())
    this.#pump()
  }

  close(reason: 'deleted' | 'shutdown'): void {
    if (this.#closed) return
    this.#closed = true
    if (reason === 'deleted') this.#pulls.endAll('409 Consumer Deleted', false)
    else this.#pulls.endAll('409 Server Shutdown', true)
    this.#requests.unsubscribe()
    this.#push?.close()
    this.#outgoing.close()
    this.#deadLetters.close()
    this.#deadlines.close()
    this.#pullAlarm.cancel()
    this.#inactivity.close()
    this.#pace.close()
    this.#delivery.close()
  }

  /** HOT: a plain acknowledgement. */
  acknowledged(streamSeq: number, consumerSeq: number, deliveries: number, reply: string): void {
    if (streamSeq >= this.#delivery.nextSeq || this.#settings.ackPolicy === 'none') return
    this.lastAckMs = this.#inactivity.touch()
    if (this.#settings.samplePercent > 0) this.#sample(streamSeq, consumerSeq, deliveries)
    const urgency = reply === '' ? 'later' : 'now'
    if (this.#settings.ackPolicy === 'all') this.#settlement.ackThrough(streamSeq, consumerSeq, urgency)
    else this.#settlement.ack(streamSeq, urgency)
    if (reply !== '') this.#replies.add(reply)
    if (this.#blocked) this.#pumpSoon()
  }

  answered(answer: Answer, bytes: Uint8Array, start: number, end: number): void {
    if (this.#settings.ackPolicy === 'none') return
    const { streamSeq, consumerSeq, deliveries, reply } = answer
    const body = parseAckBody(bytes, start, end)
    const nowMs = this.#inactivity.touch()
    switch (body.kind) {
      case 'next':
        this.acknowledged(streamSeq, consumerSeq, deliveries, '')
        this.#request(reply, bytes, body.requestStart, end)
        return
      case 'nak':
        if (body.bad) this.#env.log.warn({ consumer: this.name, delay: body.bad }, 'a nak with a delay that is none')
        if (this.#settlement.nak(streamSeq, body.delayMs, nowMs)) {
          this.#notices.naked({ consumer_seq: consumerSeq, stream_seq: streamSeq, deliveries })
        }
        break
      case 'progress':
        this.#settlement.inProgress(streamSeq, nowMs)
        break
      case 'term':
        if (streamSeq >= this.#delivery.nextSeq) return
        this.#settlement.terminate(streamSeq, consumerSeq, deliveries, body.reason)
        break
      case 'ack':
      case 'unknown':
        break
    }
    if (reply !== '' && streamSeq > 0) this.#replies.add(reply)
    this.#pumpSoon()
  }

  #requested(message: Inbound): undefined {
    this.#request(message.reply, message.bytes, message.start + message.headersLength, message.end)
  }

  /** A pull request: refused, answered at once, or queued. */
  #request(reply: string, bytes: Uint8Array, start: number, end: number): void {
    if (reply === '' || this.#closed) return
    const target = this.#env.bus.target(reply)
    const refuse = (status: string): void => sendStatus(target, statusBlock(status))
    if (this.#push) return refuse('409 Consumer is push based')
    const options = parsePullRequest(bytes, start, end, this.#settings)
    if (typeof options === 'string') return refuse(options)
    this.#inactivity.touch()
    const nowMs = this.#env.realClock.now()
    if (options.noWait) {
      const available = this.#delivery.numPending + this.#settlement.ready.size
      if (available === 0 && options.expiresMs === undefined) return refuse('404 No Messages')
      if (available > 0) {
        this.#pulls.sweep(nowMs, false)
        if (available < this.#pulls.wanted) return refuse('408 Requests Pending')
      }
    }
    if (!this.#pulls.add(target, options, nowMs)) {
      // With a heartbeat the client notices by itself, and does not ask again in a hot loop.
      if (options.heartbeatMs === 0) refuse('409 Exceeded MaxWaiting')
      return
    }
    this.#pump()
  }

  /** Delivers what can be delivered. Runs to completion; a call during it makes it go round once more. */
  #pump(): void {
    if (!this.#open || this.#closed || this.#loading || this.#outgoing.size > 0) return
    if (this.#pumping) {
      this.#pumpAgain = true
      return
    }
    this.#pumping = true
    do {
      this.#pumpAgain = false
      this.#round()
    } while (this.#pumpAgain && this.#outgoing.size === 0)
    this.#pumping = false
    this.#outgoing.flush()
  }

  /** HOT: one run of deliveries. */
  #round(): void {
    const push = this.#push
    let drained = false
    this.#blocked = false
    let bytesLeft = TURN_BYTES
    for (let left = TURN_MESSAGES; push ? push.ready() : this.#pulls.size > 0; left--) {
      if (left === 0 || bytesLeft <= 0) {
        this.#pumpSoon()
        break
      }
      const again = this.#settlement.nextReady()
      let seq = again
      if (seq === 0) {
        // Deliveries keep their order: what is new does not overtake a redelivery that waits for its record.
        if (this.#outgoing.size > 0) break
        if (this.#progress.pending.size >= this.#settings.maxAckPending || this.#settlement.heldFull) {
          this.#blocked = true
          break
        }
        seq = this.#delivery.peek()
        if (seq === 0) {
          drained = true
          break
        }
      }
      const size = this.#offer(seq, again !== 0)
      if (size < 0) break
      bytesLeft -= size
    }
    if (push) return
    if (this.#outgoing.size > 0) return
    const nextMs = this.#pulls.sweep(this.#env.realClock.now(), drained)
    if (nextMs !== Number.POSITIVE_INFINITY) this.#pullAlarm.set(nextMs)
  }

  /** Gives one message to whoever is next; its size, or -1 when nobody can have it now. */
  #offer(seq: number, again: boolean): number {
    const view = this.#view
    const found = this.#host.log.read(seq, view)
    if (found === COLD) {
      this.#load(seq, again)
      return -1
    }
    if (found !== FOUND) {
      if (again) this.#settlement.removed(seq)
      else this.#delivery.take(seq)
      return 0
    }
    if (!again && !this.#pace.allows(view)) return -1
    const tracked = this.#settings.ackPolicy !== 'none'
    const suspect = !again && tracked && seq <= this.#suspectSeq
    let deliveries = 1
    if (again) deliveries = this.#progress.pending.get(seq)!.deliveries + 1
    // May have been delivered before a crash: that counts, but never as the only delivery.
    else if (suspect && this.#settings.maxDeliver > 1) deliveries = 2
    const consumerSeq = this.#progress.delivered.consumerSeq + 1
    const numPending = again ? this.#delivery.numPending : Math.max(0, this.#delivery.numPending - 1)
    const reply = this.#delivery.ackSubject(view, consumerSeq, deliveries, numPending)
    const payload = this.#settings.headersOnly ? 0 : view.payloadLength
    const bytes = view.subject.length + reply.length + view.headersLength + payload
    let request: PullRequest | undefined
    if (!this.#push) {
      request = this.#pulls.take(bytes, this.#env.realClock.now())
      if (!request) return -1
    }
    if (!again) this.#delivery.take(seq)
    const nowMs = this.#inactivity.touch()
    this.lastDeliveredMs = nowMs
    const waits = again || suspect
    this.#settlement.delivered(seq, consumerSeq, deliveries, nowMs, waits ? 'now' : 'later')
    if (waits) this.#outgoing.add({ seq, consumerSeq, deliveries, numPending, request, bytes })
    else this.#send(view, reply, request, bytes)
    if (!tracked) this.#host.settled(this.name, seq)
    return bytes
  }

  #sendOutgoing(delivery: OutgoingDelivery, view: MessageView): void {
    const { consumerSeq, deliveries, numPending, request, bytes } = delivery
    this.#send(view, this.#delivery.ackSubject(view, consumerSeq, deliveries, numPending), request, bytes)
  }

  #send(view: MessageView, reply: string, request: PullRequest | undefined, bytes: number): void {
    const target: Target = request ? request.target : this.#push!.target
    if (this.#settings.headersOnly) {
      const block = headersOnly(view)
      target.send(view.subject, reply, block, 0, block.length, block.length)
    } else {
      target.send(view.subject, reply, view.bytes, view.headersStart, view.headersLength, view.end)
    }
    if (!request) {
      this.#push?.sent(bytes)
      return
    }
    const afterword = this.#pulls.afterword(request)
    if (afterword) sendStatus(target, afterword)
  }

  #load(seq: number, again: boolean): void {
    this.#loading = true
    const { log } = this.#host
    const resume = (): void => {
      this.#loading = false
      this.#pump()
    }
    log.load(seq).then(resume, (error: unknown) => {
      this.#env.log.error(
        { error, stream: this.#host.name, seq },
        'a message cannot be read; the consumer passes over it',
      )
      if (again) this.#settlement.ready.remove(seq)
      else if (!this.#closed) this.#delivery.take(seq)
      resume()
    })
  }

  #expired(seqs: readonly number[]): void {
    if (this.#closed) return
    const nowMs = this.#env.clock.now()
    for (const seq of [...seqs].sort((a, b) => a - b)) this.#settlement.expired(seq, nowMs)
    this.#pump()
  }

  /** Pumps once at the end of the turn, however often it was asked for. */
  #pumpSoon(): void {
    if (this.#pumpScheduled) return
    this.#pumpScheduled = true
    this.#env.turn.atEnd(() => {
      this.#pumpScheduled = false
      this.#pump()
    })
  }

  #openPush(): void {
    if (this.#settings.deliverSubject === '') return
    this.#push = new PushChannel(this.#env, this.#settings, {
      stream: this.#host.name,
      consumer: this.name,
      standing: this.#standing,
      go: () => this.#pump(),
      interest: () => this.#inactivity.touch(),
    })
  }

  readonly #standing = (): { consumerSeq: number; streamSeq: number } => ({
    consumerSeq: this.#progress.delivered.consumerSeq,
    streamSeq: this.#delivery.nextSeq - 1,
  })

  #sample(streamSeq: number, consumerSeq: number, deliveries: number): void {
    const pending = this.#progress.pending.get(streamSeq)
    if (!pending) return
    this.#sampled += this.#settings.samplePercent
    if (this.#sampled < 100) return
    this.#sampled -= 100
    const delivery = { consumer_seq: consumerSeq, stream_seq: streamSeq, deliveries }
    this.#notices.sampled(delivery, this.#env.clock.now() - pending.deliveredAtMs)
  }

  /** When the last acknowledgement that may still come is due; 0 when none is. */
  #lastAckDueMs(): number {
    let latest = 0
    for (const { deliveredAtMs, deliveries } of this.#progress.pending.values()) {
      latest = Math.max(latest, deliveredAtMs + waitMs(this.#settings, deliveries))
    }
    return latest
  }
}

/** Numbers of a consumer, on appended state. */
export interface ConsumerFigures {
  readonly delivered: { readonly consumerSeq: number; readonly streamSeq: number }
  readonly ackFloor: { readonly consumerSeq: number; readonly streamSeq: number }
  readonly numAckPending: number
  readonly numRedelivered: number
  readonly numWaiting: number
  readonly numPending: number
  readonly pushBound: boolean
  readonly held: readonly { readonly seq: number; readonly why: string }[]
}
