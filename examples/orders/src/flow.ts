/** One run of the order flow, from the first order to the evidence of what became of each. */

import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { startDeadLetterRelay } from '@headwater/kit'
import { jetstreamManager } from '@nats-io/jetstream'
import type { NatsConnection } from '@nats-io/transport-node'
import { startApplication } from './app/orders.module.ts'
import { BrokerProcess } from './broker-process.ts'
import { Database, ledgerSchema, ordersSchema } from './database.ts'
import { LedgerProcess } from './ledger-process.ts'
import type { FlowOptions } from './options.ts'
import { makeOrder, poisonKind, WATCHED_CUSTOMER } from './orders.ts'
import { makeProducer } from './producer.ts'
import { Progress } from './progress.ts'
import { auditSince, logDeadLetters, readCustomer, replayFrom } from './readers.ts'
import { type Evidence, type Letter, letter, type Stored, storedMessage } from './reconcile.ts'
import { CREATED, createStreams, DEAD_LETTER, dial, PROCESSOR, patiently, STREAM } from './streams.ts'

export interface FlowResult {
  progress: Progress
  evidence: Evidence
  publishSeconds: number
  processSeconds: number
  /** What was at the other end, by its own words. */
  server: string
}

/** Runs it in `folder`. Rejects when something other than the orders goes wrong; those are for `reconcile`. */
export async function runFlow(options: FlowOptions, folder: string): Promise<FlowResult> {
  const progress = new Progress(options.orders)
  const broker = options.servers ? undefined : await BrokerProcess.start(join(folder, 'broker'), options.broker)
  const servers = options.servers ?? [broker?.url ?? '']
  const nc = await dial(servers, 'order-flow')
  const replicas = options.replicas || (nc.info?.cluster && options.servers ? Math.min(3, options.servers.length) : 1)
  await createStreams(nc, { replicas, replace: options.replace })
  const server = describe(nc)
  progress.note(
    `${server} at ${servers.join(', ')}; ${options.orders} orders, ${replicas === 1 ? 'one copy' : `${replicas} copies`}`,
  )

  const database = new Database(join(folder, 'orders.db'), ordersSchema)
  const relay = isHeadwater(nc)
    ? undefined
    : await startDeadLetterRelay(await dial(servers, 'dead-letter-relay'), {
        stream: STREAM,
        consumer: PROCESSOR,
        subject: DEAD_LETTER,
      })
  const application = await startApplication({ servers, database, progress }, options)
  const ledgerPath = join(folder, 'ledger.db')
  const ledgerProcess = new LedgerProcess(servers, ledgerPath, progress)

  const letters: Letter[] = []
  const deadLetters = await logDeadLetters(nc, (message) => {
    letters.push(letter(message))
    progress.dead = new Set(letters.map((one) => one.identity || one.order)).size
  })
  const customer = { seqs: [] as number[], orders: [] as string[] }
  const customerReader = readCustomer(nc, WATCHED_CUSTOMER, (seq, event) => {
    customer.seqs.push(seq)
    customer.orders.push(event.orderId)
  })

  progress.start()
  try {
    const producer = makeProducer(nc, servers, progress)
    const killer = broker ? killNowAndThen(broker, options.kills, progress) : Promise.resolve()
    const auditing = auditFromTheMiddle(nc, progress)
    const published = producer.run().then(() => progress.seconds)
    const poison = Array.from({ length: options.orders }, (_, index) => poisonKind(index, options.orders)).filter(
      Boolean,
    ).length
    const publishSeconds = await orFail(published, killer, auditing)
    const processed = until('all orders processed', () => progress.processed >= options.orders - poison)
    const processSeconds = await orFail(processed, killer).then(() => progress.seconds)
    await killer
    await until('the dead letters', () => progress.dead >= poison)

    const stored: Stored[] = []
    await replayFrom(nc, 1, (message) => stored.push(storedMessage(message)))
    const last = stored.at(-1)?.seq ?? 0
    await ledgerProcess.finish(last)
    const audit = await auditing
    const fromSeq = producer.acknowledged.get(makeOrder(Math.floor(options.orders / 3), options.orders).id) ?? 1
    const replayed: number[] = []
    await replayFrom(nc, fromSeq, (message) => replayed.push(message.seq))
    const expectedAudit = stored.filter((message) => message.timeMs >= audit.sinceMs).length
    await until('the audit', () => new Set(audit.seqs).size >= expectedAudit)
    const watched = Array.from({ length: options.orders }, (_, index) => index).filter(
      (index) => makeOrder(index, options.orders).customerId === WATCHED_CUSTOMER && !poisonKind(index, options.orders),
    ).length
    await until('the ordered reader', () => customer.seqs.length >= watched)
    const consumer = await settled(nc, relay === undefined ? last : 0)
    await application.close()
    audit.reader.close()
    progress.stop()
    progress.print()
    return {
      progress,
      publishSeconds,
      processSeconds,
      server,
      evidence: {
        orders: options.orders,
        acknowledged: producer.acknowledged,
        complaints: producer.complaints,
        stored,
        database,
        ledger: new Database(ledgerPath, ledgerSchema),
        letters,
        lettersAtLeastOnce: relay !== undefined,
        audit,
        replay: { fromSeq, seqs: replayed },
        customer,
        consumer,
      },
    }
  } finally {
    progress.stop()
    deadLetters.close()
    customerReader.close()
    ledgerProcess.stop()
    await relay?.close()
    await nc.close()
    await broker?.stop()
  }
}

