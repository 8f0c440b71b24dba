/** Consumers that acknowledge each message and wait to be told so: pull, push, queue group, and ordered readers. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { JetStreamClient, JsMsg } from '@nats-io/jetstream'
import type { NatsConnection as OldConnection, JsMsg as OldMessage } from 'nats'
import { type ConsumerLedger, Marks, type StreamLedger } from '../ledger.ts'
import { idOf } from '../payload.ts'
import type { World } from '../world.ts'

type Delivered = Pick<JsMsg, 'seq' | 'string'> & { info: { deliveryCount: number } } & Pick<JsMsg, 'ackAck'>

/** Looks at a delivery and sends a double ack. */
export function settle(ledger: ConsumerLedger, message: Delivered): void {
  const { seq } = message
  ledger.see(seq, idOf(message.string()), message.info.deliveryCount)
  ledger.acking(seq)
  message.ackAck({ timeout: 4000 }).then(
    (confirmed) => {
      if (confirmed) ledger.confirmed(seq)
    },
    () => {},
  )
}

/** Keeps `consume` going until the run has drained; it ends with an error when its server was away for too long. */
export async function consumePull(
  world: World,
  js: JetStreamClient,
  stream: string,
  consumer: string,
  callback: (message: JsMsg) => void,
): Promise<void> {
  await again(world, async () => {
    const messages = await (await js.consumers.get(stream, consumer)).consume({
      max_messages: 200,
      expires: 2000,
      callback,
    })
    return { closed: messages.closed(), close: () => messages.close() }
  })
}

/** The same by `fetch`: batches with an end. */
export async function fetchPull(
  world: World,
  js: JetStreamClient,
  stream: string,
  consumer: string,
  onMessage: (message: JsMsg) => void,
): Promise<void> {
  while (!world.drained) {
    try {
      const pulled = await js.consumers.get(stream, consumer)
      while (!world.drained)
        for await (const message of await pulled.fetch({ max_messages: 50, expires: 1000 })) onMessage(message)
    } catch {
      await sleep(100)
    }
  }
}

/** A push consumer; with flow control where its configuration says so. */
export async function consumePush(
  world: World,
  js: JetStreamClient,
  stream: string,
  consumer: string,
  callback: (message: JsMsg) => void,
): Promise<void> {
  await again(world, async () => {
    const messages = await (await js.consumers.getPushConsumer(stream, consumer)).consume({ callback })
    return { closed: messages.closed(), close: () => messages.close() }
  })
}

/** A member of a push consumer's queue group, with the 2.x client, which needs no more than a subscription for it. */
export async function consumeQueue(
  world: World,
  nc: OldConnection,
  stream: string,
  consumer: string,
  onMessage: (message: OldMessage) => void,
): Promise<void> {
  const js = nc.jetstream({ timeout: 4000 })
  while (!world.drained) {
    try {
      const { consumerOpts } = await import('nats')
      const options = consumerOpts()
      options.bind(stream, consumer)
      options.manualAck()
      options.ackExplicit()
      options.queue('workers')
      options.callback((error, message) => {
        if (!error && message) onMessage(message)
      })
      const subscription = await js.subscribe('', options)
      while (!world.drained && !subscription.isClosed()) await sleep(100)
      subscription.unsubscribe()
    } catch {
      await sleep(100)
    }
  }
}

/** Reads a stream from its start, in order, with the 2.x client's ordered consumer, through every restart. */
export class OrderedReader {
  readonly seen = new Marks()
  lastSeq = 0
  readonly #world: World
  readonly #ledger: StreamLedger

  constructor(world: World, ledger: StreamLedger) {
    this.#world = world
    this.#ledger = ledger
  }

  async run(nc: OldConnection): Promise<void> {
    const js = nc.jetstream({ timeout: 4000 })
    await again(this.#world, async () => {
      const consumer = await js.consumers.get(this.#ledger.name, { opt_start_seq: this.lastSeq + 1 } as object)
      let isOpen = true
      const messages = await consumer.consume({
        max_messages: 500,
        expires: 2000,
        callback: (message: OldMessage) => {
          if (isOpen) this.#see(message)
        },
      })
      return {
        closed: messages.closed(),
        close: async () => {
          isOpen = false
          await messages.close()
        },
      }
    })
  }

  #see(message: OldMessage): void {
    const id = idOf(message.string())
    if (id === undefined) this.#world.fault(`ordered reader: a byte of the payload at ${message.seq} is wrong`)
    if (message.seq <= this.lastSeq) this.#world.fault(`ordered reader: ${message.seq} came after ${this.lastSeq}`)
    this.lastSeq = message.seq
    this.seen.set(message.seq, 1)
  }
}

/** Opens, and opens again when it closed or its server forgot it, until the run has drained. */
async function again(
  world: World,
  open: () => Promise<{ closed: Promise<unknown>; close: () => Promise<unknown> }>,
): Promise<void> {
  while (!world.drained) {
    try {
      const one = await open()
      let isClosed = false
      one.closed.then(
        () => (isClosed = true),
        () => (isClosed = true),
      )
      while (!world.drained && !isClosed) await sleep(100)
      await one.close()
    } catch {
      await sleep(100)
    }
  }
}
