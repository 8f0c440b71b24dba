/**
 * What becomes of a message after it was delivered: acknowledged, delivered again, given up, turned into a dead letter.
 *
 * Pure but for its ports: no clock (every call takes `nowMs`), no timer, no I/O. The model checker drives this very class
 * over a simulated journal (dead-letter.model.test.ts). `progress` is changed through ports.record only.
 *
 *   delivered --ack--> settled          nak, time over: --count < max_deliver--> ready, to be delivered again
 *       |                                               '-count >= max_deliver-> given up, when dead letters are wanted,
 *       '--TERM--> given up or settled                                           else exhausted (NATS's way)
 *
 *   given up --letter stored--> settled, same frame        --letter refused--> held, tried again
 */
import type { ConsumerProgress, HeldReason, ProgressEvent } from '../../store/consumer-progress.ts'
import { type ConsumerSettings, waitMs } from './consumer-settings.ts'
import { ReadyQueue } from './ready-queue.ts'

/** At so many held messages new deliveries stop; what is pending then may still join them. */
export const HELD_MAX = 10_000

/**
 * `stored`: the letter is in the open frame. `waiting`: it is, but its frame does not cover the settle (memory source, file
 * target): letterReadable or letterFailed follows. `loading`: the message is not in memory: letterLoaded or letterFailed
 * follows. Refused: why it cannot be written now.
 */
export type LetterOutcome = 'stored' | 'waiting' | 'loading' | { readonly refused: string }

/** What is to be told of a message; sequences are the stream's unless named. */
/** What the world is to be told of: an end of deliveries, a message that is held, or no room for more of those. */
export type Notice =
  /** `lettered` tells whether a letter was stored for it. */
  | { what: 'max-deliver'; seq: number; deliveries: number; lettered: boolean }
  | { what: 'terminated'; seq: number; consumerSeq: number; deliveries: number; reason: string; lettered: boolean }
  | { what: 'held'; seq: number; why: string }
  | { what: 'held-full' }

/** What the state machine causes. Every call happens in the turn of the event that caused it, so all is one frame. */
export interface SettlementPorts {
  /** Applies the event to the progress and journals it. */
  record(event: ProgressEvent, urgency: 'now' | 'later'): void
  letter(seq: number, reason: HeldReason, detail: string): LetterOutcome
  /** This consumer is done with `seq`: retention may remove it, in this frame. */
  settled(seq: number): void
  settledThrough(seq: number): void
  notify(notice: Notice): void
  /** Call expired(seq) at `atMs` of message time. */
  schedule(seq: number, atMs: number): void
  cancel(seq: number): void
}

type Settings = Pick<ConsumerSettings, 'ackPolicy' | 'ackWaitMs' | 'backoffMs' | 'maxDeliver' | 'deadLetter'>

/** Why a message was given up, while its letter is under way. */
export interface GivenUp {
  readonly reason: HeldReason
  readonly detail: string
}

/** The official reason of an internal termination. */
export const DELETED_REASON = 'Unacknowledged message was deleted'

