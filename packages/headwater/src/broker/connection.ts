/**
 * One client's connection: greeted, authenticated, open, closed. One method per verb, in the wire's spelling.
 *
 *   accept -> INFO -> [CONNECT, within the authentication timeout] -> open -> closing (what waits is written) -> closed
 *
 * HOT: `publish` runs once per message.
 */

import { type ConnectOptions, defaultConnectOptions, parseConnect } from '../protocol/connect-options.ts'
import { errorLine, fromWire } from '../protocol/encode.ts'
import type { FrameHandler, PublishFrame, Verb } from '../protocol/parser.ts'
import { type ClosedReason, type ProtocolError, protocolErrors } from '../protocol/protocol-errors.ts'
import { isLiteral } from '../protocol/subject.ts'
import { reading } from './arena.ts'
import type { Identity } from './auth/authenticator.ts'
import type { BusClient } from './bus-types.ts'
import { ClientSubscriptions } from './client-subscriptions.ts'
import type { ConnectionHost } from './connection-host.ts'
import { Inlet, piecesOf } from './inlet.ts'
import { Login } from './login.ts'
import { answerNobody } from './nobody.ts'
import { Outbox, type OutboxOwner } from './outbox.ts'
import { Pauses } from './pauses.ts'
import { isAckSubject, mayBeReserved, reservedPublish } from './reserved.ts'
import { Rights } from './rights.ts'
import type { Transport, TransportPeer } from './transport.ts'

export class Connection implements FrameHandler, OutboxOwner, TransportPeer {
  readonly id: number
  readonly transport: Transport
  readonly outbox: Outbox
  readonly startMs: number
  options: ConnectOptions = defaultConnectOptions()
  identity: Identity = { user: '' }
  /** Everything, when undefined. */
  rights: Rights | undefined
  readonly subscriptions: ClientSubscriptions
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
  readonly #login: Login
  readonly #pauses: Pauses
  /** Publishing needs a look: verbose, pedantic, or not everything is permitted. */
  #needsLook = true
  #noResponders = false
  /** The second INFO: it follows the first PONG after CONNECT, once. */
  #owesInfo = false
  #wasInformed = false
  /** Bytes that came while the read buffer was in use, or ahead of a verdict. */
  #later: Uint8Array[] = []
  /** The peer ended its side, and something still waits for it. */
  #hasEnded = false
  #isGone = false

