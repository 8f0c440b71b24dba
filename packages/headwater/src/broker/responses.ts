/** Replies that a restricted user may publish because it was asked: each request that it got allows some answers, for some time. */

/** How a request may be answered. */
export interface ResponseRules {
  /** Answers to one request; below zero is no limit. 1 by default. */
  readonly max?: number
  /** Milliseconds, counted from the request. Two minutes by default. */
  readonly expiresMs?: number
}

/** Requests that are remembered for one connection; the oldest is forgotten first. */
const REMEMBERED_MAX = 4096

export class Responses {
  readonly #max: number
  readonly #expiresMs: number
  /** Oldest request first. */
  readonly #requests = new Map<string, { untilMs: number; left: number }>()

  constructor(rules: ResponseRules) {
    this.#max = rules.max ?? 1
    this.#expiresMs = rules.expiresMs ?? 120_000
  }

  /** A request with this reply (wire text) was delivered. */
  asked(reply: string, nowMs: number): void {
    this.#requests.delete(reply)
    this.#requests.set(reply, { untilMs: nowMs + this.#expiresMs, left: this.#max < 0 ? Infinity : this.#max })
    for (const [oldest, { untilMs }] of this.#requests) {
      if (untilMs > nowMs && this.#requests.size <= REMEMBERED_MAX) break
      this.#requests.delete(oldest)
    }
  }

  /** Whether a message on `subject` is an answer that is still allowed; if so, that is one less. */
  mayAnswer(subject: string, nowMs: number): boolean {
    const request = this.#requests.get(subject)
    if (request === undefined || request.untilMs <= nowMs) return false
    if (--request.left <= 0) this.#requests.delete(subject)
    return true
  }
}
