/** What a server tells its host: typed events, called after the turn in which they happened, so that a listener may do anything. */
import type { Turn } from '../base/clock.ts'
import type { Logger } from '../base/log.ts'
import type { DeadLetterEvent, DeadLetterHeldEvent } from '../jetstream/environment.ts'
import type { RecoveryReport } from '../store/store.ts'

/** Each event with what its listeners get. */
export interface HeadwaterEvents {
  /** A client was closed because it did not take what waited for it. */
  slowConsumer: {
    readonly client: number
    readonly name: string
    readonly address: string
    readonly pendingBytes: number
  }
  /** A write or a sync failed: nothing is acknowledged any more, reads go on; restart to find out what is safe. */
  storageFailed: { readonly cause: Error }
  /** A place on the disk does not hold what was written there: `place` names file, byte and message. Each is told once. */
  damage: { readonly place: string }
  /** What a start found; told once, to listeners that are added before the next turn. */
  recovered: RecoveryReport
  /** A message was given up and is now a dead letter. */
  deadLetter: DeadLetterEvent
  /** A message was given up and its dead letter cannot be written yet: it is held, and tried again. */
  deadLetterHeld: DeadLetterHeldEvent
}

/** The events' names, for the error that names them. */
export const EVENT_NAMES: readonly (keyof HeadwaterEvents)[] = [
  'slowConsumer',
  'storageFailed',
  'damage',
  'recovered',
  'deadLetter',
  'deadLetterHeld',
]

/** A listener of one event. */
export type Listener<E extends keyof HeadwaterEvents> = (event: HeadwaterEvents[E]) => void

/** Listeners by event. */
export class Events {
  readonly #listeners = new Map<keyof HeadwaterEvents, Set<Listener<never>>>()
  readonly #turn: Turn
  readonly #log: Logger

  constructor(turn: Turn, log: Logger) {
    this.#turn = turn
    this.#log = log
  }

  on<E extends keyof HeadwaterEvents>(event: E, listener: Listener<E>): void {
    const listeners = this.#listeners.get(event) ?? new Set()
    this.#listeners.set(event, listeners.add(listener as Listener<never>))
  }

  off<E extends keyof HeadwaterEvents>(event: E, listener: Listener<E>): void {
    this.#listeners.get(event)?.delete(listener as Listener<never>)
  }

  /** Tells the listeners at the end of the turn; one that throws is logged and keeps nobody from hearing. */
  emit<E extends keyof HeadwaterEvents>(event: E, what: HeadwaterEvents[E]): void {
    this.#turn.atEnd(() => {
      for (const listener of this.#listeners.get(event) ?? []) {
        try {
          ;(listener as Listener<E>)(what)
        } catch (error) {
          this.#log.error({ event, error }, 'a listener threw')
        }
      }
    })
  }
}