/** SIGKILLs the broker at even steps of the work, each time starting it again on the same data and port. */
async function killNowAndThen(broker: BrokerProcess, kills: number, progress: Progress): Promise<void> {
  for (let kill = 1; kill <= kills; kill++) {
    const at = kill / (kills + 1)
    while (progress.fraction < at) await sleep(5)
    await broker.kill()
    progress.brokerKills += 1
    const startedMs = performance.now()
    await broker.start()
    progress.note(`the broker was killed and is back after ${(performance.now() - startedMs).toFixed(0)} ms`)
  }
}

/** Starts the audit from the moment when half of the orders were acknowledged. */
async function auditFromTheMiddle(nc: NatsConnection, progress: Progress) {
  while (progress.acknowledged < progress.orders / 2) await sleep(5)
  // The broker's clock counts, not ours: the time of a message that it has stored just now.
  const jsm = await patiently(() => jetstreamManager(nc))
  const message = await patiently(() => jsm.streams.getMessage(STREAM, { last_by_subj: CREATED }))
  const since = message?.time ?? new Date()
  const seqs: number[] = []
  const reader = await auditSince(nc, since, (message) => seqs.push(message.seq))
  return { sinceMs: since.getTime(), seqs, reader }
}

/** The consumer's own view, once it has nothing left to do and its floor is at `floor`, or after ten seconds. */
async function settled(nc: NatsConnection, floor: number): Promise<Evidence['consumer']> {
  const jsm = await patiently(() => jetstreamManager(nc))
  const deadline = performance.now() + 10_000
  for (;;) {
    const info = await patiently(() => jsm.consumers.info(STREAM, PROCESSOR))
    const consumer = { pending: info.num_pending, ackPending: info.num_ack_pending, floor: info.ack_floor.stream_seq }
    if ((consumer.pending + consumer.ackPending === 0 && consumer.floor >= floor) || performance.now() > deadline)
      return consumer
    await sleep(100)
  }
}

/** Waits for `condition`, a minute at most: what is missing then is for the reconciliation to name. */
async function until(what: string, condition: () => boolean): Promise<void> {
  const deadline = performance.now() + 60_000
  while (!condition()) {
    if (performance.now() > deadline) {
      console.log(`        gave up waiting for ${what}`)
      return
    }
    await sleep(20)
  }
}

/** The result of `work`, or the first failure of what runs beside it. */
function orFail<T>(work: Promise<T>, ...beside: Promise<unknown>[]): Promise<T> {
  const failures = beside.map(
    (other) =>
      new Promise<never>((_, reject) => {
        other.catch(reject)
      }),
  )
  return Promise.race([work, ...failures])
}

function isHeadwater(nc: NatsConnection): boolean {
  const { server_metadata: metadata } = (nc.info ?? {}) as { server_metadata?: Record<string, string> }
  return metadata?.['headwater.version'] !== undefined
}

function describe(nc: NatsConnection): string {
  return isHeadwater(nc) ? 'Headwater' : `nats-server ${nc.info?.version}`
}
