/** The end of a run: every order is looked for in every place where it must be, and in no other. */
import type { JsMsg } from '@nats-io/jetstream'
import type { Database } from './database.ts'
import { makeOrder, messageId, poisonKind, WATCHED_CUSTOMER } from './orders.ts'
import { DEAD_LETTER } from './streams.ts'

/** One line of the result: what was looked at, and what is wrong with it (nothing when all is well). */
export interface Finding {
  what: string
  expected: number
  found: number
  wrong: string[]
}

/** A dead letter as it was read. */
export interface Letter {
  subject: string
  order: string
  messageId: string
  reason: string
  identity: string
}

/** Everything that the run left behind. */
export interface Evidence {
  orders: number
  /** Order id -> sequence, from the acknowledgements. */
  acknowledged: Map<string, number>
  complaints: string[]
  /** All of `orders.created`, as the stream has it now. */
  stored: Stored[]
  database: Database
  ledger: Database
  letters: Letter[]
  /** More than one letter for an order is fine where a relay writes them (at least once). */
  lettersAtLeastOnce: boolean
  audit: { sinceMs: number; seqs: number[] }
  replay: { fromSeq: number; seqs: number[] }
  customer: { seqs: number[]; orders: string[] }
  consumer: { pending: number; ackPending: number; floor: number }
}

export interface Stored {
  seq: number
  order: string
  messageId: string
  timeMs: number
}

export function storedMessage(message: JsMsg): Stored {
  return {
    seq: message.seq,
    order: message.json<{ id: string }>().id,
    messageId: message.headers?.get('Nats-Msg-Id') ?? '',
    timeMs: message.info.timestampNanos / 1_000_000,
  }
}

export function letter(message: JsMsg): Letter {
  return {
    subject: message.subject,
    order: message.json<{ id: string }>().id,
    // The kit's relay publishes with an id of its own, so it keeps the original's under another name.
    messageId: message.headers?.get('Dead-Letter-Header-Nats-Msg-Id') || message.headers?.get('Nats-Msg-Id') || '',
    reason: message.headers?.get('Dead-Letter-Reason') ?? '',
    identity: message.headers?.get('Dead-Letter-Id') ?? '',
  }
}

