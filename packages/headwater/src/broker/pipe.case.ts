/** For tests of the broker without sockets: a transport whose other end is the test, and a broker on a clock that the test moves. */
import { ManualTurn } from '../base/testing/manual-turn.ts'
import { SeededRandom } from '../base/testing/seeded-random.ts'
import { VirtualClock } from '../base/testing/virtual-clock.ts'
import { Broker, type BrokerListener, type BrokerOptions } from './broker.ts'
import type { Transport, TransportPeer } from './transport.ts'

/** The test's end of one connection. What the broker writes is collected as latin1 text. */
export class Pipe implements Transport {
  readonly remoteAddress = '127.0.0.1'
  readonly remotePort = 4
  peer!: TransportPeer
  /** While true, a write is not taken until `drain`. */
  isBlocked = false
  isEnded = false
  isDestroyed = false
  /** The broker asked for no more bytes. */
  isPaused = false
  writes = 0
  #inFlight: readonly Buffer[] = []
  #got = ''
  readonly #flush: () => void

  /** `flush` ends the broker's turn. */
  constructor(flush: () => void) {
    this.#flush = flush
  }

  write(parts: readonly Buffer[]): boolean {
    if (this.#inFlight.length > 0) throw new Error('a second write while one is in flight')
    this.writes++
    if (this.isBlocked) {
      this.#inFlight = parts
      return false
    }
    this.#take(parts)
    return true
  }

  resume(): void {
    this.isPaused = false
  }

  end(): void {
    this.isEnded = true
  }

  destroy(): void {
    this.isDestroyed = true
  }

  /** The peer takes the write in flight. Its bytes are looked at only now: they must still be there. */
  drain(): void {
    const parts = this.#inFlight
    this.#inFlight = []
    this.#take(parts)
    this.peer.drained()
  }

  /** Lines to the broker; CR LF is added. */
  send(...lines: string[]): void {
    this.isPaused = !this.peer.receive(Buffer.from(lines.map((line) => `${line}\r\n`).join(''), 'latin1'))
  }

  /** What came since the last look, once the turn is over. */
  got(): string {
    this.#flush()
    const got = this.#got
    this.#got = ''
    return got
  }

  #take(parts: readonly Buffer[]): void {
    for (const part of parts) this.#got += part.toString('latin1')
  }
}

/** A broker whose time and turns the test owns. */
export interface BrokerBench {
  readonly broker: Broker
  readonly clock: VirtualClock
  readonly turn: ManualTurn
  /** What the listener heard, as text. */
  readonly events: string[]
  /** A connection that was greeted and sent CONNECT with these fields; without fields it sent nothing. */
  connect(options?: Record<string, unknown>): Pipe
  /** Runs turns until nothing is asked for. */
  flush(): void
  /** Ends every connection from the peer's side. */
  end(): void
}

/** Starts one; `seed` makes the queue groups' choices repeatable. */
export function brokerBench(options: Partial<BrokerOptions> = {}, seed = 1): BrokerBench {
  const clock = new VirtualClock()
  const turn = new ManualTurn()
  const events: string[] = []
  const listener: BrokerListener = {
    connectionOpened: ({ id }) => events.push(`opened ${id}`),
    connectionClosed: ({ id }, reason) => events.push(`closed ${id} ${reason}`),
    slowConsumer: ({ id }) => events.push(`slow ${id}`),
  }
  const broker = new Broker({ clock, turn, random: new SeededRandom(seed), listener, ...options })
  const flush = (): void => {
    while (turn.run() > 0);
  }
  const pipes: Pipe[] = []
  return {
    broker,
    clock,
    turn,
    events,
    flush,
    end() {
      flush()
      for (const pipe of pipes) pipe.peer.ended(new Error('the test is over'))
      flush()
    },
    connect(fields) {
      const pipe = new Pipe(flush)
      pipe.peer = broker.accept(pipe)
      pipes.push(pipe)
      pipe.got()
      if (fields !== undefined) pipe.send(`CONNECT ${JSON.stringify({ verbose: false, pedantic: false, ...fields })}`)
      return pipe
    },
  }
}
