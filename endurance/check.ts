/** The judgement: what is there against what was promised. Reads through an official client, trusts only the ledgers. */
import type { StoredMsg } from '@nats-io/jetstream'
import type { ConsumerLedger, StreamLedger } from './ledger.ts'
import { idOf } from './payload.ts'
import { treatmentOf } from './roles/work.ts'
import { DELIVERIES_MAX, LETTERS } from './setup.ts'
import type { Connected, World } from './world.ts'

/** After a restart: the newest acknowledged messages, and some old ones. The load goes on meanwhile. */
export async function spotCheck(
  world: World,
  { jsm }: Connected,
  ledger: StreamLedger,
  recent: number[],
): Promise<void> {
  const picked = new Set(recent.slice(-16))
  for (let count = 0; count < 8; count++) picked.add(1 + world.random.below(Math.max(1, ledger.lastSeq)))
  for (const seq of picked) {
    const id = ledger.acknowledged[seq]
    if (id === undefined) continue
    let message: StoredMsg | null
    try {
      message = await jsm.streams.getMessage(ledger.name, { seq })
    } catch (error) {
      const { message: text } = error as Error
      if (/stream not found/.test(text)) {
        world.fault(`LOST: ${ledger.name} itself is gone after a restart`)
        world.isHopeless = true
      }
      if (!/no message found/.test(text)) return
      message = null
    }
    world.counts['spot checks'] += 1
    const removal = ledger.removal.get(seq)
    if (message === null && removal === 0) world.fault(`LOST: ${ledger.name} ${seq} (${id}) is gone after a restart`)
    if (message !== null && idOf(message.string()) !== id)
      world.fault(`${ledger.name}: ${seq} holds "${message.string().slice(0, 40)}", acknowledged was ${id}`)
  }
}

/** Everything in the stream, in order, against the ledger. `keeps`: how many a bounded stream keeps. */
export async function checkStream(world: World, client: Connected, ledger: StreamLedger, keeps = 0): Promise<number> {
  const { state } = await client.jsm.streams.info(ledger.name)
  const found = new Set<number>()
  const ids = new Set<string>()
  await readAll(client, ledger.name, (seq, payload) => {
    const id = idOf(payload)
    if (id === undefined) world.fault(`${ledger.name}: a byte of the payload at ${seq} is wrong`)
    else {
      const acknowledged = ledger.seqOf(id)
      if (ids.has(id)) world.fault(`${ledger.name}: ${id} is stored twice`)
      if (acknowledged !== undefined && acknowledged !== seq)
        world.fault(`${ledger.name}: ${id} was acknowledged as ${acknowledged} and is stored as ${seq}`)
      if (acknowledged === undefined && !ledger.unknown.has(id)) world.fault(`${ledger.name}: nobody published ${id}`)
      ids.add(id)
    }
    if (ledger.removal.get(seq) === 2) world.fault(`${ledger.name}: ${seq} is there after its confirmed removal`)
    found.add(seq)
  })
  if (found.size !== state.messages)
    world.fault(`${ledger.name}: ${state.messages} messages by its own count, ${found.size} read`)
  if (keeps > 0 && found.size > keeps) world.fault(`${ledger.name}: keeps ${found.size}, more than ${keeps}`)
  for (const [id, seq] of ledger.ids()) {
    const isOut = keeps > 0 && seq <= state.last_seq - keeps
    if (!found.has(seq) && ledger.removal.get(seq) === 0 && !isOut)
      world.fault(`LOST: ${ledger.name} ${seq} (${id}) was acknowledged`)
  }
  return found.size
}

/** Every message that was acknowledged came to the consumer, unless it was removed. */
export function checkConsumer(
  world: World,
  stream: StreamLedger,
  seen: { get(seq: number): number },
  name: string,
  lane = '',
): void {
  for (const [id, seq] of stream.ids())
    if (id.startsWith(lane) && seen.get(seq) === 0 && stream.removal.get(seq) === 0)
      world.fault(`LOST: ${stream.name} ${seq} (${id}) never came to ${name}`)
}

/** The queue is empty, and each of its messages was acknowledged or is a letter, once, as the rules say. */
export async function checkWork(
  world: World,
  client: Connected,
  stream: StreamLedger,
  consumers: { letters: ConsumerLedger; plain: ConsumerLedger },
): Promise<void> {
  const { state } = await client.jsm.streams.info(stream.name)
  if (state.messages !== 0) world.fault(`${stream.name}: ${state.messages} messages were left in the queue`)
  const letters = new Map<number, number>()
  await readAll(client, LETTERS, (_seq, payload, header) => {
    world.counts['dead letters'] += 1
    const id = idOf(payload)
    const from = Number(header('Dead-Letter-Sequence'))
    if (id === undefined || stream.seqOf(id) !== from || header('Dead-Letter-Stream') !== stream.name)
      world.fault(`a letter of ${from} does not hold what ${stream.name} had: ${payload.slice(0, 40)}`)
    else if (!id.startsWith('letters')) world.fault(`${id} became a letter of a consumer that has none`)
    letters.set(from, (letters.get(from) ?? 0) + 1)
    const settled = consumers.letters.settled.get(from)
    if (settled !== 0) world.fault(`${stream.name} ${from}: its ack was confirmed, and it is a letter`)
    if (header('Dead-Letter-Reason') === 'max-deliver' && Number(header('Dead-Letter-Deliveries')) < DELIVERIES_MAX)
      world.fault(`${stream.name} ${from}: a letter after ${header('Dead-Letter-Deliveries')} deliveries`)
  })
  for (const [id, seq] of stream.ids()) {
    const count = letters.get(seq) ?? 0
    const treatment = treatmentOf(id)
    if (!id.startsWith('letters')) {
      if (consumers.plain.seen.get(seq) !== 2) world.fault(`LOST: ${stream.name} ${seq} (${id}) left the queue unseen`)
      continue
    }
    if (count > 1) world.fault(`${stream.name} ${seq} (${id}) has ${count} letters`)
    if ((treatment === 'poison' || treatment === 'term') && count !== 1)
      world.fault(`LOST: ${stream.name} ${seq} (${id}, ${treatment}) has ${count} letters`)
    if (count === 0 && consumers.letters.seen.get(seq) !== 2)
      world.fault(
        `LOST: ${stream.name} ${seq} (${id}, ${treatment}) is in neither queue nor letters, and was not acknowledged`,
      )
  }
}

async function readAll(
  { js, jsm }: Connected,
  stream: string,
  visit: (seq: number, payload: string, header: (key: string) => string) => void,
): Promise<void> {
  const { state } = await jsm.streams.info(stream)
  if (state.messages === 0) return
  const consumer = await js.consumers.get(stream, {})
  let lastSeq = 0
  for await (const message of await consumer.consume({ max_messages: 2000, expires: 5000 })) {
    if (message.seq <= lastSeq) throw new Error(`${stream}: ${message.seq} was read after ${lastSeq}`)
    lastSeq = message.seq
    visit(message.seq, message.string(), (key) => message.headers?.get(key) ?? '')
    if (message.seq >= state.last_seq || message.info.pending === 0) break
  }
}
