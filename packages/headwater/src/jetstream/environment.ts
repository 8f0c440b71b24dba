/** What every part of the engine may use of the world. Passed down at construction; nothing here is global. */
import type { Clock, Turn } from '../base/clock.ts'
import type { Logger } from '../base/log.ts'
import type { Random } from '../base/random.ts'
import type { Bus } from './bus.ts'

/** The world of one engine: the same for all its streams and consumers. */
export interface Environment {
  readonly bus: Bus
  /** Message time: ack_wait, backoff, nak delay, max_age, the duplicate window, inactivity. A test may move it. */
  readonly clock: Clock
  /** Connection time: pull expiry, idle heartbeats, rate limits. Always real (in the simulation: the same virtual clock). */
  readonly realClock: Clock
  readonly random: Random
  readonly turn: Turn
  readonly log: Logger
  readonly serverName: string
  readonly limits: EngineLimits
  /** Told of what the host program may want to know; each call comes once it is readable. */
  readonly events?: EngineEvents
}

/** What happens inside the engine that a program may listen to. Handlers must not throw. */
export interface EngineEvents {
  /** A dead letter is stored, and its original settled. */
  deadLetter?(letter: DeadLetterEvent): void
  /** A dead letter cannot be written now: its original is held, and tried again. */
  deadLetterHeld?(held: DeadLetterHeldEvent): void
}

/** A message that was given up, and the letter that was stored for it. */
export interface DeadLetterEvent {
  /** Of the original. */
  readonly stream: string
  readonly consumer: string
  readonly streamSeq: number
  readonly reason: 'max-deliver' | 'terminated'
  /** What the client said with +TERM, or ''. */
  readonly detail: string
  readonly deliveries: number
  /** Of the letter. */
  readonly subject: string
  readonly letterStream: string
  readonly letterSeq: number
  /** The header Dead-Letter-Id. */
  readonly id: string
}

/** A message that waits for a place for its letter. */
export interface DeadLetterHeldEvent {
  readonly stream: string
  readonly consumer: string
  readonly streamSeq: number
  readonly subject: string
  /** In a sentence. */
  readonly why: string
}

/** Bounds on what clients may ask of the engine; documented where they are options. */
export interface EngineLimits {
  /** Account-wide; -1 is unlimited. */
  readonly maxMemoryBytes: number
  readonly maxStorageBytes: number
  readonly maxStreams: number
  readonly maxConsumers: number
  readonly maxPayloadBytes: number
  /** Replica counts above one: refused as on a single nats-server (default), or accepted and kept, with one copy. */
  readonly replicas?: 'refuse' | 'accept'
}
