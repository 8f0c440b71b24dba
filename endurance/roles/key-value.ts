/** Writers of a key-value bucket: each owns keys and knows what they must hold, by revision. */
import { setTimeout as sleep } from 'node:timers/promises'
import { type KV, type KvEntry, Kvm } from '@nats-io/kv'
import { payloadOf } from '../payload.ts'
import type { Connected, World } from '../world.ts'

/** Entries of a key that the bucket keeps. */
export const HISTORY = 8

interface Written {
  readonly revision: number
  readonly operation: 'PUT' | 'DEL' | 'PURGE'
  readonly value: string
}

export class KeyValueWriter {
  readonly #world: World
  readonly #lane: string
  readonly #keys: string[]
  /** Key -> confirmed writes, oldest first. */
  readonly #written = new Map<string, Written[]>()
  /** Values whose write was cut off. */
  readonly #maybe = new Set<string>()
  /** Keys with a delete or purge that was cut off: a marker more may be there. */
  readonly #maybeMarked = new Set<string>()
  #number = 0
  #kv: KV | undefined

  constructor(world: World, lane: string, keyCount: number) {
    this.#world = world
    this.#lane = lane
    this.#keys = Array.from({ length: keyCount }, (_, index) => `${lane}.key-${index}`)
  }

  async run({ js }: Connected): Promise<void> {
    const kv = await this.#world.untilAnswered(() => new Kvm(js).open('endurance'))
    this.#kv = kv
    while (!this.#world.stopping) {
      const key = this.#keys[this.#world.random.below(this.#keys.length)]
      try {
        if (!(await this.#read(kv, key))) continue
        await this.#write(kv, key)
      } catch {
        this.#world.counts['unknown outcomes'] += 1
        await sleep(30)
        await this.#putUntilKnown(kv, key)
      }
    }
  }

  /** One operation of a random kind. Throws when its outcome is unknown. */
  async #write(kv: KV, key: string): Promise<void> {
    const last = this.#written.get(key)?.at(-1)
    const roll = this.#world.random.next()
    if (roll < 0.06 && last) await this.#mark(kv, key, 'DEL')
    else if (roll < 0.09 && last) await this.#mark(kv, key, 'PURGE')
    else if (roll < 0.2 && last && last.revision > 1) await this.#refused(kv, key, last.revision - 1)
    else if (roll < 0.6 && last) await this.#put(key, (value) => kv.update(key, value, last.revision))
    else await this.#put(key, (value) => kv.put(key, value))
  }

  async #put(key: string, write: (value: string) => Promise<number>): Promise<void> {
    const id = `${this.#lane}-${this.#number++}`
    const value = payloadOf(id)
    this.#maybe.add(value)
    const revision = await write(value)
    this.#maybe.delete(value)
    this.#confirm(key, { revision, operation: 'PUT', value })
  }

  async #mark(kv: KV, key: string, operation: 'DEL' | 'PURGE'): Promise<void> {
    this.#maybeMarked.add(key)
    await (operation === 'DEL' ? kv.delete(key) : kv.purge(key))
    const entry = await this.#world.untilAnswered(() => kv.get(key))
    if (entry === null || entry.operation !== operation)
      this.#fault(`LOST: ${operation} of ${key} was confirmed; it is ${entry?.operation ?? 'absent'}`)
    else {
      if (operation === 'PURGE') this.#written.set(key, [])
      this.#confirm(key, { revision: entry.revision, operation, value: '' })
    }
  }

  /** A compare-and-set against an old revision must be refused. */
  async #refused(kv: KV, key: string, revision: number): Promise<void> {
    const id = `${this.#lane}-${this.#number++}`
    try {
      await kv.update(key, payloadOf(id), revision)
      this.#fault(`${key} was updated against the old revision ${revision}`)
    } catch (error) {
      if (!/wrong last sequence/.test(String((error as Error).message))) throw error
      this.#world.counts['stale writes refused'] += 1
    }
  }

  /** After an unknown outcome: one more value, until one is confirmed. */
  async #putUntilKnown(kv: KV, key: string): Promise<void> {
    for (;;) {
      try {
        await this.#put(key, (value) => kv.put(key, value))
        return
      } catch {
        await sleep(30)
      }
    }
  }

  #confirm(key: string, written: Written): void {
    this.#world.counts['key-value writes'] += 1
    const all = this.#written.get(key) ?? []
    const last = all.at(-1)
    if (last && written.revision <= last.revision)
      this.#fault(`${key}: revision ${written.revision} after ${last.revision}`)
    all.push(written)
    if (all.length > 4 * HISTORY) all.splice(0, 2 * HISTORY)
    this.#written.set(key, all)
  }

  /** True when the key holds what was written last: nothing is in flight now. */
  async #read(kv: KV, key: string): Promise<boolean> {
    const last = this.#written.get(key)?.at(-1)
    if (last === undefined || this.#world.random.chance(0.6)) return true
    let entry: KvEntry | null
    try {
      entry = await kv.get(key)
    } catch {
      await sleep(30)
      return false
    }
    if (entry === null || entry.revision < last.revision)
      this.#fault(`LOST: ${key} was written as revision ${last.revision}; read ${entry?.revision ?? 'nothing'}`)
    else if (entry.revision === last.revision && last.operation === 'PUT' && entry.string() !== last.value)
      this.#fault(`${key}: another value under revision ${last.revision}`)
    else if (entry.revision > last.revision && !this.#mayBe(key, entry))
      this.#fault(`${key}: revision ${entry.revision}, which nobody wrote`)
    return true
  }

  #mayBe(key: string, entry: KvEntry): boolean {
    return entry.operation === 'PUT' ? this.#maybe.has(entry.string()) : this.#maybeMarked.has(key)
  }

  /** At the end: the history of each key. */
  async verify(): Promise<void> {
    const kv = this.#kv
    if (kv === undefined) return
    for (const key of this.#keys) {
      const written = this.#written.get(key) ?? []
      if (written.length === 0) continue
      const found = new Map<number, KvEntry>()
      for await (const entry of await kv.history({ key })) found.set(entry.revision, entry)
      const oldest = found.size < HISTORY ? 0 : Math.min(...found.keys())
      // A purge that was cut off takes earlier entries along: only what came after the oldest found is sure then.
      const from = this.#maybeMarked.has(key) ? Math.min(...found.keys()) : oldest
      const last = written.at(-1)
      for (const one of written.slice(-HISTORY)) {
        const entry = found.get(one.revision)
        if (one.revision < from && one !== last) continue
        if (entry === undefined) this.#fault(`LOST: ${key} revision ${one.revision} is missing from the history`)
        else if (entry.operation !== one.operation || (one.operation === 'PUT' && entry.string() !== one.value))
          this.#fault(`${key}: revision ${one.revision} is not what was written`)
      }
    }
  }

  #fault(text: string): void {
    this.#world.fault(`key-value: ${text}`)
  }
}
