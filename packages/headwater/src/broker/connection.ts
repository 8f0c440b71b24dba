/**
 * One client's connection: greeted, authenticated, open, closed. One method per verb, in the wire's spelling.
 *
 *   accept -> INFO -> [CONNECT, within the authentication timeout] -> open -> closing (what waits is written) -> closed
 *
 * HOT: `publish` runs once per message.
 */
import type { Clock, Timer, Turn } from '../base/clock.ts'
import { reading } from '../protocol/arena.ts'
import { type ConnectOptions, defaultConnectOptions, parseConnect } from '../protocol/connect-options.ts'
import { errorLine, fromWire } from '../protocol/encode.ts'
import type { FrameHandler, Parser, PublishFrame, Verb } from '../protocol/parser.ts'
import { type ClosedReason, type ProtocolError, protocolErrors } from '../protocol/protocol-errors.ts'
import { isLiteral, isValidSubject } from '../protocol/subject.ts'
import type { Account } from './account.ts'
import type { Authenticator, Identity } from './auth/authenticator.ts'
import type { BusClient } from './bus-types.ts'
import { type Delivery, replyOf } from './deliver.ts'
import type { Flusher } from './flusher.ts'
import { Inlet, piecesOf } from './inlet.ts'
import type { BrokerLimits } from './limits.ts'
import { Outbox, type OutboxOwner } from './outbox.ts'
import { isAckSubject, mayBeReserved, reservedPublish } from './reserved.ts'
import { Subscription } from './subscription.ts'
import type { Transport, TransportPeer } from './transport.ts'

/** What a connection needs of its broker. */
export interface ConnectionHost {
  readonly account: Account
  readonly authenticator: Authenticator | undefined
  readonly clock: Clock
  readonly delivery: Delivery
  readonly flusher: Flusher
  readonly limits: BrokerLimits
  readonly parser: Parser
  readonly turn: Turn
  /** The INFO line for this connection; `again` is the one after the first PONG. */
  infoFor(connection: Connection, again: boolean): string
  /** It takes no more part: its subscriptions are gone. */
  closed(connection: Connection, reason: ClosedReason): void
  /** Its transport is gone too. */
  gone(connection: Connection): void
  slowConsumer(connection: Connection): void
}

export class Connection implements FrameHandler, OutboxOwner, TransportPeer {
  readonly id: number
  readonly transport: Transport
  readonly outbox: Outbox
  readonly startMs: number
  options: ConnectOptions = defaultConnectOptions()
  identity: Identity = { user: '' }
  subscriptions: Map<string, Subscription> = new Map()
  /** Negative until it may publish. */
  maxPayload: number
  readonly maxControlLine: number
  echo = true
  headers = false
  inMsgs = 0
  inBytes = 0
  outMsgs = 0
  outBytes = 0
  lastActivityMs: number
  /** Milliseconds; -1 until the first PONG. */
  rttMs = -1
  pingsOutstanding = 0
  lastPingMs = 0
  connectedMs = 0
  closedReason: ClosedReason | undefined
  closedMs = 0
  busClient: BusClient

