/** The load of the kill test, and its memory of what it was promised: acknowledged publishes, removals and consumer acks. */
import {
  type Consumer,
  type JetStreamClient,
  type JetStreamManager,
  type JsMsg,
  jetstream,
  jetstreamManager,
} from '@nats-io/jetstream'
import { connect, type NatsConnection } from '@nats-io/transport-node'

const STREAM = 'KILLED'
const CONSUMER = 'worker'
const WRITERS = 2
const IN_FLIGHT = 100
/** Every so many acknowledged messages one is removed again. */
const REMOVE_EVERY = 101

interface Connected {
  nc: NatsConnection
  js: JetStreamClient
  jsm: JetStreamManager
}

export class KillLoad {
  /** Id -> sequence, from the PubAcks. */
  readonly #acknowledged = new Map<string, number>()
  /** Ids whose publish was cut off: stored or not, nobody knows. */
  #unknown = new Set<string>()
  /** Sequence whose removal was answered -> the life of the broker in which it was. */
  readonly #removed = new Map<number, number>()
  /** Removal asked for, no answer. */
  readonly #maybeRemoved = new Set<number>()
  /** Sequence whose double ack was answered -> the life of the broker in which it was. */
  readonly #settled = new Map<number, number>()
  /** Counts the broker's lives. */
  #life = 0
  readonly #seen = new Set<number>()
  /** Each writer's next number: its messages must stay in this order. */
  readonly #next = new Array<number>(WRITERS).fill(0)
  #faults: string[] = []
  unknownOutcomes = 0

  get acknowledgedRemovals(): number {
    return this.#removed.size
  }

  get confirmedAcks(): number {
    return this.#settled.size
  }

  async setUp(url: string): Promise<void> {
    const { nc, jsm } = await open(url)
    await jsm.streams.add({ name: STREAM, subjects: ['killed.*'], duplicate_window: 3_600_000_000_000 })
    await jsm.consumers.add(STREAM, { durable_name: CONSUMER, ack_policy: 'explicit', ack_wait: 4_000_000_000 })
    await nc.close()
  }

