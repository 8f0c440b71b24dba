/** What the API says is what there is: counts, bytes, sequences, and each consumer's pending. */
import type { Clients, Json } from '../client.ts'
import { type Model, wants } from '../model.ts'
import { must } from '../trace.ts'
import type { StreamContents } from './contents.ts'

/** Asks, when the world is quiet; the answers are checked as they come. */
export function checkAccounting(model: Model, contents: Map<string, StreamContents>, clients: Clients): void {
  let bytes = 0
  let consumers = 0
  for (const found of contents.values()) {
    const all = [...found.messages.values()]
    const streamBytes = all.reduce((sum, one) => sum + one.bytes, 0)
    if (found.log.storage === 'file') bytes += streamBytes
    consumers += found.progress.size
    const first = all[0]?.seq ?? found.lastSeq + (found.lastSeq > 0 ? 1 : 0)
    ask(clients, `STREAM.INFO.${found.name}`, (info) => {
      same(`${found.name} state`, pick(info.state), {
        messages: all.length,
        bytes: streamBytes,
        first_seq: first,
        last_seq: found.lastSeq,
        num_subjects: new Set(all.map((one) => one.subject)).size,
        num_deleted: all.length > 0 ? found.lastSeq - first + 1 - all.length : 0,
        consumer_count: found.progress.size,
      })
    })
    for (const name of found.progress.keys()) checkConsumer(model, found, name, clients)
  }
  ask(clients, 'INFO', (info) => {
    same('account', [info.streams, info.consumers, info.storage], [contents.size, consumers, bytes])
  })
}

function checkConsumer(model: Model, found: StreamContents, name: string, clients: Clients): void {
  const consumer = model.streams.get(found.name)?.consumers.get(name)
  const { delivered, pending } = found.progress.get(name)!
  if (consumer?.existence !== 'there' || consumer.uncertain) return
  // Taken now: the answer is computed now, and comes later.
  const title = `consumer ${found.name}/${name}`
  const given = [delivered.consumerSeq, delivered.streamSeq]
  const left = [...found.messages.values()].filter((one) => one.seq > given[1] && wants(consumer, one.subject)).length
  const unsettled = pending.size
  ask(clients, `CONSUMER.INFO.${found.name}.${name}`, (info) => {
    same(`${title} delivered`, [info.delivered.consumer_seq, info.delivered.stream_seq], given)
    if (consumer.config.deliver_policy === 'all') same(`${title} num_pending`, info.num_pending, left)
    same(`${title} num_ack_pending`, info.num_ack_pending, unsettled)
    must(info.ack_floor.stream_seq <= info.delivered.stream_seq, `${title}: its ack floor is beyond its last delivery`)
  })
}

function ask(clients: Clients, subject: string, check: (answer: Json) => void): void {
  clients.api(subject, undefined, (answer) => {
    if (answer === 'lost') return
    must(answer !== 'none', `nobody answers ${subject}`)
    must(!answer.error, () => `${subject}: ${JSON.stringify(answer.error)}`)
    check(answer)
  })
}

function pick(state: Record<string, number>): Record<string, number> {
  const { messages, bytes, first_seq, last_seq, num_subjects = 0, num_deleted = 0, consumer_count } = state
  return { messages, bytes, first_seq, last_seq, num_subjects, num_deleted, consumer_count }
}

function same(what: string, found: unknown, wanted: unknown): void {
  must(
    JSON.stringify(found) === JSON.stringify(wanted),
    () => `${what}: told ${JSON.stringify(found)}, is ${JSON.stringify(wanted)}`,
  )
}
