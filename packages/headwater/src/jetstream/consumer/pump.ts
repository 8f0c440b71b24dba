/**
 * HOT: the one loop that delivers: the next message, to whoever is next, recorded and sent. Runs to completion; what it
 * cannot do now (no message, nobody who wants one, a message on disk, a record under way) calls it again.
 */
import { mayPass } from '../../base/fs.ts'
import { MessageView } from '../../store/message-view.ts'
import { COLD, FOUND } from '../../store/stream-log.ts'
import { AckReply } from './ack-reply.ts'
import { Alarm } from './alarm.ts'
import type { ConsumerParts } from './consumer-parts.ts'
import { headersOnly } from './headers-only.ts'
import { Outgoing, type OutgoingDelivery } from './outgoing.ts'
import type { PullRequest } from './pull.ts'
import { ReplayPace } from './replay-pace.ts'
import { sendStatus } from './status.ts'
import { Unrecorded } from './unrecorded.ts'

/** Delivered in one turn at most; the rest goes on at its end, so that sockets are served in between. */
const TURN_MESSAGES = 1000
const TURN_BYTES = 1024 * 1024

/** How soon a message is read again when the process had no descriptor for it. */
const READ_AGAIN_MS = 1000

export class Pump {
  readonly #parts: ConsumerParts
  /** First deliveries up to here may have been made before a crash, unrecorded. */
  readonly #suspectSeq: number
  readonly #outgoing: Outgoing
  readonly #unrecorded: Unrecorded
  readonly #pace: ReplayPace
  readonly #pullAlarm: Alarm
  readonly #view = new MessageView()
  readonly #reply: AckReply
  #running = false
  #again = false
  #scheduled = false
  #loading = false
  #opened = false
  /** Connection time and message time of this round. */
  #realNowMs = 0
  #nowMs = 0
  #closed = false
  /** True when something could be delivered but for the number of unsettled messages: an ack makes room. */
  blocked = false
  /** Milliseconds of message time; 0: not since the start. */
  lastDeliveredMs = 0

