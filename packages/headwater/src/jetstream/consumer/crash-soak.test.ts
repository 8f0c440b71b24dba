/** Clients that answer anyhow, time that passes, processes that die: what must hold all the same, over many seeds. */
import { describe, expect, it } from 'vitest'
import { SeededRandom } from '../../base/testing/seeded-random.ts'
import { ConsumerRig, type Delivered } from '../testing/consumer-rig.ts'
import { DiskMachine } from '../testing/disk-engine.ts'

const SECOND = 1e9
const MAX_DELIVER = 4
const STEPS = 120

/** What the clients know for sure. */
class Witness {
  /** Sequences whose PubAck came. */
  readonly published = new Map<number, string>()
  /** The highest delivery count seen of each sequence. */
  readonly counts = new Map<number, number>()
  /** Sequences whose double ack was answered. */
  readonly settled = new Set<number>()
  /** Sequences that a client gave an answer which ends them: an ack, or +TERM. */
  readonly ended = new Set<number>()
  readonly faults: string[] = []

  saw(delivery: Delivered): void {
    const { seq, deliveries } = delivery
    const before = this.counts.get(seq) ?? 0
    if (deliveries <= before) this.faults.push(`${seq} was delivered as number ${deliveries} after number ${before}`)
    if (deliveries > MAX_DELIVER) this.faults.push(`${seq} was delivered ${deliveries} times`)
    if (this.settled.has(seq)) this.faults.push(`${seq} was delivered again after its double ack was answered`)
    this.counts.set(seq, deliveries)
  }
}

class Soak {
  readonly random: SeededRandom
  readonly witness = new Witness()
  readonly machine: DiskMachine
  readonly rig: ConsumerRig
  inHand: Delivered[] = []

  private constructor(seed: number, machine: DiskMachine, rig: ConsumerRig) {
    this.random = new SeededRandom(seed)
    this.machine = machine
    this.rig = rig
  }

  static async start(seed: number, retention: 'limits' | 'workqueue' | 'interest'): Promise<Soak> {
    const machine = new DiskMachine(seed, { journalBytes: 64 * 1024 })
    const rig = new ConsumerRig(await machine.start())
    await rig.stream({ name: 'ORDERS', subjects: ['orders'], retention })
    await rig.stream({ name: 'DEAD', subjects: ['dead'] })
    const made = await rig.consumer('ORDERS', 'worker', {
      ack_wait: SECOND,
      max_deliver: MAX_DELIVER,
      max_ack_pending: 8,
      dead_letter: 'dead',
    })
    expect(made.code, JSON.stringify(made)).toBeUndefined()
    return new Soak(seed, machine, rig)
  }

  async step(): Promise<void> {
    const { random, rig } = this
    switch (random.below(12)) {
      case 0:
      case 1:
      case 2:
        for (let i = random.below(4); i >= 0; i--) this.#publish(`m${random.below(1_000_000)}`)
        break
      case 3:
      case 4:
      case 5:
        await this.#pull(1 + random.below(5))
        break
      case 6:
      case 7:
      case 8:
        this.#answer()
        break
      case 9:
        await rig.engine.pass(random.below(3000))
        break
      case 10:
        await rig.engine.pass(random.below(3))
        break
      default:
        if (random.below(4) === 0) await this.#crash()
    }
  }

  /** Everything is answered until nothing is left to deliver, to hold or to wait for. */
  async drain(): Promise<void> {
    for (let round = 0; round < 60; round++) {
      await this.rig.engine.pass(2000)
      await this.#pull(20)
      for (const delivery of this.inHand.splice(0)) {
        this.rig.engine.send(delivery.reply, '+ACK')
        this.witness.ended.add(delivery.seq)
      }
      await this.rig.engine.pass(100)
      const { num_pending, num_ack_pending, dead_letters } = await this.rig.info('ORDERS', 'worker')
      if (num_pending + num_ack_pending === 0 && !dead_letters) return
    }
    this.witness.faults.push('it never came to rest')
  }

