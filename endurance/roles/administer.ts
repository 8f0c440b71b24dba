/** An administrator under load: removes and purges messages, makes and deletes consumers, changes descriptions. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { JetStreamManager } from '@nats-io/jetstream'
import type { StreamLedger } from '../ledger.ts'
import type { World } from '../world.ts'

/** What `purge` is asked to remove. */
export const PURGED_SUBJECT = 'endure.limits.purged'
export const PURGED_LANE = 'purged'

export class Administrator {
  readonly #world: World
  readonly #ledger: StreamLedger
  /** Consumers that must be there, must not, and of which nobody knows. */
  readonly #consumers = new Map<string, boolean | undefined>()
  #description: string | undefined
  /** Descriptions whose update was cut off since the last that was confirmed. */
  readonly #maybeDescribed = new Set<string>()
  #number = 0
  #purgedTo = 0

  constructor(world: World, ledger: StreamLedger) {
    this.#world = world
    this.#ledger = ledger
  }

  async run(jsm: JetStreamManager): Promise<void> {
    while (!this.#world.stopping) {
      try {
        const roll = this.#world.random.next()
        if (roll < 0.5) await this.#remove(jsm)
        else if (roll < 0.6) await this.#purge(jsm)
        else if (roll < 0.8) await this.#changeConsumers(jsm)
        else if (roll < 0.9) await this.#describe(jsm)
        else await this.verify(jsm)
      } catch {
        // Cut off: whoever asked has noted that nobody knows.
      }
      await sleep(40)
    }
  }

  async #remove(jsm: JetStreamManager): Promise<void> {
    const seq = this.#ledger.recent[this.#world.random.below(this.#ledger.recent.length)]
    if (seq === undefined || this.#ledger.removal.get(seq) !== 0) return
    this.#ledger.removal.set(seq, 1)
    try {
      await jsm.streams.deleteMessage(this.#ledger.name, seq, false)
    } catch (error) {
      if (/no message found|sequence \d+ not found/.test((error as Error).message))
        this.#world.fault(`LOST: ${this.#ledger.name} ${seq} was acknowledged; its removal finds nothing`)
      throw error
    }
    this.#ledger.removal.set(seq, 2)
    this.#world.counts['messages removed'] += 1
  }

  async #purge(jsm: JetStreamManager): Promise<void> {
    const { acknowledged, removal, lastSeq, name } = this.#ledger
    const affected: number[] = []
    for (let seq = this.#purgedTo; seq < lastSeq; seq++)
      if (acknowledged[seq]?.startsWith(`${PURGED_LANE}-`)) affected.push(seq)
    for (const seq of affected) if (removal.get(seq) === 0) removal.set(seq, 1)
    this.#ledger.purgeAsked = { lane: PURGED_LANE, seq: lastSeq }
    await jsm.streams.purge(name, { filter: PURGED_SUBJECT, seq: lastSeq })
    for (const seq of affected) removal.set(seq, 2)
    this.#purgedTo = Math.max(0, lastSeq - 2000)
    this.#world.counts.purges += 1
  }

  async #changeConsumers(jsm: JetStreamManager): Promise<void> {
    const existing = [...this.#consumers].find(([, exists]) => exists === true)?.[0]
    const name = existing ?? `passing-${this.#number++}`
    this.#consumers.set(name, undefined)
    if (existing !== undefined) await jsm.consumers.delete(this.#ledger.name, name)
    else
      await jsm.consumers.add(this.#ledger.name, { durable_name: name, ack_policy: 'explicit', deliver_policy: 'new' })
    this.#consumers.set(name, existing === undefined)
    this.#world.counts['config changes'] += 1
  }

  async #describe(jsm: JetStreamManager): Promise<void> {
    const description = `description ${this.#number++}`
    this.#maybeDescribed.add(description)
    await jsm.streams.update(this.#ledger.name, { description })
    this.#description = description
    this.#maybeDescribed.clear()
    this.#world.counts['config changes'] += 1
  }

  /** Is every confirmed change still there? Nothing of ours is in flight. */
  async verify(jsm: JetStreamManager): Promise<void> {
    const { config } = await jsm.streams.info(this.#ledger.name)
    if (config.description !== this.#description && !this.#maybeDescribed.has(config.description ?? ''))
      this.#world.fault(`LOST: the description is "${config.description}", confirmed was "${this.#description}"`)
    const found = new Set<string>()
    for await (const info of jsm.consumers.list(this.#ledger.name)) found.add(info.name)
    for (const [name, exists] of this.#consumers) {
      if (exists === true && !found.has(name)) this.#world.fault(`LOST: consumer ${name} was created and is not there`)
      if (exists === false && found.has(name)) this.#world.fault(`consumer ${name} was deleted and is there again`)
      if (exists === false) this.#consumers.delete(name)
    }
  }
}
