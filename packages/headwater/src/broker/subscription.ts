/** Who wants messages: a client's SUB, or a handler inside the server. Both lie in the account's trie. */
import type { InboundHandler } from './bus-types.ts'
import type { Connection } from './connection.ts'

/** A client's subscription. Subject, queue and sid are wire text (each character a byte). */
export class Subscription {
  readonly kind = 'client'
  readonly connection: Connection
  readonly subject: string
  readonly queue: string | undefined
  readonly sid: string
  /** The sid between blanks, as it stands in MSG: ` 12 `. Equal ones of a route share one buffer. */
  sidBytes: Buffer
  /** Deliveries since SUB. */
  delivered = 0
  /** Removed at this number of deliveries; 0 is never. */
  max = 0
  isClosed = false
  /** Subjects whose messages its user may not get, although it is wide enough. */
  readonly denied: readonly string[]
  /** Nothing has to be asked before a delivery. False with a maximum, a denial, answers to allow, without echo, or when closed. */
  isPlain: boolean

  constructor(connection: Connection, subject: string, queue: string | undefined, sid: string) {
    this.denied = connection.rights?.permissions.deniedWithin(subject, queue) ?? []
    this.connection = connection
    this.subject = subject
    this.queue = queue
    this.sid = sid
    this.sidBytes = Buffer.from(` ${sid} `, 'latin1')
    this.isPlain = connection.echo && this.denied.length === 0 && connection.rights?.mayAnswer !== true
  }
}

/** A handler's subscription inside the server. */
export class HandlerSubscription {
  readonly kind = 'handler'
  readonly subject: string
  readonly handler: InboundHandler
  isClosed = false

  constructor(subject: string, handler: InboundHandler) {
    this.subject = subject
    this.handler = handler
  }
}

/** Whatever lies in the trie. */
export type AnySubscription = Subscription | HandlerSubscription