  #publish(text: string): void {
    const { engine } = this.rig
    const inbox = `_INBOX.publish.${text}.${engine.clock.now()}`
    engine.bus.listen(inbox, ({ payload }) => {
      const { seq } = JSON.parse(new TextDecoder().decode(payload))
      this.witness.published.set(seq, text)
    })
    engine.bus.send('orders', inbox, new Uint8Array(0), new TextEncoder().encode(text))
  }

  async #pull(batch: number): Promise<void> {
    const { got, end } = this.rig.ask('ORDERS', 'worker', { batch, expires: SECOND })
    await this.rig.engine.pass(this.random.below(40))
    end()
    for (const delivery of got) {
      if (delivery.status !== '') continue
      this.witness.saw(delivery)
      this.inHand.push(delivery)
    }
  }

  #answer(): void {
    const { random, witness } = this
    const { engine } = this.rig
    if (this.inHand.length === 0) return
    const [delivery] = this.inHand.splice(random.below(this.inHand.length), 1)
    switch (random.below(7)) {
      case 0:
        witness.ended.add(delivery.seq)
        engine.send(delivery.reply)
        break
      case 1: {
        witness.ended.add(delivery.seq)
        const inbox = `_INBOX.answer.${delivery.reply}`
        // A late one is answered too, and changes nothing (rule 13): it proves nothing.
        const { pending, held } = engine.jetstream.stream('ORDERS')!.log.consumers()[0].progress
        const isLate = !pending.has(delivery.seq) && !held.has(delivery.seq)
        engine.bus.listen(inbox, () => {
          if (!isLate) witness.settled.add(delivery.seq)
        })
        engine.bus.send(delivery.reply, inbox, new Uint8Array(0), new Uint8Array(0))
        break
      }
      case 2:
        witness.ended.add(delivery.seq)
        engine.send(delivery.reply, '+TERM bad')
        break
      case 3:
        engine.send(delivery.reply, '-NAK 500ms')
        break
      case 4:
        engine.send(delivery.reply, '+WPI')
        this.inHand.push(delivery)
        break
      default:
        engine.send(delivery.reply, '-NAK')
    }
  }

  async #crash(): Promise<void> {
    const { rig, random, machine } = this
    rig.engine = await machine.crash(random.below(2) === 0 ? 'kill' : 'power')
    rig.listenToEvents()
    // Who held a message may answer it still, or is gone with the process.
    this.inHand = this.inHand.filter(() => random.below(2) === 0)
  }
}

describe('whatever happens', () => {
  it.each(['limits', 'workqueue', 'interest'] as const)(
    'every message of a %s stream ends once',
    async (retention) => {
      for (let seed = 1; seed <= 12; seed++) {
        const soak = await Soak.start(seed, retention)
        for (let i = 0; i < STEPS; i++) await soak.step()
        await soak.drain()
        const { witness, rig } = soak
        const dead = rig.engine.jetstream.stream('DEAD')!.log.state
        const lettered: number[] = []
        for (let seq = Math.max(1, dead.firstSeq); seq <= dead.lastSeq; seq++) {
          const headers = await rig.headers('DEAD', seq)
          lettered.push(Number(headers['Dead-Letter-Sequence']))
        }
        const where = `${retention}, seed ${seed}`
        expect(witness.faults, where).toEqual([])
        expect(new Set(lettered).size, `${where}: one letter each, of [${lettered}]`).toBe(lettered.length)
        for (const seq of witness.published.keys()) {
          const ended = witness.ended.has(seq) || lettered.includes(seq)
          expect(ended, `${where}: message ${seq} was neither answered nor lettered`).toBe(true)
        }
        for (const seq of witness.settled)
          expect(lettered.includes(seq), `${where}: ${seq} settled and lettered`).toBe(false)
        if (retention !== 'limits') expect(rig.engine.jetstream.stream('ORDERS')!.log.state.messages, where).toBe(0)
      }
    },
    60_000,
  )
})