  /** `ackPrefix` is `$JS.ACK.<stream>.<consumer>.`. */
  constructor(parts: ConsumerParts, suspectSeq: number, ackPrefix: Uint8Array) {
    const { env, host, settings, progress, pulls } = parts
    this.#parts = parts
    this.#suspectSeq = suspectSeq
    this.#reply = new AckReply(ackPrefix)
    this.#unrecorded = new Unrecorded(host.log, settings.maxAckPending)
    this.#outgoing = new Outgoing(host.log, {
      stands: (delivery) => progress.pending.consumerSeqOf(delivery.seq) === delivery.consumerSeq,
      send: (delivery, view) => this.#sendOutgoing(delivery, view),
      dropped: ({ request, bytes }) => request && pulls.giveBack(request, bytes),
      done: () => this.run(),
    })
    this.#pace = new ReplayPace(env.clock, settings.replayOriginal ? host.log.state.lastSeq : 0, () => this.run())
    this.#pullAlarm = new Alarm(env.realClock, () => this.run())
  }

  /** Nothing is delivered before. */
  open(): void {
    this.#opened = true
    this.run()
  }

  close(): void {
    this.#closed = true
    this.#outgoing.close()
    this.#pace.close()
    this.#pullAlarm.cancel()
  }

  /** The settings changed. */
  updated(): void {
    this.#unrecorded.limit(this.#parts.settings.maxAckPending)
    this.run()
  }

  /** Delivers what can be delivered now. A call during it makes it go round once more. */
  run(): void {
    if (!this.#opened || this.#closed || this.#loading || this.#outgoing.size > 0) return
    if (this.#running) {
      this.#again = true
      return
    }
    this.#running = true
    do {
      this.#again = false
      this.#round()
    } while (this.#again && this.#outgoing.size === 0)
    this.#running = false
    this.#outgoing.flush()
  }

  /** Runs once at the end of the turn, however often it was asked for. */
  soon(): void {
    if (this.#scheduled) return
    this.#scheduled = true
    this.#parts.env.turn.atEnd(() => {
      this.#scheduled = false
      this.run()
    })
  }

  #round(): void {
    const { settlement, delivery, progress, pulls, push, settings, env } = this.#parts
    let drained = false
    this.blocked = false
    let bytesLeft = TURN_BYTES
    // One look at each clock a round: a round is one turn's work at most.
    this.#realNowMs = env.realClock.now()
    this.#nowMs = env.clock.now()
    for (let left = TURN_MESSAGES; push ? push.ready() : pulls.size > 0; left--) {
      if (left === 0 || bytesLeft <= 0) {
        this.soon()
        break
      }
      const again = settlement.nextReady()
      let seq = again
      if (seq === 0) {
        if (progress.pending.size >= settings.maxAckPending || settlement.heldFull) {
          this.blocked = true
          break
        }
        if (this.#unrecorded.isStopped) break
        seq = delivery.peek()
        if (seq === 0) {
          drained = true
          break
        }
        // Deliveries keep their order: what is sent at once does not overtake one that waits for its record.
        if (this.#outgoing.size > 0 && !this.#isSuspect(seq) && !this.#unrecorded.isFull) break
      }
      const bytes = this.#offer(seq, again !== 0)
      if (bytes < 0) break
      bytesLeft -= bytes
    }
    if (push || this.#outgoing.size > 0) return
    const nextMs = pulls.sweep(this.#realNowMs, drained)
    if (nextMs !== Number.POSITIVE_INFINITY) this.#pullAlarm.set(nextMs)
  }

  /** May have been delivered before a crash, unrecorded. */
  #isSuspect(seq: number): boolean {
    return seq <= this.#suspectSeq && this.#parts.settings.ackPolicy !== 'none'
  }

  /** Gives one message to whoever is next; its size, or -1 when nobody can have it now. */
  #offer(seq: number, again: boolean): number {
    const { host, settlement, delivery, progress, pulls, push, settings, inactivity } = this.#parts
    const view = this.#view
    const found = host.log.read(seq, view)
    if (found === COLD) {
      this.#load(seq, again)
      return -1
    }
    if (found !== FOUND) {
      if (again) settlement.removed(seq)
      else delivery.take(seq)
      return 0
    }
    if (!again && !this.#pace.allows(view)) return -1
    const tracked = settings.ackPolicy !== 'none'
    const suspect = !again && this.#isSuspect(seq)
    let deliveries = 1
    if (again) deliveries = progress.pending.deliveriesOf(seq) + 1
    // May have been delivered before a crash: that counts, but is never counted as the only delivery.
    else if (suspect && settings.maxDeliver > 1) deliveries = 2
    const consumerSeq = progress.delivered.consumerSeq + 1
    const numPending = again ? delivery.numPending : Math.max(0, delivery.numPending - 1)
    this.#reply.set(view, consumerSeq, deliveries, numPending)
    const payloadBytes = settings.headersOnly ? 0 : view.payloadLength
    const bytes = view.subject.length + this.#reply.length + view.headersLength + payloadBytes
    let request: PullRequest | undefined
    if (!push) {
      request = pulls.take(bytes, this.#realNowMs)
      if (!request) return -1
    }
    if (!again) delivery.take(seq)
    inactivity.usedAt(this.#nowMs)
    this.lastDeliveredMs = this.#nowMs
    const waits = again || suspect || (tracked && this.#unrecorded.isFull)
    settlement.delivered(seq, consumerSeq, deliveries, this.#nowMs, waits ? 'now' : 'later')
    if (waits) this.#outgoing.add({ seq, consumerSeq, deliveries, numPending, request, bytes })
    else {
      this.#send(view, request, bytes)
      if (tracked) this.#unrecorded.sent()
    }
    if (!tracked) host.settled(this.#parts.name, seq)
    return bytes
  }

  #sendOutgoing(delivery: OutgoingDelivery, view: MessageView): void {
    const { consumerSeq, deliveries, numPending, request, bytes } = delivery
    this.#reply.set(view, consumerSeq, deliveries, numPending)
    this.#send(view, request, bytes)
  }

  /** Sends what `#reply` was set for. */
  #send(view: MessageView, request: PullRequest | undefined, bytes: number): void {
    const { push, pulls, settings } = this.#parts
    const target = request ? request.target : push!.target
    if (settings.headersOnly) {
      const block = headersOnly(view)
      target.send(view.subject, this.#reply.text(), block, 0, block.length, block.length)
    } else {
      target.deliver(view, this.#reply)
    }
    if (!request) {
      push?.sent(bytes)
      return
    }
    const afterword = pulls.afterword(request)
    if (afterword) sendStatus(target, afterword)
  }

  #load(seq: number, again: boolean): void {
    const { host, env, settlement, delivery } = this.#parts
    this.#loading = true
    const resume = (): void => {
      this.#loading = false
      this.run()
    }
    host.log.load(seq).then(resume, (error: unknown) => {
      if (mayPass(error)) {
        env.log.warn({ error, stream: host.name, seq }, 'a message cannot be read now; the consumer waits for it')
        env.realClock.after(READ_AGAIN_MS, resume)
        return
      }
      // It stays in the stream, and /healthz names its place: a damaged message must not stop all that come behind it.
      env.log.error({ error, stream: host.name, seq }, 'a message cannot be read; the consumer passes over it')
      if (again) settlement.postpone(seq, env.clock.now())
      else if (!this.#closed) delivery.take(seq)
      resume()
    })
  }
}
