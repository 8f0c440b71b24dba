/**
 * To whom replies go, by the subject's text: every `_INBOX.x.*` is mostly one subscription of one client.
 * HOT: once per reply. Remembers what the routes say of a prefix until any subscription changes.
 */
import { hashSubject, PublishFrame } from '../protocol/parser.ts'
import type { Routes } from './routes.ts'
import type { Subscription } from './subscription.ts'

/** Prefixes that are remembered; beyond, all are forgotten. */
const PREFIXES_MAX = 4096

export class Inboxes {
  readonly #routes: Routes
  readonly #known = new Map<string, Subscription | undefined>()
  #epoch = -1
  /** The last prefix, with its dot, and who gets what is under it. */
  #prefix = ''
  #only: Subscription | undefined

  constructor(routes: Routes) {
    this.#routes = routes
  }

  /**
   * The one subscription that gets `subject`, when that follows from its prefix alone; undefined when it does not, when there
   * are several, a queue group or a handler, and when the text is not ASCII.
   */
  only(subject: string): Subscription | undefined {
    const prefixLength = subject.lastIndexOf('.') + 1
    if (prefixLength === 0 || prefixLength === subject.length) return undefined
    for (let i = prefixLength; i < subject.length; i++) if (subject.charCodeAt(i) > 0x7f) return undefined
    if (this.#epoch !== this.#routes.epoch) this.#forget()
    if (prefixLength !== this.#prefix.length || !subject.startsWith(this.#prefix)) this.#turnTo(subject, prefixLength)
    return this.#only
  }

  #forget(): void {
    this.#epoch = this.#routes.epoch
    this.#known.clear()
    this.#prefix = ''
  }

  #turnTo(subject: string, prefixLength: number): void {
    const prefix = subject.slice(0, prefixLength)
    let only = this.#known.get(prefix)
    if (only === undefined && !this.#known.has(prefix)) {
      only = this.#lookUp(subject)
      if (this.#known.size === PREFIXES_MAX) this.#known.clear()
      this.#known.set(prefix, only)
    }
    this.#prefix = prefix
    this.#only = only
  }

  #lookUp(subject: string): Subscription | undefined {
    const bytes = Buffer.from(subject, 'utf8')
    if (bytes.length !== subject.length) return undefined
    const frame = new PublishFrame()
    frame.subjectEnd = bytes.length
    hashSubject(bytes, frame)
    const { hash, lastDot, prefixHash } = frame
    const route = this.#routes.resolve(bytes, 0, bytes.length, hash, lastDot, prefixHash)
    const isOne = route.subscriptions.length === 1 && route.queues.length === 0 && route.handlers.length === 0
    return route.isUniform && isOne ? route.subscriptions[0] : undefined
  }
}
