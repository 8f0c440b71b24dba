/** What the roles of one run share: where the server is, which life it lives, what was counted and what was wrong. */
import { setTimeout as sleep } from 'node:timers/promises'
import { type JetStreamClient, type JetStreamManager, jetstream, jetstreamManager } from '@nats-io/jetstream'
import { connect, type NatsConnection } from '@nats-io/transport-node'
import { connect as connectOld, type NatsConnection as OldConnection } from 'nats'
import type { Random } from './random.ts'

/** Rows of the table at the end, in this order. */
export interface Counts {
  acknowledged: number
  'unknown outcomes': number
  'duplicates suppressed': number
  deliveries: number
  redeliveries: number
  'double acks confirmed': number
  naks: number
  terminations: number
  'dead letters': number
  'key-value writes': number
  'stale writes refused': number
  'messages removed': number
  purges: number
  'config changes': number
  'spot checks': number
  kills: number
}

/** A connection with its JetStream clients. */
export interface Connected {
  readonly nc: NatsConnection
  readonly js: JetStreamClient
  readonly jsm: JetStreamManager
}

export class World {
  readonly url: string
  readonly random: Random
  /** Counts the server's lives; moves once the next one serves. */
  life = 0
  /** Publishers and the like end when it is set, consumers when `drained` is. */
  stopping = false
  drained = false
  /** A whole stream is gone: there is no point in going on. */
  isHopeless = false
  readonly counts: Counts = {
    acknowledged: 0,
    'unknown outcomes': 0,
    'duplicates suppressed': 0,
    deliveries: 0,
    redeliveries: 0,
    'double acks confirmed': 0,
    naks: 0,
    terminations: 0,
    'dead letters': 0,
    'key-value writes': 0,
    'stale writes refused': 0,
    'messages removed': 0,
    purges: 0,
    'config changes': 0,
    'spot checks': 0,
    kills: 0,
  }
  /** What was wrong, in words: the first hundred. */
  readonly faults: string[] = []
  faultCount = 0
  /** Lost messages among them. */
  lostCount = 0
  readonly #open: { close(): Promise<void> }[] = []

  constructor(url: string, random: Random) {
    this.url = url
    this.random = random
  }

  fault(text: string): void {
    this.faultCount += 1
    if (text.startsWith('LOST')) this.lostCount += 1
    if (this.faults.length < 100) this.faults.push(`life ${this.life}: ${text}`)
  }

  /** A client that comes back by itself, as those of applications do. */
  async connect(): Promise<Connected> {
    const nc = await connect({ servers: this.url, ...PATIENT })
    this.#open.push(nc)
    return { nc, js: jetstream(nc, { timeout: 4000 }), jsm: await this.untilAnswered(() => managerOf(nc)) }
  }

  /** The same with the 2.x client. */
  async connectOld(): Promise<OldConnection> {
    const nc = await connectOld({ servers: this.url, ...PATIENT })
    this.#open.push(nc)
    return nc
  }

  /** Asks again until it is answered, through any number of kills; for what may be asked twice. */
  async untilAnswered<T>(ask: () => Promise<T>): Promise<T> {
    for (let attempt = 0; ; attempt++) {
      try {
        return await ask()
      } catch (error) {
        if (attempt >= 40) throw error
        await sleep(250)
      }
    }
  }

  async closeAll(): Promise<void> {
    await Promise.all(this.#open.map((one) => one.close().catch(() => {})))
  }
}

const PATIENT = {
  maxReconnectAttempts: -1,
  reconnectTimeWait: 20,
  reconnectJitter: 10,
  timeout: 5000,
  pingInterval: 5000,
}

function managerOf(nc: NatsConnection): Promise<JetStreamManager> {
  return jetstreamManager(nc, { checkAPI: false, timeout: 4000 })
}