  constructor(host: ConnectionHost, id: number, transport: Transport) {
    this.#host = host
    this.id = id
    this.transport = transport
    this.startMs = this.lastActivityMs = host.clock.now()
    this.outbox = new Outbox({ transport, owner: this, max: host.limits.maxPending, now: () => host.clock.now() })
    this.subscriptions = new ClientSubscriptions(this, host.account, host.limits.maxSubscriptions)
    this.#inlet = new Inlet(host.parser, this)
    this.#pauses = new Pauses({
      clock: host.clock,
      stallMs: host.limits.stallMs,
      resume: () => transport.resume(),
    })
    this.#login = new Login(host.authenticator, {
      accepted: (identity) => this.#accepted(identity),
      refused: () => this.refuse(protocolErrors.authorizationViolation),
      timedOut: () => this.refuse(protocolErrors.authenticationTimeout),
      waits: () => {
        this.#pauses.isWaiting = true
      },
    })
    this.maxPayload = this.#login.isDone ? host.limits.maxPayload : -1
    this.maxControlLine = host.limits.maxControlLine
    this.busClient = { id, host: transport.remoteAddress }
  }

  /** Greets; refuses when `isFull`. */
  open(isFull: boolean): void {
    this.outbox.text(this.#host.infoFor(this, false))
    if (isFull) this.refuse(protocolErrors.connectionsExceeded)
    else this.#login.start(this.#host.clock, this.#host.limits.authTimeoutMs)
  }

  get isOpen(): boolean {
    return this.closedReason === undefined
  }

  // --- what the transport tells

  received(length: number): boolean {
    this.lastActivityMs = this.#host.clock.now()
    this.#inlet.received(length)
    return !this.#pauses.stops()
  }

  receive(bytes: Uint8Array): boolean {
    if (reading.isBusy || this.#pauses.isWaiting || this.#later.length > 0) {
      // From within a delivery, or ahead of a verdict: the read buffer is in use. Bounded by what one transport hands over at once.
      this.#later.push(new Uint8Array(bytes))
      if (!this.#pauses.isWaiting) this.#host.turn.atEnd(this.#receiveAtEnd)
      return false
    }
    this.lastActivityMs = this.#host.clock.now()
    const pieces = piecesOf(bytes)
    for (let i = 0; i < pieces.length; i++) {
      if (this.#pauses.isWaiting) {
        for (const piece of pieces.slice(i)) this.#later.push(new Uint8Array(piece))
        break
      }
      this.#inlet.receive(pieces[i])
    }
    return !this.#pauses.stops()
  }

  drained(): void {
    this.outbox.drained()
    this.#endWhenWritten()
  }

  ended(error?: Error): void {
    this.close(error === undefined ? 'Client Closed' : 'Read Error')
    // A peer that only ended its own side still gets what waits for it.
    if (error === undefined && !this.#hasEnded && this.outbox.pendingBytes > 0) this.#hasEnded = true
    else this.#leave()
  }

  /** Lets go of the transport. Idempotent. */
  #leave(): void {
    if (this.#isGone) return
    this.#isGone = true
    this.transport.destroy()
    this.outbox.abandon()
    this.#host.gone(this)
  }

  // --- what the parser finds

  publish(bytes: Buffer, frame: PublishFrame): void {
    const host = this.#host
    this.inMsgs++
    this.inBytes += frame.bodyEnd - frame.bodyStart
    if (this.#needsLook && !this.#look(bytes, frame)) return
    if (mayBeReserved(bytes, frame)) {
      const denied = reservedPublish(bytes, frame)
      if (denied !== undefined) {
        this.refuse(denied)
        return
      }
      if (isAckSubject(bytes, frame) && host.account.ack(bytes, frame)) return
    }
    const route = host.account.routes.resolve(
      bytes,
      frame.subjectStart,
      frame.subjectEnd,
      frame.hash,
      frame.lastDot,
      frame.prefixHash,
    )
    if (!route.isEmpty && host.delivery.deliverTo(route, this, bytes, frame)) return
    if (this.#noResponders && frame.replyEnd > frame.replyStart) answerNobody(this, host.account, bytes, frame)
  }

  line(verb: Verb, args: string): boolean {
    if (!this.#login.isDone && verb !== 'CONNECT') {
      this.refuse(protocolErrors.authorizationViolation)
      return false
    }
    const error = this.#run(verb, args)
    if (error !== undefined) this.refuse(error)
    return this.isOpen && !this.#pauses.isWaiting
  }

  partial(length: number): void {
    this.#inlet.partial(length)
  }

  refuse(error: ProtocolError): void {
    if (!this.isOpen) return
    // Before CONNECT was accepted, everything else is refused in the same words.
    const isEarly = !this.#login.isDone
    const isAnything = error === protocolErrors.payloadExceeded || error === protocolErrors.unknownOperation
    const shown = isEarly && isAnything ? protocolErrors.authorizationViolation : error
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
        return this.subscriptions.SUB(args) ?? this.#ok()
      case 'UNSUB':
        return this.subscriptions.UNSUB(args) ?? this.#ok()
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
    this.#wasInformed ||= this.#owesInfo
    this.#owesInfo = false
  }

  #PONG(): undefined {
    if (this.pingsOutstanding > 0 && this.lastPingMs > 0) this.rttMs = this.#host.clock.now() - this.lastPingMs
    this.pingsOutstanding = 0
  }

  #CONNECT(args: string): ProtocolError | undefined {
    const options = parseConnect(fromWire(args), this.options)
    if (options === undefined) return protocolErrors.badArguments
    if (options.protocol < 0 || options.protocol > 1) return protocolErrors.invalidClientProtocol
    if (options.no_responders && !options.headers) return protocolErrors.noRespondersRequiresHeaders
    if (options.account !== '') return protocolErrors.authorizationViolation
    this.subscriptions.clear()
    this.options = options
    this.maxPayload = -1
    this.#login.check(options, this.transport.remoteAddress)
    return undefined
  }

  #accepted(identity: Identity): void {
    if (!this.isOpen) return
    const { options } = this
    this.identity = identity
    this.rights = identity.permissions === undefined ? undefined : new Rights(identity.permissions, this.#host.clock)
    this.maxPayload = this.#host.limits.maxPayload
    this.connectedMs = this.#host.clock.now()
    this.echo = options.echo
    this.headers = options.headers
    this.#needsLook = options.verbose || options.pedantic || this.rights !== undefined
    this.#noResponders = options.no_responders
    this.#owesInfo = !this.#wasInformed
    this.busClient = { id: this.id, name: options.name, user: identity.user, host: this.transport.remoteAddress }
    this.#ok()
    if (this.#pauses.isWaiting) this.#readOn()
  }

  /** The verdict came late: what was sent behind CONNECT is handled now. */
  #readOn(): void {
    this.#pauses.isWaiting = false
    this.#inlet.again()
    this.#receiveAtEnd()
  }

  #ok(): undefined {
    if (this.options.verbose && this.isOpen) this.outbox.text('+OK\r\n')
  }

  // --- the rarer sides of a publish

  /** For clients that are verbose, pedantic or restricted, after the check that could refuse the message. False when it was refused. */
  #look(bytes: Buffer, frame: PublishFrame): boolean {
    const subject = bytes.toString('latin1', frame.subjectStart, frame.subjectEnd)
    let denied = mayBeReserved(bytes, frame) ? reservedPublish(bytes, frame) : undefined
    if (this.rights?.mayPublish(subject) === false) denied ??= protocolErrors.publishDenied(fromWire(subject))
    if (denied !== undefined) {
      this.refuse(denied)
      return false
    }
    if (this.options.pedantic && !isLiteral(subject)) this.refuse(protocolErrors.invalidPublishSubject)
    this.#ok()
    return true
  }

  // --- pausing

  /** `receiver` cannot keep up: this connection is not read from, for a bounded time. */
  stallOn(receiver: Connection): void {
    this.#pauses.stallOn(receiver.#pauses)
  }

  /** A handler cannot keep up: this connection is not read from until `release`. */
  hold(): void {
    this.#pauses.isHeld = true
  }

  /** The handler can go on. */
  release(): void {
    this.#pauses.isHeld = false
    this.#pauses.goOn()
  }

  get isHeld(): boolean {
    return this.#pauses.isHeld
  }

  /** Handles what had to wait, then goes on reading. */
  readonly #receiveAtEnd = (): void => {
    this.#receiveLater()
    if (!this.#pauses.stops()) this.transport.resume()
  }

  #receiveLater(): void {
    while (this.#later.length > 0 && !this.#pauses.isWaiting) {
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
    this.#pauses.relieved()
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
    this.#leave()
  }

  // --- the end

  /** Takes no more part; what waits is written, then the transport ends. Idempotent: the first reason stands. */
  close(reason: ClosedReason): void {
    if (!this.isOpen) return
    this.closedReason = reason
    this.closedMs = this.#host.clock.now()
    this.#login.end()
    this.#inlet.close()
    this.#later = []
    this.subscriptions.close()
    this.outbox.flush()
    this.#endWhenWritten()
    this.#host.closed(this, reason)
    // A paused transport would never see its peer end.
    this.#pauses.end()
  }

  #endWhenWritten(): void {
    if (this.isOpen || this.outbox.pendingBytes > 0) return
    if (this.#hasEnded) this.#leave()
    else this.transport.end()
  }

  /** Sends one more INFO, when the client understands it. */
  inform(): void {
    if (this.isOpen && this.connectedMs > 0 && this.options.protocol >= 1) {
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
