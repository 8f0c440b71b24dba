/** The engine alone, for tests: memory bus, memory store, a clock and a turn that the test moves. */
import { type Logger, silentLogger } from '../../base/log.ts'
import { ManualTurn } from '../../base/testing/manual-turn.ts'
import { SeededRandom } from '../../base/testing/seeded-random.ts'
import { elapse } from '../../base/testing/settle.ts'
import { VirtualClock } from '../../base/testing/virtual-clock.ts'
import { buildHeaders } from '../../protocol/headers.ts'
import { openMemoryStore } from '../../store/memory-store.ts'
import type { Store } from '../../store/store.ts'
import type { EngineLimits, Environment } from '../environment.ts'
import { JetStream } from '../jetstream.ts'
import { MemoryBus, type Received } from './memory-bus.ts'

const UNLIMITED: EngineLimits = {
  maxMemoryBytes: -1,
  maxStorageBytes: -1,
  maxStreams: -1,
  maxConsumers: -1,
  maxPayloadBytes: 1024 * 1024,
}

/** A reply, decoded; `status` is the first header line's, when there is one. */
export interface Reply {
  // biome-ignore lint/suspicious/noExplicitAny: tests look into whatever JSON comes back
  readonly json: any
  readonly text: string
  readonly headers: string
}

/** What an engine stands on, when it is not the default: a store with the clock and the turn that drive it. */
export interface TestWorld {
  readonly clock: VirtualClock
  readonly turn: ManualTurn
  readonly store: Store
}

/** How long a reply may take, in milliseconds of virtual time: a simulated disk is slow. */
const REPLY_MS = 200

export class TestEngine {
  readonly bus: MemoryBus = new MemoryBus()
  readonly clock: VirtualClock
  readonly turn: ManualTurn
  readonly env: Environment
  readonly store: Store
  jetstream: JetStream
  #inbox = 0

  constructor(options: { limits?: Partial<EngineLimits>; log?: Logger } & Partial<TestWorld> = {}) {
    this.clock = options.clock ?? new VirtualClock()
    this.turn = options.turn ?? new ManualTurn()
    this.store = options.store ?? openMemoryStore({ clock: this.clock, turn: this.turn })
    this.env = {
      bus: this.bus,
      clock: this.clock,
      realClock: this.clock,
      random: new SeededRandom(1),
      turn: this.turn,
      log: options.log ?? silentLogger,
      serverName: 'test',
      limits: { ...UNLIMITED, ...options.limits },
    }
    this.jetstream = JetStream.open(this.env, this.store)
  }

  /** Ends turns until nothing waits for one. */
  endTurns(): void {
    while (this.turn.run() > 0) {}
  }

  /** Lets `ms` of time pass, with all turns and timers in it. */
  async pass(ms: number): Promise<void> {
    await elapse(this, ms)
  }

  /** Calls the API; `subject` without `$JS.API.`. */
  async api(subject: string, body: unknown = ''): Promise<Reply> {
    return this.request(`$JS.API.${subject}`, typeof body === 'string' ? body : JSON.stringify(body))
  }

  /** Publishes with a reply subject and gives the first reply; throws when nobody listens or nobody answers. */
  async request(subject: string, payload = '', headers: [string, string][] = []): Promise<Reply> {
    const inbox = `_INBOX.test.${++this.#inbox}`
    let got: Received | undefined
    const subscription = this.bus.listen(inbox, (message) => (got ??= message))
    const block = headers.length > 0 ? buildHeaders(headers) : new Uint8Array(0)
    const heard = this.bus.send(subject, inbox, block, new TextEncoder().encode(payload))
    if (heard === 0) throw new Error(`no responders: ${subject}`)
    for (let ms = 0; !got && ms < REPLY_MS; ms++) await this.pass(ms === 0 ? 0 : 1)
    subscription.unsubscribe()
    if (!got) throw new Error(`no reply from ${subject}`)
    const text = new TextDecoder().decode(got.payload)
    return {
      text,
      headers: new TextDecoder().decode(got.headers),
      json: text.startsWith('{') ? JSON.parse(text) : undefined,
    }
  }

  /** Publishes without a reply. */
  send(subject: string, payload = '', headers: [string, string][] = []): void {
    const block = headers.length > 0 ? buildHeaders(headers) : new Uint8Array(0)
    this.bus.send(subject, '', block, new TextEncoder().encode(payload))
  }

  /** Stops the engine and opens it again on the same store, as after a restart. */
  async restart(): Promise<void> {
    this.jetstream.close()
    this.jetstream = JetStream.open(this.env, this.store)
    await this.jetstream.ready
  }
}