  /** Publishes, removes and consumes until `acknowledgements` more have come, then calls `kill` in the middle of it. */
  async run(url: string, acknowledgements: number, kill: () => Promise<void>): Promise<void> {
    const target = this.#acknowledged.size + acknowledgements
    let killed: Promise<void> | undefined
    const clients = await Promise.all(Array.from({ length: WRITERS + 1 }, () => open(url)))
    const consumer = await clients[WRITERS].js.consumers.get(STREAM, CONSUMER)
    const progress = (): boolean => {
      if (this.#acknowledged.size >= target) killed ??= kill()
      return killed === undefined
    }
    const lanes = Array.from({ length: WRITERS * IN_FLIGHT }, (_, lane) =>
      this.#publish(clients[lane % WRITERS], lane % WRITERS, progress),
    )
    await Promise.all([...lanes, this.#consume(consumer, progress)])
    await killed
    this.#life += 1
    // The broker is gone, so are the sockets; the clients were told not to look for it.
    await Promise.all(clients.map(({ nc }) => nc.close().catch(() => {})))
  }

  async #publish(client: Connected, writer: number, goOn: () => boolean): Promise<void> {
    while (goOn()) {
      const number = this.#next[writer]++
      const id = `${writer}-${number}`
      try {
        const ack = await client.js.publish(`killed.${writer}`, id, { msgID: id, timeout: 20_000 })
        this.#acknowledge(id, ack.seq, ack.duplicate)
        if (this.#acknowledged.size % REMOVE_EVERY === 0) await this.#remove(client, ack.seq)
      } catch {
        if (!this.#acknowledged.has(id)) this.#unknown.add(id)
        this.unknownOutcomes += 1
        return
      }
    }
  }

  async #remove({ jsm }: Connected, seq: number): Promise<void> {
    this.#maybeRemoved.add(seq)
    if (await jsm.streams.deleteMessage(STREAM, seq, false)) {
      this.#removed.set(seq, this.#life)
      this.#maybeRemoved.delete(seq)
    }
  }

  async #consume(consumer: Consumer, goOn: () => boolean): Promise<void> {
    try {
      const messages = await consumer.consume({ max_messages: 200, expires: 5000 })
      for await (const message of messages) {
        this.#see(message)
        if (!goOn()) return
        message.ackAck({ timeout: 20_000 }).then(
          (confirmed) => {
            if (confirmed) this.#settled.set(message.seq, this.#life)
          },
          () => {},
        )
      }
    } catch {
      // Killed.
    }
  }

  #see(message: JsMsg): void {
    // Within one life it may have been on its way already when the ack or the removal was confirmed.
    if ((this.#settled.get(message.seq) ?? this.#life) < this.#life)
      this.#faults.push(`${message.seq} came again after its ack was confirmed`)
    if ((this.#removed.get(message.seq) ?? this.#life) < this.#life)
      this.#faults.push(`${message.seq} came after its removal was confirmed`)
    this.#seen.add(message.seq)
  }

  #acknowledge(id: string, seq: number, duplicate: boolean): void {
    const before = this.#acknowledged.get(id)
    if (before !== undefined && before !== seq) this.#faults.push(`${id} was acknowledged as ${before}, now as ${seq}`)
    if (before !== undefined && !duplicate) this.#faults.push(`${id} was not recognised, and stored again as ${seq}`)
    this.#acknowledged.set(id, seq)
  }

  /** After a restart: what is wrong with what is there, in words. Sends again what was cut off, and some of what was not. */
  async verify(url: string): Promise<string[]> {
    const client = await open(url)
    const stored = await this.#storedIds(client)
    this.#checkStored(stored)
    for (const id of this.#unknown) await this.#again(client, id, stored)
    const known = [...this.#acknowledged.keys()]
    for (const id of known.slice(-50)) await this.#again(client, id, stored)
    for (let index = 0; index < known.length; index += 997) {
      // An old one that was removed may be beyond the number of ids that are kept.
      if (!this.#maybeGone(this.#acknowledged.get(known[index]))) await this.#again(client, known[index], stored)
    }
    this.#unknown = new Set()
    await client.nc.close()
    const faults = this.#faults
    this.#faults = []
    return faults.slice(0, 20)
  }

  /** Publishes `id` again: recognised when it is stored, or was acknowledged, though its message was removed since. */
  async #again({ js }: Connected, id: string, stored: Map<string, number>): Promise<void> {
    const ack = await js.publish(`killed.${id.split('-')[0]}`, id, { msgID: id, timeout: 20_000 })
    const seq = stored.get(id)
    if (seq !== undefined && (!ack.duplicate || ack.seq !== seq)) {
      this.#faults.push(
        `${id} is stored as ${seq}; sent again it was acknowledged as ${ack.seq}, duplicate ${ack.duplicate}`,
      )
    }
    this.#acknowledge(id, ack.seq, ack.duplicate)
  }

  #maybeGone(seq: number | undefined): boolean {
    return seq !== undefined && (this.#removed.has(seq) || this.#maybeRemoved.has(seq))
  }

  #checkStored(stored: Map<string, number>): void {
    for (const [id, seq] of this.#acknowledged) {
      if (this.#maybeGone(seq)) continue
      const found = stored.get(id)
      if (found === undefined) this.#faults.push(`LOST: ${id} was acknowledged as ${seq}`)
      else if (found !== seq) this.#faults.push(`${id} was acknowledged as ${seq} and is stored as ${found}`)
    }
  }

  /** Id -> sequence of everything in the stream; looks at order and repetition on the way. */
  async #storedIds({ js, jsm }: Connected): Promise<Map<string, number>> {
    const stored = new Map<string, number>()
    const { state } = await jsm.streams.info(STREAM)
    if (state.messages === 0) return stored
    const last = new Array<number>(WRITERS).fill(-1)
    let lastSeq = 0
    const consumer = await js.consumers.get(STREAM, {})
    for await (const message of await consumer.consume({ max_messages: 2000, expires: 5000 })) {
      const id = message.string()
      const [writer, number] = id.split('-').map(Number)
      if (message.seq <= lastSeq) this.#faults.push(`${message.seq} comes after ${lastSeq}`)
      if (stored.has(id)) this.#faults.push(`${id} is stored twice: ${stored.get(id)} and ${message.seq}`)
      if (this.#removed.has(message.seq)) this.#faults.push(`${message.seq} is there again after its confirmed removal`)
      // What was cut off and sent again after the restart may stand behind later ones; nothing else may.
      if (number < last[writer] && !this.#resent.has(id))
        this.#faults.push(`${id} stands behind ${writer}-${last[writer]}`)
      last[writer] = Math.max(last[writer], number)
      lastSeq = message.seq
      stored.set(id, message.seq)
      if (message.seq >= state.last_seq || message.info.pending === 0) break
    }
    for (const id of this.#unknown) if (!stored.has(id)) this.#resent.add(id)
    if (stored.size !== state.messages)
      this.#faults.push(`${state.messages} messages by its own count, ${stored.size} read`)
    return stored
  }

  readonly #resent = new Set<string>()

  /** At the end: the consumer must have everything that was neither confirmed nor removed, and nothing that was. */
  async drain(url: string): Promise<string[]> {
    const client = await open(url)
    const consumer = await client.js.consumers.get(STREAM, CONSUMER)
    const stored = await this.#storedIds(client)
    for (;;) {
      const messages = await consumer.fetch({ max_messages: 500, expires: 1000 })
      const acks: Promise<unknown>[] = []
      for await (const message of messages) {
        this.#see(message)
        acks.push(message.ackAck({ timeout: 20_000 }).then(() => this.#settled.set(message.seq, this.#life)))
      }
      await Promise.all(acks)
      const info = await consumer.info()
      if (info.num_pending === 0 && info.num_ack_pending === 0) break
    }
    for (const seq of stored.values()) if (!this.#seen.has(seq)) this.#faults.push(`${seq} never came to the consumer`)
    await client.nc.close()
    return this.#faults.slice(0, 20)
  }
}

async function open(url: string): Promise<Connected> {
  const nc = await connect({ servers: url, reconnect: false })
  return { nc, js: jetstream(nc), jsm: await jetstreamManager(nc, { checkAPI: false }) }
}
