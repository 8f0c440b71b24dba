/**
 * Writes a consumer's dead letters: finds the target at the moment it fires, composes, appends into the open frame, and
 * tells once that is safe. What the letter means for the message is decided by settlement.ts.
 */
import type { Time } from '../../base/time.ts'
import type { HeldReason } from '../../store/consumer-progress.ts'
import { MessageView } from '../../store/message-view.ts'
import { COLD, FLAG_DEAD_LETTER, FOUND } from '../../store/stream-log.ts'
import type { Environment } from '../environment.ts'
import { Alarm } from './alarm.ts'
import type { ConsumerHost } from './host.ts'
import { composeLetter, type Letter } from './letter.ts'
import type { LetterOutcome, Settlement } from './settlement.ts'

const RETRY_FIRST_MS = 1000
const RETRY_LAST_MS = 60_000

export interface DeadLetterParts {
  readonly env: Environment
  readonly host: ConsumerHost
  readonly consumer: string
  readonly created: Time
  readonly settlement: () => Settlement
  /** Its latest delivery. */
  readonly delivery: (seq: number) => { consumerSeq: number; deliveries: number } | undefined
  /** Letters were settled or held outside of an answer or a timer: there may be room to deliver. */
  readonly goOn: () => void
}

export class DeadLetters {
  readonly #parts: DeadLetterParts
  readonly #view = new MessageView()
  readonly #retry: Alarm
  #retryMs = RETRY_FIRST_MS
  #subject = ''
  #closed = false
  #written = 0

  constructor(parts: DeadLetterParts) {
    this.#parts = parts
    this.#retry = new Alarm(parts.env.clock, () => this.#tryAgain())
  }

  /** Where letters go from now on; '' for nowhere. */
  setSubject(subject: string): void {
    this.#subject = subject
    this.#retryMs = RETRY_FIRST_MS
  }

  /** Letters written since the start. */
  get written(): number {
    return this.#written
  }

  /** Writes the letter of `seq`, or says why not (rules 8, 9 and 16). */
  write(seq: number, reason: HeldReason, detail: string): LetterOutcome {
    const { env, host, consumer, created } = this.#parts
    const view = this.#view
    const found = host.log.read(seq, view)
    if (found === COLD) {
      this.#load(seq)
      return 'loading'
    }
    if (found !== FOUND) return { refused: 'the message is gone' }
    const target = host.letterTarget(this.#subject)
    if ('refused' in target) return target
    const delivery = this.#parts.delivery(seq) ?? { consumerSeq: 0, deliveries: 0 }
    const letter = composeLetter(
      {
        subject: view.subject,
        seq,
        time: view.time(),
        headers: view.headers(),
        payload: view.payload(),
        isLetter: (view.flags & FLAG_DEAD_LETTER) !== 0,
      },
      { stream: host.name, consumer, consumerCreated: created, ...delivery, reason, detail },
    )
    if ('refused' in letter) return letter
    const refused = target.refuses(this.#subject, letter.bytes.length)
    if (refused !== undefined) return { refused }
    const subject = this.#subject
    const letterSeq = target.append(subject, letter.bytes, letter.headersLength)
    this.#written++
    // Rule 6: the frame of a file target does not hold the settle of a memory source.
    const waits = host.storage === 'memory' && target.storage === 'file'
    let readable = false
    host.whenReadable(
      () => {
        readable = true
        if (waits) {
          this.#parts.settlement().letterReadable(seq)
          this.#parts.goOn()
        }
        this.#tell(subject, letter)
        env.events?.deadLetter?.({
          stream: host.name,
          consumer,
          streamSeq: seq,
          reason,
          detail,
          deliveries: delivery.deliveries,
          subject,
          letterStream: target.stream,
          letterSeq,
          id: letter.id,
        })
      },
      (cause) => {
        if (!waits) return
        this.#parts.settlement().letterFailed(seq, `the store failed: ${cause.message}`)
        this.#parts.goOn()
      },
    )
    // It may have become readable within the call, in a store that syncs nothing.
    return waits && !readable ? 'waiting' : 'stored'
  }

  /** Something was held: it is tried again, at first after a second, later less often. */
  held(seq: number, why: string): void {
    const { env, host, consumer } = this.#parts
    env.events?.deadLetterHeld?.({ stream: host.name, consumer, streamSeq: seq, why, subject: this.#subject })
    env.log.warn({ stream: host.name, consumer, seq, why }, 'a dead letter cannot be written; its message is held')
    this.#retry.set(env.clock.now() + this.#retryMs)
  }

  /** Begins the retries of what a former process held. */
  resume(): void {
    this.#retry.set(this.#parts.env.clock.now() + this.#retryMs)
  }

  close(): void {
    this.#closed = true
    this.#retry.cancel()
  }

  #tryAgain(): void {
    if (this.#closed) return
    const left = this.#parts.settlement().retryHeld()
    this.#retryMs = left === 0 ? RETRY_FIRST_MS : Math.min(this.#retryMs * 2, RETRY_LAST_MS)
    if (left > 0) this.#retry.set(this.#parts.env.clock.now() + this.#retryMs)
    this.#parts.goOn()
  }

  #load(seq: number): void {
    this.#parts.host.log.load(seq).then(
      () => {
        if (this.#closed) return
        this.#parts.settlement().letterLoaded(seq)
        this.#parts.goOn()
      },
      (error: unknown) => {
        this.#parts.env.log.error(
          { error, seq, stream: this.#parts.host.name },
          'a message to be dead-lettered cannot be read',
        )
        if (this.#closed) return
        this.#parts.settlement().letterFailed(seq, 'the message cannot be read')
        this.#parts.goOn()
      },
    )
  }

  /** Rule 12: plain subscribers of the subject get it too, once it is readable. */
  #tell(subject: string, letter: Letter): void {
    const target = this.#parts.env.bus.target(subject, undefined, 'clients')
    if (!target.hasInterest()) return
    target.send(subject, '', letter.bytes, 0, letter.headersLength, letter.bytes.length)
  }
}