export function reconcile(evidence: Evidence): Finding[] {
  const all = Array.from({ length: evidence.orders }, (_, index) => ({
    ...makeOrder(index, evidence.orders),
    poison: poisonKind(index, evidence.orders),
  }))
  const good = all.filter((order) => order.poison === undefined)
  const poison = all.filter((order) => order.poison !== undefined)
  const { stored, database, ledger } = evidence
  const findings: Finding[] = []
  const add = (what: string, expected: number, found: number, wrong: string[] = []) => {
    const difference = expected === found || wrong.length > 0 ? [] : [`expected ${expected}, found ${found}`]
    findings.push({ what, expected, found, wrong: [...wrong, ...difference] })
  }

  const acknowledged = [...evidence.acknowledged.keys()]
  add('acknowledged', all.length, acknowledged.length, [
    ...differences(ids(all), acknowledged, 'acknowledged'),
    ...evidence.complaints,
  ])

  add('stored, once, under the acknowledged sequence', all.length, stored.length, [
    ...differences(ids(all), stored.map(orderOf), 'stored'),
    ...stored
      .filter((message) => evidence.acknowledged.get(message.order) !== message.seq)
      .map(
        (message) =>
          `${message.order} is stored as ${message.seq}, acknowledged as ${evidence.acknowledged.get(message.order)}`,
      ),
    ...stored
      .filter((message) => message.messageId !== messageId({ id: message.order, customerId: '' }))
      .map((message) => `${message.order} has lost its message id ("${message.messageId}")`),
    ...unordered(
      stored.map((message) => message.seq),
      'the stream',
    ),
  ])

  const fulfilled = database.all('SELECT order_id AS id FROM fulfilments').map((row) => String(row.id))
  add(
    'processed, exactly once, in the database',
    good.length,
    fulfilled.length,
    differences(ids(good), fulfilled, 'fulfilled'),
  )

  const cents = good.reduce((sum, order) => sum + (order.totalCents ?? 0), 0)
  add('cents that the customers spent', cents, database.number('SELECT sum(spent_cents) FROM customers'))

  const letters = evidence.lettersAtLeastOnce ? distinct(evidence.letters, (one) => one.identity) : evidence.letters
  add('dead letters, with their headers', poison.length, letters.length, [
    ...differences(ids(poison), letters.map(orderOf), 'dead-lettered'),
    ...letters.flatMap((one) => wrongWith(one, poison)),
  ])

  add('unsettled at the consumer', 0, evidence.consumer.pending + evidence.consumer.ackPending)
  const lastSeq = stored.at(-1)?.seq ?? 0
  // A nats-server lets an exhausted message hold the floor back for good; a dead letter settles it.
  if (!evidence.lettersAtLeastOnce) {
    add('its acknowledgement floor', lastSeq, evidence.consumer.floor)
  }

  const entries = ledger.all('SELECT nats_seq AS seq, order_id AS id FROM entries ORDER BY rowid')
  add('ledger entries, in order, after its crashes', all.length, entries.length, [
    ...differences(
      ids(all),
      entries.map((row) => String(row.id)),
      'in the ledger',
    ),
    ...unordered(
      entries.map((row) => Number(row.seq)),
      'the ledger',
    ),
  ])
  add('cents in the ledger', cents, ledger.number('SELECT sum(total_cents) FROM entries'))

  const since = stored
    .filter((message) => message.timeMs >= evidence.audit.sinceMs)
    .map((message) => String(message.seq))
  const audited = distinct(evidence.audit.seqs.map(String), (seq) => seq)
  add('audit from a time', since.length, audited.length, differences(since, audited, 'audited'))

  const after = stored.filter((message) => message.seq >= evidence.replay.fromSeq).map((message) => String(message.seq))
  add('replay from a sequence', after.length, evidence.replay.seqs.length, [
    ...differences(after, evidence.replay.seqs.map(String), 'replayed'),
    ...unordered(evidence.replay.seqs, 'the replay'),
  ])

  const watched = good.filter((order) => order.customerId === WATCHED_CUSTOMER)
  add(`events of ${WATCHED_CUSTOMER}, in order`, watched.length, evidence.customer.orders.length, [
    ...differences(ids(watched), evidence.customer.orders, 'seen'),
    ...unordered(evidence.customer.seqs, 'the ordered reader'),
  ])
  return findings
}

function wrongWith(one: Letter, poison: { id: string; poison: string | undefined }[]): string[] {
  const order = poison.find((candidate) => candidate.id === one.order)
  if (!order) return []
  const wrong: string[] = []
  if (one.subject !== DEAD_LETTER) wrong.push(`the letter of ${one.order} went to ${one.subject}`)
  if (one.messageId !== messageId({ id: one.order, customerId: '' }))
    wrong.push(`the letter of ${one.order} has lost its message id`)
  if (one.reason !== order.poison) wrong.push(`the letter of ${one.order} says "${one.reason}", not "${order.poison}"`)
  return wrong
}

function ids(orders: { id: string }[]): string[] {
  return orders.map((order) => order.id)
}

function orderOf(one: { order: string }): string {
  return one.order
}

function distinct<T>(list: T[], key: (item: T) => string): T[] {
  return [...new Map(list.map((item) => [key(item), item])).values()]
}

/** What is missing, what came twice, what should not be there. */
function differences(expected: string[], found: string[], verb: string): string[] {
  const counts = new Map<string, number>()
  for (const id of found) counts.set(id, (counts.get(id) ?? 0) + 1)
  const wanted = new Set(expected)
  return [
    ...expected.filter((id) => !counts.has(id)).map((id) => `${id} is not ${verb}`),
    ...[...counts].filter(([, count]) => count > 1).map(([id, count]) => `${id} is ${verb} ${count} times`),
    ...[...counts.keys()].filter((id) => !wanted.has(id)).map((id) => `${id} is ${verb} and should not be`),
  ]
}

/** Sequences must rise. */
function unordered(seqs: number[], where: string): string[] {
  const at = seqs.findIndex((seq, index) => index > 0 && seq <= seqs[index - 1])
  return at < 0 ? [] : [`${where} has ${seqs[at]} after ${seqs[at - 1]}`]
}
