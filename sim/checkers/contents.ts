/** Reads what a store holds, for checkers: every living message of a stream, and the progress of its consumers. */
import { timeToMs } from '../../packages/headwater/src/base/time.ts'
import type { ConsumerProgress } from '../../packages/headwater/src/store/consumer-progress.ts'
import { MessageView } from '../../packages/headwater/src/store/message-view.ts'
import type { Store } from '../../packages/headwater/src/store/store.ts'
import { COLD, FOUND, type StreamLog } from '../../packages/headwater/src/store/stream-log.ts'
import { must } from '../trace.ts'

export interface Message {
  readonly seq: number
  readonly subject: string
  readonly headers: string
  readonly body: string
  readonly timeMs: number
  readonly bytes: number
}

export interface StreamContents {
  readonly name: string
  readonly log: StreamLog
  readonly lastSeq: number
  readonly messages: Map<number, Message>
  readonly progress: Map<string, ConsumerProgress>
}

/** Every stream in the store, by name. */
export async function contentsOf(store: Store): Promise<Map<string, StreamContents>> {
  const all = new Map<string, StreamContents>()
  for (const log of store.streams()) {
    const name = nameIn(log.config)
    must(!all.has(name), `the store has two streams with the name ${name}`)
    const messages = new Map<number, Message>()
    for (let seq = log.nextSeq(1); seq !== 0; seq = log.nextSeq(seq + 1)) messages.set(seq, await read(log, seq))
    const progress = new Map(log.consumers().map((consumer) => [nameIn(consumer.config), consumer.progress]))
    all.set(name, { name, log, lastSeq: log.state.lastSeq, messages, progress })
  }
  return all
}

/** The name in a configuration as jetstream stores it: at its top level or one below. */
export function nameIn(config: string): string {
  const parsed = JSON.parse(config)
  for (const one of [parsed, ...Object.values(parsed)] as Record<string, unknown>[]) {
    const name = one?.durable_name ?? one?.name
    if (typeof name === 'string' && name !== '') return name
  }
  throw new Error(`no name in ${config}`)
}

async function read(log: StreamLog, seq: number): Promise<Message> {
  const view = new MessageView()
  let result = log.read(seq, view)
  if (result === COLD) {
    await log.load(seq)
    result = log.read(seq, view)
  }
  must(result === FOUND, `message ${seq} is counted and cannot be read`)
  const headers = Buffer.from(view.headers()).toString('latin1')
  const body = Buffer.from(view.payload()).toString('latin1')
  const overhead = log.storage === 'memory' ? 16 : 30 + (headers ? 4 : 0)
  const bytes = view.subject.length + headers.length + body.length + overhead
  return { seq, subject: view.subject, headers, body, timeMs: timeToMs(view.time()), bytes }
}
