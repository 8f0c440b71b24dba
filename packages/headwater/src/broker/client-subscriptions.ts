/** The subscriptions of one connection: SUB and UNSUB in the wire's spelling, by sid. */
import { fromWire } from '../protocol/encode.ts'
import { type ProtocolError, protocolErrors } from '../protocol/protocol-errors.ts'
import { isValidSubject } from '../protocol/subject.ts'
import type { Account } from './account.ts'
import type { Connection } from './connection.ts'
import { Subscription } from './subscription.ts'

export class ClientSubscriptions {
  readonly #connection: Connection
  readonly #account: Account
  /** 0 is no limit. */
  readonly #max: number
  readonly #bySid = new Map<string, Subscription>()

  constructor(connection: Connection, account: Account, max: number) {
    this.#connection = connection
    this.#account = account
    this.#max = max
  }

  get size(): number {
    return this.#bySid.size
  }

  values(): IterableIterator<Subscription> {
    return this.#bySid.values()
  }

  /** `SUB subject [queue] sid`. A sid that is taken already keeps its subscription, without a word. */
  SUB(line: string): ProtocolError | undefined {
    const args = words(line)
    if (args.length < 2 || args.length > 3) return protocolErrors.badArguments
    const subject = args[0]
    const queue = args.length === 3 ? args[1] : undefined
    const sid = args[args.length - 1]
    if (!isValidSubject(subject)) return protocolErrors.invalidSubject
    const permissions = this.#connection.rights?.permissions
    if (queue === '_sys_' || permissions?.maySubscribe(subject, queue) === false) {
      return protocolErrors.subscribeDenied(fromWire(subject), queue === undefined ? undefined : fromWire(queue))
    }
    if (this.#bySid.has(sid)) return undefined
    if (this.#max > 0 && this.#bySid.size >= this.#max) return protocolErrors.subscriptionsExceeded
    const subscription = new Subscription(this.#connection, subject, queue, sid)
    this.#bySid.set(sid, subscription)
    this.#account.subscribe(subscription)
    return undefined
  }

  /** `UNSUB sid [max]`: `max` counts since SUB; one that is reached already (or is no number) ends it now. Unknown sids mean nothing. */
  UNSUB(line: string): ProtocolError | undefined {
    const args = words(line)
    if (args.length < 1 || args.length > 2) return protocolErrors.badArguments
    const subscription = this.#bySid.get(args[0])
    if (subscription === undefined) return undefined
    const max = /^\d{1,9}$/.test(args[1] ?? '') ? Number(args[1]) : 0
    if (max > subscription.delivered) {
      subscription.max = max
      subscription.isPlain = false
    } else {
      this.#drop(subscription)
    }
    return undefined
  }

  /** One that has something to ask was delivered to; true when that was its last. */
  delivered(subscription: Subscription): boolean {
    if (subscription.max === 0 || subscription.delivered < subscription.max) return false
    this.#drop(subscription)
    return true
  }

  /** Ends all: a second CONNECT starts afresh. */
  clear(): void {
    for (const subscription of [...this.#bySid.values()]) this.#drop(subscription)
  }

  /** Ends all, but keeps them to be shown: the connection is closing. */
  close(): void {
    for (const subscription of this.#bySid.values()) this.#account.unsubscribe(subscription)
  }

  #drop(subscription: Subscription): void {
    this.#bySid.delete(subscription.sid)
    this.#account.unsubscribe(subscription)
  }
}

function words(line: string): string[] {
  const trimmed = line.trim()
  return trimmed === '' ? [] : trimmed.split(/[ \t]+/)
}