  readonly #host: ConnectionHost
  readonly #inlet: Inlet
  #isAuthenticated: boolean
  /** CONNECT waits for a verdict that is a promise. */
  #isAuthenticating = false
  #authTimer: Timer | undefined
  #owesInfo = false
  /** Publishing needs a look: verbose or pedantic. */
  #isChatty = true
  #noResponders = false
  /** Paused by a full outbox, for a bounded time. */
  #stall: Timer | undefined
  readonly #stalled = new Set<Connection>()
  /** Paused by a handler, until it says so. */
  #isHeld = false
  #isPaused = false
  #later: Uint8Array[] = []
  readonly #unstall = (): void => {
    this.#stall = undefined
    this.#goOn()
  }

  constructor(host: ConnectionHost, id: number, transport: Transport) {
    this.#host = host
    this.id = id
    this.transport = transport
    this.startMs = this.lastActivityMs = host.clock.now()
    this.outbox = new Outbox({ transport, owner: this, max: host.limits.maxPending, now: () => host.clock.now() })
    this.#inlet = new Inlet(host.parser, this)
    this.#isAuthenticated = host.authenticator === undefined
    this.maxPayload = this.#isAuthenticated ? host.limits.maxPayload : -1
    this.maxControlLine = host.limits.maxControlLine
    this.busClient = { id, host: transport.remoteAddress }
  }

  /** Greets; refuses when `isFull`. */
  open(isFull: boolean): void {
    this.outbox.text(this.#host.infoFor(this, false))
    if (isFull) this.refuse(protocolErrors.connectionsExceeded)
    if (isFull || this.#isAuthenticated) return
    this.#authTimer = this.#host.clock.after(this.#host.limits.authTimeoutMs, () => {
      this.refuse(protocolErrors.authenticationTimeout)
    })
  }

  get isOpen(): boolean {
    return this.closedReason === undefined
  }

  /** Whether CONNECT was accepted. */
  get isConnected(): boolean {
    return this.connectedMs > 0
  }

  // --- what the transport tells

  received(length: number): boolean {
    this.lastActivityMs = this.#host.clock.now()
    this.#inlet.received(length)
    return !this.#pauseIfNeeded()
  }

  receive(bytes: Uint8Array): boolean {
    if (reading.isBusy || this.#isAuthenticating || this.#later.length > 0) {
      // From within a delivery, or ahead of a verdict: the read buffer is in use. Bounded by what one transport hands over at once.
      this.#later.push(bytes.slice())
      if (!this.#isAuthenticating) this.#host.turn.atEnd(() => this.#receiveLater())
      return false
    }
    this.lastActivityMs = this.#host.clock.now()
    const pieces = piecesOf(bytes)
    for (let i = 0; i < pieces.length; i++) {
      if (this.#isAuthenticating) {
        for (const piece of pieces.slice(i)) this.#later.push(piece.slice())
        break
      }
      this.#inlet.receive(pieces[i])
    }
    return !this.#pauseIfNeeded()
  }

  drained(): void {
    this.outbox.drained()
    this.#endWhenWritten()
  }

  ended(error?: Error): void {
    this.close(error === undefined ? 'Client Closed' : 'Read Error')
    this.transport.destroy()
    this.outbox.abandon()
    this.#host.gone(this)
  }

  // --- what the parser finds

  publish(bytes: Buffer, frame: PublishFrame): void {
    const host = this.#host
    this.inMsgs++
    this.inBytes += frame.bodyEnd - frame.bodyStart
    if (this.#isChatty && !this.#chat(bytes, frame)) return
    if (mayBeReserved(bytes, frame)) {
      const denied = reservedPublish(bytes, frame)
      if (denied !== undefined) {
        this.refuse(denied)
        return
      }
      if (isAckSubject(bytes, frame) && this.#ack(bytes, frame)) return
    }
    const route = host.account.routes.resolve(
      bytes,
      frame.subjectStart,
      frame.subjectEnd,
      frame.hash,
      frame.lastDot,
      frame.prefixHash,
    )
    if (host.delivery.deliverTo(route, this, bytes, frame)) return
    if (this.#noResponders && frame.replyEnd > frame.replyStart) this.#answerNobody(bytes, frame)
  }

  line(verb: Verb, args: string): boolean {
    if (!this.#isAuthenticated && verb !== 'CONNECT') {
      this.refuse(protocolErrors.authorizationViolation)
      return false
    }
    const error = this.#run(verb, args)
    if (error !== undefined) this.refuse(error)
    return this.isOpen && !this.#isAuthenticating
  }

  partial(length: number): void {
    this.#inlet.partial(length)
  }

  refuse(error: ProtocolError): void {
    if (!this.isOpen) return
    // Before CONNECT every operation but CONNECT is refused in the same words.
    const shown =
      this.maxPayload < 0 && error === protocolErrors.payloadExceeded ? protocolErrors.authorizationViolation : error
    if (shown.text !== undefined) this.outbox.text(errorLine(shown.text))
    if (shown.closes !== undefined) this.close(shown.closes)
  }

  // --- verbs

  #run(verb: Verb, args: string): ProtocolError | undefined {
    switch (verb) {
      case 'PING':
        return this.#PING()
      case 'PONG':
        return this.#PONG()
      case 'SUB':
        return this.#SUB(words(args))
      case 'UNSUB':
        return this.#UNSUB(words(args))
      case 'CONNECT':
        return this.#CONNECT(args)
      case '-ERR':
        this.close('Client Closed')
        return undefined
      default:
        // +OK and INFO mean nothing from a client.
        return undefined
    }
  }

  #PING(): undefined {
    this.outbox.text('PONG\r\n')
    if (this.#owesInfo && this.options.protocol >= 1) this.outbox.text(this.#host.infoFor(this, true))
    this.#owesInfo = false
  }

  #PONG(): undefined {
    if (this.pingsOutstanding > 0 && this.lastPingMs > 0) this.rttMs = this.#host.clock.now() - this.lastPingMs
    this.pingsOutstanding = 0
  }

  #SUB(args: string[]): ProtocolError | undefined {
    if (args.length < 2 || args.length > 3) return protocolErrors.badArguments
    const subject = args[0]
    const queue = args.length === 3 ? args[1] : undefined
    const sid = args[args.length - 1]
    if (!isValidSubject(subject)) return protocolErrors.invalidSubject
    if (queue === '_sys_') return protocolErrors.subscribeDenied(fromWire(subject), queue)
    const { limits, account } = this.#host
    if (!this.subscriptions.has(sid)) {
      if (limits.maxSubscriptions > 0 && this.subscriptions.size >= limits.maxSubscriptions) {
        return protocolErrors.subscriptionsExceeded
      }
      const subscription = new Subscription(this, subject, queue, sid)
      this.subscriptions.set(sid, subscription)
      account.subscribe(subscription)
    }
    this.#ok()
    return undefined
  }

  #UNSUB(args: string[]): ProtocolError | undefined {
    if (args.length < 1 || args.length > 2) return protocolErrors.badArguments
    const subscription = this.subscriptions.get(args[0])
    if (subscription !== undefined) {
      const max = /^\d{1,9}$/.test(args[1] ?? '') ? Number(args[1]) : 0
      if (max > subscription.delivered) {
        subscription.max = max
        subscription.isPlain = false
      } else {
        this.#drop(subscription)
      }
    }
    this.#ok()
    return undefined
  }

  #CONNECT(args: string): ProtocolError | undefined {
    const options = parseConnect(fromWire(args), this.options)
    if (options === undefined) return protocolErrors.badArguments
    if (options.protocol < 0 || options.protocol > 1) return protocolErrors.invalidClientProtocol
    if (options.no_responders && !options.headers) return protocolErrors.noRespondersRequiresHeaders
    if (options.account !== '') return protocolErrors.authorizationViolation
    for (const subscription of [...this.subscriptions.values()]) this.#drop(subscription)
    this.options = options
    const { authenticator } = this.#host
    if (authenticator === undefined) {
      this.#accept({ user: options.user })
      return undefined
    }
    this.#isAuthenticated = false
    this.maxPayload = -1
    const verdict = authenticator.authenticate({
      user: options.user,
      pass: options.pass,
      token: options.auth_token,
      nkey: options.nkey,
      jwt: options.jwt,
      sig: options.sig,
      name: options.name,
      remoteAddress: this.transport.remoteAddress,
    })
    if (!(verdict instanceof Promise)) {
      this.#judge(verdict)
      return undefined
    }
    this.#isAuthenticating = true
    verdict.then(
      (identity) => this.#judgeLater(identity),
      () => this.#judgeLater(undefined),
    )
    return undefined
  }

  #judgeLater(identity: Identity | undefined): void {
    this.#isAuthenticating = false
    if (!this.isOpen) return
    this.#judge(identity)
    if (!this.isOpen) return
    this.#inlet.again()
    this.#receiveLater()
    this.#goOn()
  }

  #judge(identity: Identity | undefined): void {
    if (identity === undefined) this.refuse(protocolErrors.authorizationViolation)
    else this.#accept(identity)
  }

  #accept(identity: Identity): void {
    const { options } = this
    this.#authTimer?.cancel()
    this.#authTimer = undefined
    this.#isAuthenticated = true
    this.identity = identity
    this.maxPayload = this.#host.limits.maxPayload
    this.connectedMs = this.#host.clock.now()
    this.echo = options.echo
    this.headers = options.headers
    this.#isChatty = options.verbose || options.pedantic
    this.#noResponders = options.no_responders
    this.#owesInfo = true
    this.busClient = { id: this.id, name: options.name, user: identity.user, host: this.transport.remoteAddress }
    this.#ok()
  }

  #ok(): void {
    if (this.options.verbose && this.isOpen) this.outbox.text('+OK\r\n')
  }

  // --- the rarer sides of a publish

  /** For verbose and pedantic clients, after the check that could refuse the message. False when it was refused. */
  #chat(bytes: Buffer, frame: PublishFrame): boolean {
    const denied = mayBeReserved(bytes, frame) ? reservedPublish(bytes, frame) : undefined
    if (denied !== undefined) {
      this.refuse(denied)
      return false
    }
    if (this.options.pedantic && !isLiteral(bytes.toString('latin1', frame.subjectStart, frame.subjectEnd))) {
      this.refuse(protocolErrors.invalidPublishSubject)
    }
    this.#ok()
    return true
  }

  /** Gives an ack to the engine; true when nobody else can want it. */
  #ack(bytes: Buffer, frame: PublishFrame): boolean {
    const { ackHandler, ackSubscriptions } = this.#host.account
    if (ackHandler === undefined) return false
    const start = frame.headersLength > 0 ? frame.bodyStart + frame.headersLength : frame.bodyStart
    ackHandler.ack(bytes, frame.subjectStart, frame.subjectEnd, replyOf(bytes, frame), start, frame.bodyEnd)
    return ackSubscriptions === 0
  }

  /** Nobody got a request: tells the requester, on its own plain subscription to the reply. */
  #answerNobody(bytes: Buffer, frame: PublishFrame): void {
    const reply = bytes.toString('latin1', frame.replyStart, frame.replyEnd)
    let inbox: Subscription | undefined
    this.#host.account.match(reply, (found) => {
      if (found.kind === 'client' && found.connection === this && found.queue === undefined) inbox ??= found
    })
    if (inbox === undefined) return
    const subject = bytes.toString('latin1', frame.subjectStart, frame.subjectEnd)
    const headers = `NATS/1.0 503\r\nNats-Subject: ${subject}\r\n\r\n`
    const size = headers.length
    this.outbox.text(`HMSG ${reply} ${inbox.sid} ${size} ${size}\r\n${headers}\r\n`)
    this.outMsgs++
    this.outBytes += size
    inbox.delivered++
    this.delivered(inbox)
  }

  /** A subscription with something to ask was delivered to; true when that was its last. */
  delivered(subscription: Subscription): boolean {
    if (subscription.max === 0 || subscription.delivered < subscription.max) return false
    this.#drop(subscription)
    return true
  }

  #drop(subscription: Subscription): void {
    this.subscriptions.delete(subscription.sid)
    this.#host.account.unsubscribe(subscription)
  }

  // --- pausing

  /** `receiver` cannot keep up: stop reading from this connection, for a bounded time. */
  stallOn(receiver: Connection): void {
    if (this.#stall !== undefined) return
    // Without the bound one dead subscriber would stop its publishers, and two clients that only write would stop each other.
    this.#stall = this.#host.clock.after(this.#host.limits.stallMs, this.#unstall)
    receiver.#stalled.add(this)
  }

  /** A handler cannot keep up: stop reading until `release`. */
  hold(): void {
    this.#isHeld = true
  }

  /** The handler can go on. */
  release(): void {
    this.#isHeld = false
    this.#goOn()
  }

  get isHeld(): boolean {
    return this.#isHeld
  }

  #pauseIfNeeded(): boolean {
    this.#isPaused = this.isOpen && (this.#stall !== undefined || this.#isHeld || this.#isAuthenticating)
    return this.#isPaused
  }

  #goOn(): void {
    if (!this.#isPaused || this.#pauseIfNeeded()) return
    this.transport.resume()
  }

  #receiveLater(): void {
    while (this.#later.length > 0 && !this.#isAuthenticating) {
      const later = this.#later
      this.#later = []
      for (const bytes of later) this.receive(bytes)
    }
  }

  // --- what the outbox tells

  dirty(): void {
    this.#host.flusher.add(this.outbox)
  }

  relieved(): void {
    for (const publisher of this.#stalled) {
      publisher.#stall?.cancel()
      publisher.#unstall()
    }
    this.#stalled.clear()
  }

  overflowed(): void {
    // At the end of the turn: closing runs other code, and this comes from the middle of a delivery.
    this.#host.turn.atEnd(() => this.slow('Slow Consumer (Pending Bytes)'))
  }

  /** Closes a slow consumer at once, without a word. */
  slow(reason: ClosedReason): void {
    if (!this.isOpen) return
    this.#host.slowConsumer(this)
    this.close(reason)
    this.transport.destroy()
    this.outbox.abandon()
  }

  // --- the end

  /** Takes no more part; what waits is written, then the transport ends. Idempotent: the first reason stands. */
  close(reason: ClosedReason): void {
    if (!this.isOpen) return
    this.closedReason = reason
    this.closedMs = this.#host.clock.now()
    this.#authTimer?.cancel()
    this.#stall?.cancel()
    this.#inlet.close()
    this.#later = []
    for (const subscription of [...this.subscriptions.values()]) this.#host.account.unsubscribe(subscription)
    this.outbox.flush()
    this.#endWhenWritten()
    this.#host.closed(this, reason)
    // A paused transport would never see its peer end.
    if (this.#isPaused) this.transport.resume()
  }

  #endWhenWritten(): void {
    if (!this.isOpen && this.outbox.pendingBytes === 0) this.transport.end()
  }

  /** Sends one more INFO, when the client understands it. */
  inform(): void {
    if (this.isOpen && this.isConnected && this.options.protocol >= 1) {
      this.outbox.text(this.#host.infoFor(this, true))
    }
  }

  /** Asks for a PONG. */
  ping(nowMs: number): void {
    this.pingsOutstanding++
    this.lastPingMs = nowMs
    this.outbox.text('PING\r\n')
  }
}

function words(args: string): string[] {
  const trimmed = args.trim()
  return trimmed === '' ? [] : trimmed.split(/[ \t]+/)
}
