/** The port from a connection to its broker. */
import type { Clock, Turn } from '../base/clock.ts'
import type { Parser } from '../protocol/parser.ts'
import type { ClosedReason } from '../protocol/protocol-errors.ts'
import type { Account } from './account.ts'
import type { Authenticator } from './auth/authenticator.ts'
import type { Connection } from './connection.ts'
import type { Delivery } from './deliver.ts'
import type { Flusher } from './flusher.ts'
import type { BrokerLimits } from './limits.ts'

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
