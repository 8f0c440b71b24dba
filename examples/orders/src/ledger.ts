/**
 * A process of its own that keeps a ledger of every order. Each entry and the sequence it came from are one transaction, so
 * after a crash it reads on from exactly there, with no consumer state on the server. It can be told to kill itself.
 *
 * Arguments: servers, database, die after so many entries (0: never), and where: before-commit or after-commit.
 * Tells its parent { seq, entries }; is told { until: seq } once the last order's sequence is known, and then ends.
 */

import { setTimeout as sleep } from 'node:timers/promises'
import { DeliverPolicy, jetstream, type OrderedConsumerOptions } from '@nats-io/jetstream'
import { Database, ledgerSchema } from './database.ts'
import type { Order } from './orders.ts'
import { CREATED, dial, patiently, STREAM } from './streams.ts'

const [servers, path, dieAfter, dieWhere] = process.argv.slice(2)
const database = new Database(path, ledgerSchema)
const nc = await dial(servers.split(','), 'ledger')
const js = jetstream(nc)

let position = database.number('SELECT nats_seq FROM position')
let entries = database.number('SELECT count(*) FROM entries')
let applied = 0
let until = Number.POSITIVE_INFINITY

process.on('message', (message: { until: number }) => {
  until = message.until
  endWhenDone()
})
report()

while (position < until) {
  try {
    const options: Partial<OrderedConsumerOptions> = { filter_subjects: [CREATED] }
    if (position > 0) {
      options.deliver_policy = DeliverPolicy.StartSequence
      options.opt_start_seq = position + 1
    }
    const consumer = await patiently(() => js.consumers.get(STREAM, options))
    for await (const message of await consumer.consume({ max_messages: 500, expires: 2000 })) {
      apply(message.seq, message.json<Order>())
      endWhenDone()
    }
  } catch {
    // No server at the moment. The database knows where we are.
    await sleep(100)
  }
}

function apply(seq: number, order: Order): void {
  applied += 1
  const dying = applied === Number(dieAfter)
  database.transaction(() => {
    database.run(
      'INSERT INTO entries (nats_seq, order_id, total_cents) VALUES (?, ?, ?)',
      seq,
      order.id,
      order.totalCents ?? 0,
    )
    database.run('UPDATE position SET nats_seq = ?', seq)
    if (dying && dieWhere === 'before-commit') process.kill(process.pid, 'SIGKILL')
  })
  if (dying) process.kill(process.pid, 'SIGKILL')
  position = seq
  entries += 1
  if (entries % 100 === 0) report()
}

function report(): void {
  process.send?.({ seq: position, entries })
}

function endWhenDone(): void {
  if (position < until) return
  report()
  database.close()
  process.exit(0)
}
