/** Reads what a store holds, for checkers: every living message of a stream, and the progress of its consumers. */
import { timeToMs } from '../../packages/headwater/src/base/time.ts'
import type { ConsumerProgress } from '../../packages/headwater/src/store/consumer-progress.ts'
import { MessageView } from '../../packages/headwater/src/store/message-view.ts'
import type { Store } from '../../packages/headwater/src/store/store.ts'
import { FOUND, MISSING, type StreamLog } from '../../packages/headwater/src/store/stream-log.ts'
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
  /** What lies beyond was appended since the start, by the engine itself, and may be lost yet. */
  readonly readableSeq: number
  readonly messages: Map<number, Message>
  readonly progress: Map<string, ConsumerProgress>
}

/** Every stream in the store, by name, as of one moment: what is cold is loaded first. */
export async function contentsOf(store: Store): Promise<Map<string, StreamContents>> {
  // What was read once stays as it was: the store keeps only a part of what is cold in memory.
  const known = new Map<StreamLog, Map<number, Message>>()
  for (let attempt = 0; attempt < 20; attempt++) {
    const cold: [log: StreamLog, seq: number][] = []
    const all = new Map<string, StreamContents>()
    for (const log of store.streams()) {
      const name = nameIn(log.config)
      must(!all.has(name), `the store has two streams with the name ${name}`)
      const messages = new Map<number, Message>()
      for (let seq = log.nextSeq(1); seq !== 0; seq = log.nextSeq(seq + 1)) {
        const message = read(log, seq) ?? known.get(log)?.get(seq)
        if (message) messages.set(seq, message)
        else cold.push([log, seq])
      }
      const progress = new Map(log.consumers().map((consumer) => [nameIn(consumer.config), consumer.progress]))
      all.set(name, { name, log, lastSeq: log.state.lastSeq, readableSeq: log.readableSeq, messages, progress })
    }
    if (cold.length === 0) return all
    for (const [log, seq] of cold) {
      await log.load(seq)
      const message = read(log, seq)
      const ofLog = known.get(log) ?? new Map<number, Message>()
      if (message) known.set(log, ofLog.set(seq, message))
    }
  }
  throw new Error('what was loaded is always cold again')
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

/** Undefined when the message is on disk and not in memory, or left meanwhile. */
function read(log: StreamLog, seq: number): Message | undefined {
  const view = new MessageView()
  const result = log.read(seq, view)
  must(result !== MISSING || log.nextSeq(seq) !== seq, `message ${seq} is counted and cannot be read`)
  if (result !== FOUND) return undefined
  const headers = Buffer.from(view.headers()).toString('latin1')
  const body = Buffer.from(view.payload()).toString('latin1')
  const overhead = log.storage === 'memory' ? 16 : 30 + (headers ? 4 : 0)
  const bytes = view.subject.length + headers.length + body.length + overhead
  return { seq, subject: view.subject, headers, body, timeMs: timeToMs(view.time()), bytes }
}
