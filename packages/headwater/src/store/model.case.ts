/** The naive log that real ones are compared with: an array of messages, every answer by looking at all of them. */
import { timeFromMs } from '../base/time.ts'
import { subjectMatches } from '../protocol/subject.ts'
import { MessageView } from './message-view.ts'
import type { LogState, StreamLog } from './stream-log.ts'
import { FOUND, MISSING } from './stream-log.ts'

export interface ModelMessage {
  seq: number
  subject: string
  headers: string
  payload: string
  flags: number
  timeMs: number
}

export class ModelLog {
  readonly storage: 'file' | 'memory'
  messages: ModelMessage[] = []
  last = 0
  lastTimeMs = 0

  constructor(storage: 'file' | 'memory') {
    this.storage = storage
  }

  append(subject: string, headers: string, payload: string, flags: number, nowMs: number): number {
    this.lastTimeMs = Math.max(this.lastTimeMs, nowMs)
    this.messages.push({ seq: ++this.last, subject, headers, payload, flags, timeMs: this.lastTimeMs })
    return this.last
  }

  skipTo(last: number): void {
    this.last = Math.max(this.last, last)
  }

  remove(seq: number): boolean {
    const before = this.messages.length
    this.messages = this.messages.filter((m) => m.seq !== seq)
    return this.messages.length < before
  }

  removeBelow(seq: number): number {
    const before = this.messages.length
    this.messages = this.messages.filter((m) => m.seq >= seq)
    this.skipTo(seq - 1)
    return before - this.messages.length
  }

  matching(patterns?: readonly string[]): ModelMessage[] {
    return this.messages.filter((m) => !patterns || patterns.some((p) => subjectMatches(p, m.subject)))
  }

  get first(): number {
    return this.messages[0]?.seq ?? (this.last === 0 ? 0 : this.last + 1)
  }

  size(message: ModelMessage): number {
    const bytes = message.subject.length + message.headers.length + message.payload.length
    if (this.storage === 'memory') return bytes + 16
    return bytes + 30 + (message.headers.length > 0 ? 4 : 0)
  }

  lastPerSubject(patterns: readonly string[] | undefined, upTo: number): number[] {
    const last = new Map<string, number>()
    for (const m of this.matching(patterns)) if (m.seq <= upTo) last.set(m.subject, m.seq)
    return [...last.values()].sort((a, b) => a - b)
  }

  subjects(patterns?: readonly string[]): [string, number][] {
    const counts = new Map<string, number>()
    for (const m of this.matching(patterns)) counts.set(m.subject, (counts.get(m.subject) ?? 0) + 1)
    return [...counts].sort((a, b) => (a[0] < b[0] ? -1 : 1))
  }

  deletedSeqs(): number[] {
    const living = new Set(this.messages.map((m) => m.seq))
    const deleted: number[] = []
    if (living.size > 0) for (let seq = this.first; seq <= this.last; seq++) if (!living.has(seq)) deleted.push(seq)
    return deleted
  }
}

/** A place where a log and its model differ, as a list of sentences; empty when they agree. `points` are sequences to ask about. */
export async function differences(
  log: StreamLog,
  model: ModelLog,
  patterns: string[][],
  points: number[],
): Promise<string[]> {
  const found: string[] = []
  const same = (what: string, got: unknown, expected: unknown): void => {
    if (JSON.stringify(got) !== JSON.stringify(expected)) {
      found.push(`${what}: got ${JSON.stringify(got)}, expected ${JSON.stringify(expected)}`.slice(0, 400))
    }
  }
  compareState(log.state, model, same)
  same('deleted sequences', log.deletedSeqs(), model.deletedSeqs())
  same('subjects', log.subjects(), model.subjects())
  for (const [subject, messages] of model.subjects()) {
    const seqs = model.messages.filter((m) => m.subject === subject).map((m) => m.seq)
    same(`subject ${subject}`, log.subject(subject), { messages, firstSeq: seqs[0], lastSeq: seqs.at(-1) })
  }
  for (const chosen of [undefined, ...patterns]) {
    const filter = chosen && log.filter(chosen)
    const matching = model.matching(chosen)
    same(`lastPerSubject ${chosen}`, log.lastPerSubject(filter), model.lastPerSubject(chosen, model.last))
    same(`subjects ${chosen}`, log.subjects(filter), model.subjects(chosen))
    for (const from of points) {
      same(`nextSeq ${from} ${chosen}`, log.nextSeq(from, filter), matching.find((m) => m.seq >= from)?.seq ?? 0)
      same(`countFrom ${from} ${chosen}`, log.countFrom(from, filter), matching.filter((m) => m.seq >= from).length)
      same(
        `lastSeq ${from} ${chosen}`,
        log.lastSeq(from, filter),
        matching.filter((m) => m.seq <= from).at(-1)?.seq ?? 0,
      )
      same(`lastPerSubject ${from} ${chosen}`, log.lastPerSubject(filter, from), model.lastPerSubject(chosen, from))
    }
    filter?.close()
  }
  await compareMessages(log, model, same)
  for (const from of points) {
    const message = model.messages.find((m) => m.seq >= from)
    const time = timeFromMs(message?.timeMs ?? 0)
    const expected = message ? model.messages.find((m) => m.timeMs >= message.timeMs)?.seq : undefined
    if (message) same(`seqAt ${message.timeMs}`, await log.seqAt(time), expected)
  }
  same('seqAt the future', await log.seqAt({ seconds: 4_000_000_000, nanos: 0 }), model.last + 1)
  return found
}

type Same = (what: string, got: unknown, expected: unknown) => void

function compareState(state: LogState, model: ModelLog, same: Same): void {
  same('messages', state.messages, model.messages.length)
  same(
    'bytes',
    state.bytes,
    model.messages.reduce((sum, m) => sum + model.size(m), 0),
  )
  same('firstSeq', state.firstSeq, model.first)
  same('lastSeq', state.lastSeq, model.last)
  same('deleted', state.deleted, model.deletedSeqs().length)
  same('subjects', state.subjects, model.subjects().length)
  same('lastTime', state.lastTime, timeFromMs(model.lastTimeMs))
}

async function compareMessages(log: StreamLog, model: ModelLog, same: Same): Promise<void> {
  const view = new MessageView()
  for (const m of model.messages) {
    if (log.read(m.seq, view) !== FOUND) await log.load(m.seq)
    const result = log.read(m.seq, view)
    same(`read ${m.seq}`, result, FOUND)
    if (result !== FOUND) continue
    const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString()
    same(`headers ${m.seq}`, text(view.headers()), m.headers)
    same(`payload ${m.seq}`, text(view.payload()), m.payload)
    same(`rest of ${m.seq}`, [view.seq, view.subject, view.flags], [m.seq, m.subject, m.flags | (m.headers ? 1 : 0)])
    same(`time ${m.seq}`, view.time(), timeFromMs(m.timeMs))
    same(`subjectAt ${m.seq}`, log.subjectAt(m.seq), m.subject)
  }
  same('firstTime', log.state.firstTime, timeFromMs(model.messages[0]?.timeMs ?? 0))
  for (const seq of model.deletedSeqs().slice(0, 50)) {
    same(`read removed ${seq}`, log.read(seq, view), MISSING)
    same(`subjectAt removed ${seq}`, log.subjectAt(seq), '')
  }
}
