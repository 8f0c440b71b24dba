/**
 * Deliveries that wait until their record is on disk: every redelivery, so that its count survives whatever the client
 * does next (design: Deliveries are counted). One waiter for all that one turn decided; sent in the order of decision.
 */
import { MessageView } from '../../store/message-view.ts'
import { COLD, FOUND, type StreamLog, type Waiter } from '../../store/stream-log.ts'
import type { PullRequest } from './pull.ts'

/** A delivery that was decided and recorded, and not sent. */
export interface OutgoingDelivery {
  readonly seq: number
  readonly consumerSeq: number
  readonly deliveries: number
  readonly numPending: number
  /** Undefined for a push consumer. */
  readonly request: PullRequest | undefined
  readonly bytes: number
}

/** What it asks and causes. */
/** What the queue asks of its consumer. */
export interface OutgoingPorts {
  /** Whether the delivery still stands: an acknowledgement of an earlier one may have settled it. */
  stands(delivery: OutgoingDelivery): boolean
  send(delivery: OutgoingDelivery, view: MessageView): void
  /** It is not sent: its request may have another message instead. */
  dropped(delivery: OutgoingDelivery): void
  /** All are sent: delivery goes on. */
  done(): void
}

export class Outgoing implements Waiter {
  readonly #log: StreamLog
  readonly #ports: OutgoingPorts
  readonly #view = new MessageView()
  #waiting: OutgoingDelivery[] = []
  #registered = false
  #closed = false

  constructor(log: StreamLog, ports: OutgoingPorts) {
    this.#log = log
    this.#ports = ports
  }

  get size(): number {
    return this.#waiting.length
  }

  add(delivery: OutgoingDelivery): void {
    this.#waiting.push(delivery)
  }

  /** Asks to be told when the records of all that was added are readable; sends at once when they are. */
  flush(): void {
    if (this.#waiting.length === 0 || this.#registered) return
    this.#registered = true
    this.#log.whenReadable(this)
  }

  readable(): void {
    this.#registered = false
    this.#sendFrom(0)
  }

  /** The store failed: nothing is counted any more, so nothing is delivered again. */
  failed(): void {
    this.#registered = false
    const waiting = this.#waiting
    this.#waiting = []
    for (const delivery of waiting) this.#ports.dropped(delivery)
  }

  close(): void {
    this.#closed = true
    this.#waiting = []
  }

  #sendFrom(first: number): void {
    if (this.#closed) return
    for (let i = first; i < this.#waiting.length; i++) {
      const delivery = this.#waiting[i]
      if (!this.#ports.stands(delivery)) {
        this.#ports.dropped(delivery)
        continue
      }
      const found = this.#log.read(delivery.seq, this.#view)
      if (found === FOUND) this.#ports.send(delivery, this.#view)
      else if (found === COLD) {
        // It was pushed out of memory meanwhile; the rest waits with it, so that the order holds.
        this.#log.load(delivery.seq).then(
          () => this.#sendFrom(i),
          () => this.#sendFrom(i + 1),
        )
        return
      } else this.#ports.dropped(delivery)
    }
    this.#waiting = []
    this.#ports.done()
  }
}
