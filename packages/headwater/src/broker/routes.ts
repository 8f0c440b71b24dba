/**
 * Who gets a subject, remembered: found by the hash of the subject's bytes, without making a string.
 * HOT: `resolve` runs once per message. Against a string and a Map it saves 70 to 100 ns (deliver.bench.ts).
 *
 * Two tables. `exact` holds routes by whole subject. `prefixes` holds routes by everything up to the last dot, for prefixes under which
 * the last token cannot matter (no literal subscription there): one entry serves every `_INBOX.x.*` reply, so that unique subjects never
 * enter the cache. A change of any subscription moves the account's epoch; a route with an older epoch is filled again on its next use.
 */
import type { SubjectTrie } from '../protocol/subject-trie.ts'
import type { AnySubscription, HandlerSubscription, Subscription } from './subscription.ts'

const PROBES = 8
const SLOTS_AT_START = 256
const SLOTS_MAX = 16 * 1024

/** The receivers of a subject, or of every subject under a prefix. */
export class Route {
  readonly hash: number
  /** The subject, or the prefix with its dot. */
  readonly key: Buffer
  epoch = -1
  /** Whether it is valid for every last token. Only meaningful in the table of prefixes. */
  isUniform = false
  subscriptions: Subscription[] = []
  /** Members of each queue group. */
  queues: Subscription[][] = []
  handlers: HandlerSubscription[] = []

  constructor(hash: number, key: Buffer) {
    this.hash = hash
    this.key = key
  }

  /** Whether nobody gets it. */
  get isEmpty(): boolean {
    return this.subscriptions.length === 0 && this.queues.length === 0 && this.handlers.length === 0
  }
}

/** Open addressing, a few probes, bounded: a full neighbourhood first doubles the table, then evicts. */
class RouteTable {
  #slots: (Route | undefined)[] = new Array<Route | undefined>(SLOTS_AT_START).fill(undefined)
  #mask = SLOTS_AT_START - 1
  #evict = 0

  find(bytes: Uint8Array, start: number, end: number, hash: number): Route | undefined {
    const slots = this.#slots
    const mask = this.#mask
    for (let probe = 0; probe < PROBES; probe++) {
      const route = slots[(hash + probe) & mask]
      if (route === undefined) return undefined
      if (route.hash === hash && sameBytes(route.key, bytes, start, end)) return route
    }
    return undefined
  }

  add(route: Route): void {
    while (!this.#place(route)) {
      if (this.#slots.length === SLOTS_MAX) {
        this.#slots[(route.hash + (this.#evict++ % PROBES)) & this.#mask] = route
        return
      }
      const old = this.#slots
      this.#slots = new Array<Route | undefined>(old.length * 2).fill(undefined)
      this.#mask = this.#slots.length - 1
      for (const kept of old) if (kept !== undefined) this.#place(kept)
    }
  }

  #place(route: Route): boolean {
    for (let probe = 0; probe < PROBES; probe++) {
      const at = (route.hash + probe) & this.#mask
      if (this.#slots[at] === undefined) {
        this.#slots[at] = route
        return true
      }
    }
    return false
  }
}

export class Routes {
  readonly #trie: SubjectTrie<AnySubscription>
  readonly #exact = new RouteTable()
  readonly #prefixes = new RouteTable()
  #epoch = 0

  constructor(trie: SubjectTrie<AnySubscription>) {
    this.#trie = trie
  }

  /** Moves with every change of a subscription. */
  get epoch(): number {
    return this.#epoch
  }

  /** Subscriptions changed: every route is filled again on its next use. */
  invalidate(): void {
    this.#epoch++
  }

  /**
   * The route of the subject `bytes[start, end)`. `lastDot` is the position of its last dot or -1; hashes as PublishFrame has them.
   * The route is valid until the epoch moves.
   */
  resolve(bytes: Buffer, start: number, end: number, hash: number, lastDot: number, prefixHash: number): Route {
    const exact = this.#exact.find(bytes, start, end, hash)
    if (exact !== undefined) {
      if (exact.epoch !== this.#epoch) this.#fill(exact, bytes.toString('latin1', start, end))
      return exact
    }
    // A subject that ends in a dot matches nothing, so no prefix may speak for it.
    if (lastDot !== -1 && lastDot + 1 < end) {
      const prefix = this.#prefix(bytes, start, end, lastDot + 1, prefixHash)
      if (prefix.isUniform) return prefix
    }
    const route = new Route(hash, copyOf(bytes, start, end))
    this.#fill(route, bytes.toString('latin1', start, end))
    this.#exact.add(route)
    return route
  }

  #prefix(bytes: Buffer, start: number, end: number, prefixEnd: number, hash: number): Route {
    let route = this.#prefixes.find(bytes, start, prefixEnd, hash)
    if (route === undefined) {
      route = new Route(hash, copyOf(bytes, start, prefixEnd))
      this.#prefixes.add(route)
    }
    if (route.epoch !== this.#epoch) {
      const prefix = bytes.toString('latin1', start, prefixEnd)
      route.isUniform = !hasEmptyToken(prefix.slice(0, -1)) && this.#trie.sameForEveryLastToken(prefix)
      if (route.isUniform) this.#fill(route, bytes.toString('latin1', start, end))
      else route.epoch = this.#epoch
    }
    return route
  }

  #fill(route: Route, subject: string): void {
    const subscriptions: Subscription[] = []
    const handlers: HandlerSubscription[] = []
    const queues = new Map<string, Subscription[]>()
    if (!hasEmptyToken(subject)) {
      this.#trie.match(subject, (found) => {
        if (found.kind === 'handler') handlers.push(found)
        else if (found.queue === undefined) subscriptions.push(found)
        else {
          const members = queues.get(found.queue)
          if (members === undefined) queues.set(found.queue, [found])
          else members.push(found)
        }
      })
    }
    route.subscriptions = bySid(subscriptions)
    route.handlers = handlers
    route.queues = [...queues.values()]
    route.epoch = this.#epoch
  }
}

/** Equal sids side by side with one shared buffer, so that a fan-out composes their frame once. */
function bySid(subscriptions: Subscription[]): Subscription[] {
  if (subscriptions.length < 2) return subscriptions
  const groups = new Map<string, Subscription[]>()
  for (const subscription of subscriptions) {
    const group = groups.get(subscription.sid)
    if (group === undefined) groups.set(subscription.sid, [subscription])
    else {
      subscription.sidBytes = group[0].sidBytes
      group.push(subscription)
    }
  }
  return [...groups.values()].flat()
}

function hasEmptyToken(subject: string): boolean {
  return subject === '' || subject.startsWith('.') || subject.endsWith('.') || subject.includes('..')
}

function copyOf(bytes: Buffer, start: number, end: number): Buffer {
  const copy = Buffer.allocUnsafeSlow(end - start)
  bytes.copy(copy, 0, start, end)
  return copy
}

function sameBytes(key: Buffer, bytes: Uint8Array, start: number, end: number): boolean {
  if (key.length !== end - start) return false
  for (let i = 0; i < key.length; i++) if (key[i] !== bytes[start + i]) return false
  return true
}
