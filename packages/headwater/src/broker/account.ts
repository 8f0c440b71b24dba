/** One subject space: its subscriptions, its routes, and who watches interest come and go. */
import type { PublishFrame } from '../protocol/parser.ts'
import { subjectMatches, subjectsCollide } from '../protocol/subject.ts'
import { SubjectTrie } from '../protocol/subject-trie.ts'
import type { AckHandler, Ending } from './bus-types.ts'
import { replyOf } from './deliver.ts'
import { Routes } from './routes.ts'
import type { AnySubscription } from './subscription.ts'

const ACKS = '$JS.ACK.>'

export class Account {
  readonly name: string
  readonly #trie = new SubjectTrie<AnySubscription>()
  readonly routes: Routes = new Routes(this.#trie)
  /** Takes what is published on `$JS.ACK.>`. */
  ackHandler: AckHandler | undefined
  /** How many subscriptions could match an ack: while none can, acks are not routed. */
  #ackSubscriptions = 0
  #clientSubscriptions = 0
  readonly #watches = new Map<string, Set<() => void>>()

  constructor(name: string) {
    this.name = name
  }

  /** Subscriptions of clients. */
  get subscriptionCount(): number {
    return this.#clientSubscriptions
  }

  subscribe(subscription: AnySubscription): void {
    this.#trie.insert(subscription.subject, subscription)
    this.#changed(subscription, 1)
  }

  unsubscribe(subscription: AnySubscription): void {
    if (subscription.isClosed) return
    subscription.isClosed = true
    if (subscription.kind === 'client') subscription.isPlain = false
    this.#trie.remove(subscription.subject, subscription)
    this.#changed(subscription, -1)
  }

  /** Gives a `$JS.ACK.` message to the engine; true when nobody else can want it. */
  ack(bytes: Buffer, frame: PublishFrame): boolean {
    if (this.ackHandler === undefined) return false
    const { subjectStart, subjectEnd, bodyStart, bodyEnd } = frame
    const start = frame.headersLength > 0 ? bodyStart + frame.headersLength : bodyStart
    this.ackHandler.ack(bytes, subjectStart, subjectEnd, replyOf(bytes, frame), start, bodyEnd)
    return this.#ackSubscriptions === 0
  }

  /** Visits every subscription that matches the literal wire subject. */
  match(subject: string, visit: (subscription: AnySubscription) => void): void {
    this.#trie.match(subject, visit)
  }

  /** Whether anybody subscribes the literal wire subject. */
  hasMatch(subject: string): boolean {
    return this.#trie.hasMatch(subject)
  }

  /** Calls `changed` after each change of a subscription that matches the literal wire subject. */
  watch(subject: string, changed: () => void): Ending {
    const watches = this.#watches.get(subject) ?? new Set()
    this.#watches.set(subject, watches)
    // A function of its own, so that the same callback may watch twice.
    const call = (): void => changed()
    watches.add(call)
    return {
      unsubscribe: () => {
        if (watches.delete(call) && watches.size === 0 && this.#watches.get(subject) === watches) {
          this.#watches.delete(subject)
        }
      },
    }
  }

  #changed(subscription: AnySubscription, by: number): void {
    this.routes.invalidate()
    if (subjectsCollide(subscription.subject, ACKS)) this.#ackSubscriptions += by
    if (subscription.kind === 'client') this.#clientSubscriptions += by
    if (this.#watches.size > 0) this.#tellWatches(subscription.subject)
  }

  #tellWatches(pattern: string): void {
    if (!pattern.includes('*') && !pattern.includes('>')) {
      for (const changed of [...(this.#watches.get(pattern) ?? [])]) changed()
      return
    }
    for (const [subject, watches] of [...this.#watches]) {
      if (subjectMatches(pattern, subject)) for (const changed of [...watches]) changed()
    }
  }
}
