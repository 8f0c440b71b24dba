/**
 * The requests that wait for messages: a bounded queue, served in turn, one message each (5.5).
 * It says what is to be said to a request that ends, and never looks at messages itself.
 */
import type { Target } from '../bus.ts'
import type { PullOptions } from './pull-request.ts'
import { heartbeatBlock, sendStatus, statusBlock } from './status.ts'

/** One request while it waits. */
export interface PullRequest {
  readonly target: Target
  /** Messages that it may still get. */
  left: number
  /** Bytes that it may still get; only meaningful when bytesLimited. */
  bytesLeft: number
  readonly bytesLimited: boolean
  delivered: number
  readonly expiresAtMs: number
  readonly noWait: boolean
  readonly heartbeatMs: number
  heartbeatAtMs: number
}

/** Where the consumer stands, for heartbeats. */
export interface Standing {
  readonly consumerSeq: number
  readonly streamSeq: number
}

/** However many a configuration allows: each costs memory that a client decides about. */
const WAITING_MAX = 100_000

export class PullQueue {
  readonly #max: number
  readonly #standing: () => Standing
  #requests: PullRequest[] = []

  /** At most `max` requests wait, and never more than 100,000. */
  constructor(max: number, standing: () => Standing) {
    this.#max = Math.min(max, WAITING_MAX)
    this.#standing = standing
  }

  get size(): number {
    return this.#requests.length
  }

  /** True while somebody waits, after those were dropped who do not. */
  waits(nowMs: number): boolean {
    this.sweep(nowMs, false)
    return this.#requests.length > 0
  }

  /** Messages that the waiting requests ask for together. */
  get wanted(): number {
    let sum = 0
    for (const request of this.#requests) sum += request.left
    return sum
  }

  /** False when the queue is full, after those were dropped that nobody waits for any more. */
  add(target: Target, options: PullOptions, nowMs: number): boolean {
    if (this.#requests.length >= this.#max) this.sweep(nowMs, false)
    if (this.#requests.length >= this.#max) return false
    this.#requests.push({
      target,
      left: options.batch,
      bytesLeft: options.maxBytes,
      bytesLimited: options.maxBytes > 0,
      delivered: 0,
      expiresAtMs: options.expiresMs === undefined ? Number.POSITIVE_INFINITY : nowMs + options.expiresMs,
      noWait: options.noWait,
      heartbeatMs: options.heartbeatMs,
      heartbeatAtMs: options.heartbeatMs > 0 ? nowMs + options.heartbeatMs : Number.POSITIVE_INFINITY,
    })
    return true
  }

  /**
   * Picks the request that gets the next message of `bytes` bytes and counts it there; undefined when none can take it.
   * A request that wants more goes to the end of the queue. HOT.
   */
  take(bytes: number, nowMs: number): PullRequest | undefined {
    while (this.#requests.length > 0) {
      const request = this.#requests[0]
      if (nowMs >= request.expiresAtMs) {
        this.#requests.shift()
        this.#timeout(request)
        continue
      }
      if (!request.target.hasInterest()) {
        this.#requests.shift()
        continue
      }
      if (request.bytesLimited) {
        if (bytes > request.bytesLeft) {
          this.#requests.shift()
          this.#end(request, '409 Message Size Exceeds MaxBytes', true)
          continue
        }
        request.bytesLeft -= bytes
        // Exactly used up: this message is the last, and nothing is said after it.
        if (request.bytesLeft === 0) request.left = 1
      }
      request.left--
      request.delivered++
      if (request.left <= 0) this.#requests.shift()
      else if (this.#requests.length > 1) this.#requests.push(this.#requests.shift()!)
      if (request.heartbeatMs > 0) request.heartbeatAtMs = nowMs + request.heartbeatMs
      return request
    }
    return undefined
  }

  /** To be said to a request after the message that took() gave it, or undefined: its batch ended before its bytes. */
  afterword(request: PullRequest): Uint8Array | undefined {
    if (request.left > 0 || !request.bytesLimited || request.bytesLeft === 0) return undefined
    return statusBlock('409 Batch Completed', { messages: request.left, bytes: request.bytesLeft })
  }

  /** Undoes a take: the message was gone when it was to be sent. */
  giveBack(request: PullRequest, bytes: number): void {
    if (request.left <= 0) this.#requests.unshift(request)
    request.left++
    request.delivered--
    if (request.bytesLimited) request.bytesLeft += bytes
  }

  /**
   * Ends what has expired, drops what nobody listens for, sends heartbeats that are due. `drained`: nothing is left to
   * deliver now, so requests that do not wait end too. Returns when it must be called again (Infinity: not at all).
   */
  sweep(nowMs: number, drained: boolean): number {
    let nextMs = Number.POSITIVE_INFINITY
    let kept = 0
    const requests = this.#requests
    for (const request of requests) {
      if (nowMs >= request.expiresAtMs) {
        this.#timeout(request)
        continue
      }
      if (drained && request.noWait && (request.expiresAtMs === Number.POSITIVE_INFINITY || request.delivered > 0)) {
        this.#end(request, '404 No Messages', false)
        continue
      }
      if (!request.target.hasInterest()) continue
      if (nowMs >= request.heartbeatAtMs) {
        const { consumerSeq, streamSeq } = this.#standing()
        sendStatus(request.target, heartbeatBlock(consumerSeq, streamSeq, ''))
        request.heartbeatAtMs = nowMs + request.heartbeatMs
      }
      nextMs = Math.min(nextMs, request.expiresAtMs, request.heartbeatAtMs)
      requests[kept++] = request
    }
    requests.length = kept
    return nextMs
  }

  /** Ends every request with `status`. */
  endAll(status: string, withPending: boolean): void {
    for (const request of this.#requests) this.#end(request, status, withPending)
    this.#requests.length = 0
  }

  #timeout(request: PullRequest): void {
    this.#end(request, '408 Request Timeout', true)
  }

  #end(request: PullRequest, status: string, withPending: boolean): void {
    const pending = withPending ? { messages: request.left, bytes: request.bytesLeft } : undefined
    sendStatus(request.target, statusBlock(status, pending))
  }
}