export class Settlement {
  readonly #progress: ConsumerProgress
  readonly #ports: SettlementPorts
  #settings: Settings
  /** To be delivered again; all of them are pending. */
  readonly ready: ReadyQueue = new ReadyQueue()
  /** Letters on their way to disk, of messages that count as pending until then (rule 6). */
  readonly lettering: Map<number, GivenUp> = new Map()
  /** Given up, but their letters cannot be composed before they are read from disk: an ack still wins. */
  readonly loading: Map<number, GivenUp> = new Map()
  /** Why a held message's letter was refused last; shown, not kept over a restart. */
  readonly heldWhy: Map<number, string> = new Map()
  #heldFull = false
  /** The two events of every message's life are one object each: who takes one reads it during the call. */
  readonly #delivered = {
    what: 'delivered' as const,
    streamSeq: 0,
    consumerSeq: 0,
    deliveries: 0,
    atMs: 0,
    tracked: true,
  }
  readonly #settled = { what: 'settled' as const, streamSeq: 0 }

  constructor(progress: ConsumerProgress, settings: Settings, ports: SettlementPorts) {
    this.#progress = progress
    this.#settings = settings
    this.#ports = ports
  }

  /** True while new messages must not be delivered: too many are held (rule 9). */
  get heldFull(): boolean {
    return this.#progress.held.size >= HELD_MAX
  }

  /** Records a delivery; its time runs from `nowMs`. */
  delivered(seq: number, consumerSeq: number, deliveries: number, nowMs: number, urgency: 'now' | 'later'): void {
    const tracked = this.#settings.ackPolicy !== 'none'
    const event = this.#delivered
    event.streamSeq = seq
    event.consumerSeq = consumerSeq
    event.deliveries = deliveries
    event.atMs = nowMs
    event.tracked = tracked
    this.#ports.record(event, urgency)
    if (!tracked) return
    if (this.ready.size > 0) this.ready.remove(seq)
    this.#ports.schedule(seq, nowMs + waitMs(this.#settings, deliveries))
  }

  /** +ACK of one message. True when that settled it: not when it was settled before, or its letter is written (rule 13). */
  ack(seq: number, urgency: 'now' | 'later'): boolean {
    if (this.lettering.size > 0 && this.lettering.has(seq)) return false
    const { pending, held, exhausted } = this.#progress
    if (!pending.has(seq) && !held.has(seq) && !exhausted.has(seq)) return false
    this.#settle(seq, urgency)
    return true
  }

  /** Ack policy all: everything up to `seq`. */
  ackThrough(seq: number, consumerSeq: number, urgency: 'now' | 'later'): boolean {
    const { held, exhausted, ackFloor } = this.#progress
    const late = held.has(seq) || exhausted.has(seq)
    if (!late && (seq <= ackFloor.streamSeq || consumerSeq <= ackFloor.consumerSeq)) return false
    for (const key of this.#progress.pendingThrough(seq)) {
      this.ready.remove(key)
      this.loading.delete(key)
      this.#ports.cancel(key)
    }
    for (const key of held.keys()) if (key <= seq) this.heldWhy.delete(key)
    this.#ports.record({ what: 'settled-through', streamSeq: seq, consumerSeq }, urgency)
    this.#ports.settledThrough(seq)
    return true
  }

  /** -NAK, with a delay or at once. True when the message was pending. */
  nak(seq: number, delayMs: number | undefined, nowMs: number): boolean {
    const pending = this.#progress.pending.get(seq)
    if (!pending || this.#given(seq)) return false
    // Rule 2: the nak of the last delivery fires at once, whatever its delay.
    if (this.#exhausts(pending.deliveries) && this.#settings.deadLetter?.onMaxDeliver) {
      this.#giveUp(seq, 'max-deliver', '')
      return true
    }
    if (delayMs === undefined && this.ready.has(seq)) return true
    const { consumerSeq, deliveries } = pending
    const dueMs = nowMs + (delayMs ?? 0)
    // Turned back so that ack_wait is over when the delay is: a restart then finds it due at the same time.
    const atMs = dueMs - waitMs(this.#settings, deliveries)
    this.#ports.record({ what: 'delivered', streamSeq: seq, consumerSeq, deliveries, atMs, tracked: true }, 'later')
    if (delayMs === undefined) {
      this.#ports.cancel(seq)
      this.ready.add(seq)
    } else {
      this.ready.remove(seq)
      this.#ports.schedule(seq, dueMs)
    }
    return true
  }

  /** +WPI: its time begins anew. */
  inProgress(seq: number, nowMs: number): void {
    const pending = this.#progress.pending.get(seq)
    if (!pending || this.#given(seq)) return
    const { consumerSeq, deliveries } = pending
    const tracked = true
    this.#ports.record({ what: 'delivered', streamSeq: seq, consumerSeq, deliveries, atMs: nowMs, tracked }, 'later')
    if (!this.ready.has(seq)) this.#ports.schedule(seq, nowMs + waitMs(this.#settings, pending.deliveries))
  }

  /** +TERM. True when it did something; false for a message that is settled, held or lettered already. */
  terminate(seq: number, consumerSeq: number, deliveries: number, reason: string): boolean {
    const pending = this.#progress.pending.get(seq)
    if (this.#settings.deadLetter?.onTerminated) {
      if (!pending || this.#given(seq)) return false
      this.#giveUp(seq, 'terminated', reason)
      return true
    }
    const done =
      this.#settings.ackPolicy === 'all' && !this.#settings.deadLetter
        ? this.ackThrough(seq, consumerSeq, 'now')
        : pending !== undefined && this.ack(seq, 'now')
    // As nats-server: the advisory goes out for a message that was settled before, too.
    this.#ports.notify({ what: 'terminated', seq, consumerSeq, deliveries, reason, lettered: false })
    return done
  }

  /** The time of `seq` may be over. */
  expired(seq: number, nowMs: number): void {
    const pending = this.#progress.pending.get(seq)
    if (!pending || this.ready.has(seq) || this.#given(seq)) return
    const dueMs = pending.deliveredAtMs + waitMs(this.#settings, pending.deliveries)
    if (nowMs < dueMs) this.#ports.schedule(seq, dueMs)
    else if (!this.#exhausts(pending.deliveries)) this.ready.add(seq)
    else if (this.#settings.deadLetter?.onMaxDeliver) this.#giveUp(seq, 'max-deliver', '')
    else this.#exhaust(seq)
  }

  /** A redelivery that cannot be made now: `seq` stays pending, and its time begins anew. */
  postpone(seq: number, nowMs: number): void {
    this.ready.remove(seq)
    const pending = this.#progress.pending.get(seq)
    if (pending) this.#ports.schedule(seq, nowMs + waitMs(this.#settings, pending.deliveries))
  }

  /** The next message to deliver again; 0 when there is none. What cannot be delivered again leaves the queue here, as NATS does it. */
  nextReady(): number {
    for (;;) {
      const seq = this.ready.first()
      if (seq === 0) return 0
      const pending = this.#progress.pending.get(seq)
      if (pending && !this.#exhausts(pending.deliveries)) return seq
      this.ready.remove(seq)
      if (!pending) continue
      if (this.#settings.deadLetter?.onMaxDeliver) this.#giveUp(seq, 'max-deliver', '')
      else this.#exhaust(seq)
    }
  }

  /** All pending messages are judged anew: after a start, and after a change of the configuration. */
  judge(settings: Settings, nowMs: number): void {
    this.#settings = settings
    for (const seq of [...this.#progress.pending.keys()].sort((a, b) => a - b)) {
      const pending = this.#progress.pending.get(seq)
      if (!pending || this.#given(seq)) continue
      if (!this.ready.has(seq)) this.expired(seq, nowMs)
      else if (this.#exhausts(pending.deliveries) && settings.deadLetter?.onMaxDeliver) {
        this.#giveUp(seq, 'max-deliver', '')
      }
    }
    this.retryHeld()
  }

  /** Tries the letters of all held messages again; returns how many are held still. */
  retryHeld(): number {
    if (!this.#settings.deadLetter) return this.#progress.held.size
    for (const [seq, { reason, detail }] of [...this.#progress.held]) {
      if (!this.#given(seq)) this.#giveUp(seq, reason, detail)
    }
    return this.#progress.held.size
  }

  /** The letter's frame is on disk: now the message is settled. */
  letterReadable(seq: number): void {
    const letter = this.lettering.get(seq)
    if (!letter) return
    this.lettering.delete(seq)
    this.#lettered(seq, letter.reason, letter.detail)
  }

  /** The message is in memory now. */
  letterLoaded(seq: number): void {
    const letter = this.loading.get(seq)
    if (!letter) return
    this.loading.delete(seq)
    this.#giveUp(seq, letter.reason, letter.detail)
  }

  /** The letter's frame can never be on disk, or the message cannot be read: it is held. */
  letterFailed(seq: number, why: string): void {
    const letter = this.lettering.get(seq) ?? this.loading.get(seq)
    if (!letter) return
    this.lettering.delete(seq)
    this.loading.delete(seq)
    this.#hold(seq, letter.reason, letter.detail, why)
  }

  /** `seq` left the stream: settled, and never a letter (rule 3). True when this consumer had it. */
  removed(seq: number): boolean {
    if (this.lettering.has(seq)) return false
    const had = this.#progress.pending.get(seq) ?? this.#progress.held.get(seq)
    if (!had) {
      if (this.#progress.exhausted.has(seq)) this.#ports.record({ what: 'settled', streamSeq: seq }, 'now')
      return false
    }
    this.#settle(seq, 'now')
    const { consumerSeq, deliveries } = had
    const reason = DELETED_REASON
    this.#ports.notify({ what: 'terminated', seq, consumerSeq, deliveries, reason, lettered: false })
    return true
  }

  /** Forgets times and queues of everything below `seq`; the caller records the move. */
  forgetBelow(seq: number): void {
    for (const key of this.#progress.pending.keys()) {
      if (key >= seq) continue
      this.ready.remove(key)
      this.#ports.cancel(key)
    }
    for (const key of this.heldWhy.keys()) if (key < seq) this.heldWhy.delete(key)
  }

  /** True while a letter is being made of it: no delivery, no timer. */
  #given(seq: number): boolean {
    return this.lettering.has(seq) || this.loading.has(seq)
  }

  #exhausts(deliveries: number): boolean {
    return deliveries >= this.#settings.maxDeliver
  }

  #exhaust(seq: number): void {
    const deliveries = this.#progress.pending.get(seq)?.deliveries ?? 0
    this.ready.remove(seq)
    this.#ports.cancel(seq)
    this.#ports.record({ what: 'exhausted', streamSeq: seq }, 'later')
    this.#ports.notify({ what: 'max-deliver', seq, deliveries, lettered: false })
  }

  #giveUp(seq: number, reason: HeldReason, detail: string): void {
    this.ready.remove(seq)
    this.#ports.cancel(seq)
    const outcome = this.#ports.letter(seq, reason, detail)
    if (outcome === 'stored') this.#lettered(seq, reason, detail)
    else if (outcome === 'waiting') this.lettering.set(seq, { reason, detail })
    else if (outcome === 'loading') this.loading.set(seq, { reason, detail })
    else this.#hold(seq, reason, detail, outcome.refused)
  }

  /** The letter and this settle are one frame: after any crash there are both or neither. */
  #lettered(seq: number, reason: HeldReason, detail: string): void {
    const had = this.#progress.pending.get(seq) ?? this.#progress.held.get(seq)
    this.#settle(seq, 'now')
    if (!had) return
    const { deliveries, consumerSeq } = had
    if (reason === 'max-deliver') this.#ports.notify({ what: 'max-deliver', seq, deliveries, lettered: true })
    else this.#ports.notify({ what: 'terminated', seq, consumerSeq, deliveries, reason: detail, lettered: true })
  }

  #hold(seq: number, reason: HeldReason, detail: string, why: string): void {
    const first = !this.#progress.held.has(seq)
    if (first) this.#ports.record({ what: 'held', streamSeq: seq, reason, detail }, 'later')
    if (this.heldWhy.get(seq) !== why) this.#ports.notify({ what: 'held', seq, why })
    this.heldWhy.set(seq, why)
    if (this.heldFull && !this.#heldFull) this.#ports.notify({ what: 'held-full' })
    this.#heldFull = this.heldFull
  }

  #settle(seq: number, urgency: 'now' | 'later'): void {
    // The sizes first: nearly always nothing is there, and this runs once per acknowledged message.
    if (this.ready.size > 0) this.ready.remove(seq)
    if (this.loading.size > 0) this.loading.delete(seq)
    if (this.heldWhy.size > 0) this.heldWhy.delete(seq)
    this.#ports.cancel(seq)
    const event = this.#settled
    event.streamSeq = seq
    this.#ports.record(event, urgency)
    this.#ports.settled(seq)
    if (this.#heldFull) this.#heldFull = this.heldFull
  }
}
