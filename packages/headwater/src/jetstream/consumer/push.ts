/**
 * Delivery to a subject that clients listen on: whether anyone does, flow control, rate limit, and heartbeats (5.6).
 *
 * Flow control: what was sent and not confirmed is counted in bytes. Over half of the window a request for confirmation
 * goes out; over the whole window nothing is sent until the client answers, and each answer doubles the window.
 */
import type { Subscription, Target } from '../bus.ts'
import type { Environment } from '../environment.ts'
import { Alarm } from './alarm.ts'
import type { ConsumerSettings } from './consumer-settings.ts'
import type { Standing } from './pull.ts'
import { heartbeatBlock, sendStatus, statusBlock } from './status.ts'

const WINDOW_BYTES_MAX = 32 * 1024 * 1024
const WINDOW_BYTES_FIRST = WINDOW_BYTES_MAX / 16
const DIGITS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'

export interface PushPorts {
  readonly stream: string
  readonly consumer: string
  /** What a rate limit lets through at once. */
  readonly burstBytes: number
  standing(): Standing
  /** It may go on: there is interest, a confirmation came, or the rate allows more. */
  go(): void
  /** Interest has come or gone. */
  interest(active: boolean): void
}

export class PushChannel {
  readonly #env: Environment
  readonly #settings: ConsumerSettings
  readonly #ports: PushPorts
  readonly target: Target
  readonly #watch: Subscription
  readonly #confirmations: Subscription | undefined
  readonly #heartbeat: Alarm
  readonly #paced: Alarm
  #active: boolean
  #lastSentMs: number
  #windowBytes = WINDOW_BYTES_FIRST
  #openBytes = 0
  /** The reply subject of the request that waits for its answer, and the bytes that the answer confirms. */
  #asked = ''
  #askedBytes = 0
  /** Bytes that the rate limit lets through now, as of `#tokensAtMs`. */
  #tokens: number
  #tokensAtMs: number

  constructor(env: Environment, settings: ConsumerSettings, ports: PushPorts) {
    this.#env = env
    this.#settings = settings
    this.#ports = ports
    const { deliverSubject, deliverGroup } = settings
    this.target = env.bus.target(deliverSubject, deliverGroup || undefined)
    this.#active = this.target.hasInterest()
    this.#watch = env.bus.watchInterest(deliverSubject, () => this.#interestChanged())
    const nowMs = env.realClock.now()
    this.#lastSentMs = nowMs
    this.#tokens = ports.burstBytes
    this.#tokensAtMs = nowMs
    this.#paced = new Alarm(env.realClock, () => ports.go())
    this.#heartbeat = new Alarm(env.realClock, () => this.#beat())
    if (settings.heartbeatMs > 0) this.#heartbeat.set(nowMs + settings.heartbeatMs)
    if (settings.flowControl) {
      const subject = `$JS.FC.${ports.stream}.${ports.consumer}.*`
      this.#confirmations = env.bus.capture(subject, (message) => this.#confirmed(message.subject))
    }
  }

  /** Whether anyone listens. */
  get active(): boolean {
    return this.#active
  }

  /** True when a message may be sent now; otherwise `go` follows when that changes. */
  ready(): boolean {
    if (!this.#active) return false
    if (this.#settings.flowControl && this.#openBytes > this.#windowBytes) return false
    const { rateLimitBps } = this.#settings
    if (rateLimitBps === 0) return true
    const nowMs = this.#env.realClock.now()
    const bytesPerMs = rateLimitBps / 8 / 1000
    this.#tokens = Math.min(this.#ports.burstBytes, this.#tokens + (nowMs - this.#tokensAtMs) * bytesPerMs)
    this.#tokensAtMs = nowMs
    if (this.#tokens > 0) return true
    this.#paced.set(nowMs + Math.max(1, -this.#tokens / bytesPerMs))
    return false
  }

  /** Counts a message of `bytes` bytes that was sent; may ask for a confirmation. */
  sent(bytes: number): void {
    const { flowControl, heartbeatMs, rateLimitBps } = this.#settings
    if (heartbeatMs > 0) this.#lastSentMs = this.#env.realClock.now()
    if (rateLimitBps > 0) this.#tokens -= bytes
    if (!flowControl) return
    this.#openBytes += bytes
    if (this.#asked === '') {
      if (this.#openBytes > this.#windowBytes / 2) this.#ask()
    } else if (this.#openBytes - this.#askedBytes >= this.#windowBytes) {
      this.#askedBytes += bytes
    }
  }

  close(): void {
    this.#watch.unsubscribe()
    this.#confirmations?.unsubscribe()
    this.#heartbeat.cancel()
    this.#paced.cancel()
  }

  #ask(): void {
    let token = ''
    for (let i = 0; i < 4; i++) token += DIGITS[this.#env.random.below(DIGITS.length)]
    this.#asked = `$JS.FC.${this.#ports.stream}.${this.#ports.consumer}.${token}`
    this.#askedBytes = this.#openBytes
    sendStatus(this.target, statusBlock('100 FlowControl Request'), this.#asked)
  }

  #confirmed(subject: string): undefined {
    if (subject !== this.#asked) return
    this.#windowBytes = Math.min(WINDOW_BYTES_MAX, this.#windowBytes * 2)
    this.#openBytes = Math.max(0, this.#openBytes - this.#askedBytes)
    this.#asked = ''
    this.#askedBytes = 0
    this.#ports.go()
  }

  #interestChanged(): void {
    const active = this.target.hasInterest()
    if (active === this.#active) return
    this.#active = active
    this.#ports.interest(active)
    if (active) this.#ports.go()
  }

  #beat(): void {
    const { heartbeatMs } = this.#settings
    const nowMs = this.#env.realClock.now()
    if (nowMs - this.#lastSentMs >= heartbeatMs) {
      if (this.#active) {
        const { consumerSeq, streamSeq } = this.#ports.standing()
        sendStatus(this.target, heartbeatBlock(consumerSeq, streamSeq, this.#asked))
      }
      this.#lastSentMs = nowMs
    }
    this.#heartbeat.set(this.#lastSentMs + heartbeatMs)
  }
}
