/** What was promised: acknowledged publishes and removals of one stream, confirmed acks of one consumer. Only the runner writes here. */
import type { World } from './world.ts'

/** A number for each sequence, 0 until it is set; a few bytes each, for millions. */
export class Marks {
  #values = new Uint16Array(4096)

  get(seq: number): number {
    return this.#values[seq] ?? 0
  }

  set(seq: number, value: number): void {
    if (seq >= this.#values.length) {
      const grown = new Uint16Array(Math.max(seq + 1, this.#values.length * 2))
      grown.set(this.#values)
      this.#values = grown
    }
    this.#values[seq] = value
  }
}

export class StreamLedger {
  readonly name: string
  readonly #world: World
  /** Sequence -> id of what was acknowledged. */
  readonly acknowledged: string[] = []
  readonly #sequences = new Map<string, number>()
  /** Lane -> its last acknowledged sequence. A lane has one publish in flight. */
  readonly #lastOfLane = new Map<string, number>()
  /** Cut off and not sent again: stored or not, nobody knows. */
  readonly unknown = new Set<string>()
  /** Removal was asked for: 1 while nobody answered, 2 once it was confirmed. */
  readonly removal = new Marks()
  /** The newest acknowledged sequences, for spot checks. */
  readonly recent: number[] = []
  lastSeq = 0
  /** A purge below this sequence was asked for, of messages of this lane: an ack that comes later may be of a purged one. */
  purgeAsked = { lane: '', seq: 0 }

  constructor(world: World, name: string) {
    this.#world = world
    this.name = name
  }

  /** Ids are `lane-number`. */
  acknowledge(id: string, seq: number, duplicate: boolean): void {
    const { counts } = this.#world
    counts.acknowledged += 1
    if (duplicate) counts['duplicates suppressed'] += 1
    const before = this.#sequences.get(id)
    if (before !== undefined && before !== seq) this.#fault(`${id} was acknowledged as ${before}, now as ${seq}`)
    if (before !== undefined && !duplicate) this.#fault(`${id} was not recognised, and stored again as ${seq}`)
    const other = this.acknowledged[seq]
    if (other !== undefined && other !== id)
      this.#world.fault(`LOST: ${this.name} ${seq} was acknowledged for ${other}, now for ${id}`)
    const lane = id.slice(0, id.lastIndexOf('-'))
    const last = this.#lastOfLane.get(lane) ?? 0
    if (before === undefined && seq <= last)
      this.#fault(`${id} was stored as ${seq}, behind its predecessor at ${last}`)
    this.#lastOfLane.set(lane, Math.max(last, seq))
    this.#sequences.set(id, seq)
    this.acknowledged[seq] = id
    if (lane === this.purgeAsked.lane && seq < this.purgeAsked.seq && this.removal.get(seq) === 0)
      this.removal.set(seq, 1)
    if (seq > this.lastSeq) this.lastSeq = seq
    this.recent.push(seq)
    if (this.recent.length > 64) this.recent.splice(0, 32)
  }

  seqOf(id: string): number | undefined {
    return this.#sequences.get(id)
  }

  get size(): number {
    return this.#sequences.size
  }

  ids(): IterableIterator<[string, number]> {
    return this.#sequences.entries()
  }

  #fault(text: string): void {
    this.#world.fault(`${this.name}: ${text}`)
  }
}

/** One consumer: which sequences it was given, and in which life of the server the ack of each was confirmed. */
export class ConsumerLedger {
  readonly name: string
  readonly #world: World
  readonly #stream: StreamLedger
  /** 1 once it was delivered, 2 once an ack for it was sent. */
  readonly seen = new Marks()
  /** Life + 1 of the confirmed double ack. */
  readonly settled = new Marks()

  constructor(world: World, stream: StreamLedger, name: string) {
    this.#world = world
    this.#stream = stream
    this.name = name
  }

  /** A delivery came: is it one that may come? */
  see(seq: number, id: string | undefined, deliveryCount: number): void {
    const { counts, life } = this.#world
    counts.deliveries += 1
    if (deliveryCount > 1) counts.redeliveries += 1
    if (id === undefined) this.#world.fault(`${this.name}: a byte of the payload at ${seq} is wrong`)
    const acknowledged = this.#stream.acknowledged[seq]
    if (acknowledged !== undefined && id !== undefined && acknowledged !== id)
      this.#world.fault(`${this.name}: ${seq} was acknowledged for ${acknowledged} and delivered ${id}`)
    // In the same life it may have been on its way when the ack was confirmed.
    const settled = this.settled.get(seq)
    if (settled !== 0 && settled - 1 < life)
      this.#world.fault(`${this.name}: ${seq} came again after its ack was confirmed`)
    if (this.seen.get(seq) === 0) this.seen.set(seq, 1)
  }

  /** An ack is on its way. */
  acking(seq: number): void {
    this.seen.set(seq, 2)
  }

  confirmed(seq: number): void {
    this.#world.counts['double acks confirmed'] += 1
    this.settled.set(seq, this.#world.life + 1)
  }
}
