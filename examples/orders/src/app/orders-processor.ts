/** One of the competing workers: pulls orders, fulfils each once, acknowledges; naks what failed, terminates what can never work. */

import { setTimeout as sleep } from 'node:timers/promises'
import type { ConsumerMessages, JsMsg } from '@nats-io/jetstream'
import { Injectable, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common'
import type { Order } from '../orders.ts'
import { PROCESSOR } from '../streams.ts'
import type { Flow } from './flow.ts'
import type { JetStreamService } from './jet-stream.service.ts'

/** Every so many orders something downstream fails, once. */
const FAILS_EVERY = 23
/** Every so many orders the acknowledgement gets lost after the commit, once. */
const ACK_LOST_EVERY = 97
const RETRY_MS = 100
/** Orders that a worker has in hand at once. */
const IN_HAND = 5

@Injectable()
export class OrdersProcessor implements OnApplicationBootstrap, OnModuleDestroy {
  readonly #flow: Flow
  readonly #jetStream: JetStreamService
  readonly #failed: Set<string>
  #messages: ConsumerMessages | undefined
  #loop: Promise<void> | undefined
  #stopping = false
  /** What is being worked on: while one order waits for the broker, the next goes to the database. */
  readonly #inHand = new Set<Promise<void>>()

  /** `failed` is shared by the workers: what failed once for one of them works for the other. */
  constructor(flow: Flow, jetStream: JetStreamService, failed: Set<string>) {
    this.#flow = flow
    this.#jetStream = jetStream
    this.#failed = failed
  }

  onApplicationBootstrap(): void {
    this.#loop = this.#consume()
  }

  /** Stops pulling, then waits for the messages in hand. What was pulled and not begun is redelivered to someone else. */
  async onModuleDestroy(): Promise<void> {
    this.#stopping = true
    this.#messages?.stop()
    await this.#loop
    await Promise.all(this.#inHand)
  }

  async #consume(): Promise<void> {
    while (!this.#stopping) {
      try {
        const consumer = await this.#jetStream.processor()
        // Few at a time: what lies in this worker's buffer is out of the other's reach, and its ack_wait is running.
        this.#messages = await consumer.consume({ max_messages: 10, expires: 2000 })
        for await (const message of this.#messages) {
          const work: Promise<void> = this.#handle(message).finally(() => this.#inHand.delete(work))
          this.#inHand.add(work)
          if (this.#inHand.size >= IN_HAND) await Promise.race(this.#inHand)
          if (this.#stopping) break
        }
      } catch {
        // No server or no leader at the moment: the durable consumer keeps our place.
        await sleep(100)
      }
    }
  }

  async #handle(message: JsMsg): Promise<void> {
    const { progress } = this.#flow
    if (message.redelivered) progress.redelivered += 1
    const order = message.json<Order>()
    if (order.unsupported) {
      message.term('unsupported order')
      return
    }
    try {
      this.#fulfil(order, message.seq)
      await this.#tell(message, order)
    } catch {
      // Nak rather than let ack_wait run out, and with a delay: at once would burn every attempt in milliseconds.
      message.nak(RETRY_MS)
      return
    }
    const early = this.#flow.progress.processed < this.#flow.progress.orders / 2
    if (early && this.#firstTime(order, ACK_LOST_EVERY, 'ack lost')) return
    message.ack()
  }

  /** Publishes the event, however long the broker is away: that is no fault of the order and must not cost it an attempt. */
  async #tell(message: JsMsg, order: Order): Promise<void> {
    while (!this.#stopping) {
      try {
        return await this.#jetStream.publishProcessed(order)
      } catch {
        message.working()
        await sleep(50)
      }
    }
    throw new Error('stopped before the event was published')
  }

  /** Throws when something downstream failed or the order makes no sense. */
  #fulfil(order: Order, seq: number): void {
    if (this.#firstTime(order, FAILS_EVERY, 'failed')) throw new Error('the warehouse did not answer')
    const { totalCents } = order
    if (totalCents === undefined) throw new Error(`${order.id} has no total`)
    const { database, progress } = this.#flow
    const first = database.runOnce(PROCESSOR, seq, () => {
      database.run('INSERT INTO fulfilments (order_id, total_cents) VALUES (?, ?)', order.id, totalCents)
      database.run(
        'INSERT INTO customers (id, spent_cents) VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET spent_cents = spent_cents + excluded.spent_cents',
        order.customerId,
        totalCents,
      )
    })
    if (first) progress.processed += 1
    else progress.recognised += 1
  }

  /** True once for every so many orders: the made-up trouble of this run. */
  #firstTime(order: Order, every: number, trouble: string): boolean {
    if (Number(order.id.slice(-6)) % every !== every - 1) return false
    const key = `${trouble} ${order.id}`
    if (this.#failed.has(key)) return false
    this.#failed.add(key)
    return true
  }
}
