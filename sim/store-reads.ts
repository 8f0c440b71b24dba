/** Every question that a log answers, asked at random and compared with the plain answer from the model. */
import type { SeededRandom } from '../packages/headwater/src/base/testing/seeded-random.ts'
import type { Store } from '../packages/headwater/src/store/store.ts'
import type { StreamLog } from '../packages/headwater/src/store/stream-log.ts'
import { readText } from './read-text.ts'
import type { ModelStream, StoreModel } from './store-model.ts'
import { must } from './trace.ts'

/** `onReadFailure`: reads of the disk may fail, and say so; the next one must be right. */
export async function checkReads(
  store: Store,
  model: StoreModel,
  random: SeededRandom,
  onReadFailure?: () => void,
): Promise<void> {
  for (const log of store.streams()) {
    const stream = model.current.get(log.id)
    if (!stream) continue
    checkState(log, stream)
    checkQueries(log, stream, random)
    const seqs = [...stream.messages.keys()]
    if (seqs.length > 0) {
      const seq = random.pick(seqs)
      const text = stream.messages.get(seq)!.text
      // Each planned failure hits one read.
      const again = (error: Error): Promise<string> => {
        if (!onReadFailure || !error.message.includes('EIO')) throw error
        onReadFailure()
        return readText(log, seq).catch(again)
      }
      const read = await readText(log, seq).catch(again)
      must(read === text, `stream ${log.id} message ${seq}: read ${read}, wanted ${text}`)
    }
  }
}

function same(what: string, found: unknown, wanted: unknown): void {
  must(
    JSON.stringify(found) === JSON.stringify(wanted),
    () => `${what}: ${JSON.stringify(found)}, wanted ${JSON.stringify(wanted)}`,
  )
}

function checkState(log: StreamLog, stream: ModelStream): void {
  const seqs = [...stream.messages.keys()].sort((a, b) => a - b)
  const { state } = log
  const first = seqs[0] ?? stream.lastSeq + 1
  same(`stream ${log.id} lastSeq`, state.lastSeq, stream.lastSeq)
  same(`stream ${log.id} messages`, state.messages, seqs.length)
  if (stream.lastSeq > 0) same(`stream ${log.id} firstSeq`, state.firstSeq, first)
  same(`stream ${log.id} subjects`, state.subjects, new Set([...stream.messages.values()].map((m) => m.subject)).size)
  const deleted: number[] = []
  if (seqs.length > 0)
    for (let seq = first; seq <= stream.lastSeq; seq++) if (!stream.messages.has(seq)) deleted.push(seq)
  same(`stream ${log.id} deleted`, state.deleted, deleted.length)
  same(`stream ${log.id} deletedSeqs`, log.deletedSeqs(), deleted)
}

function checkQueries(log: StreamLog, stream: ModelStream, random: SeededRandom): void {
  const all = [...stream.messages].sort(([a], [b]) => a - b)
  const pattern = random.pick(['>', 's.*', 's.1', 's.7', 'x.>'])
  const fits = (subject: string): boolean => pattern === '>' || pattern === 's.*' || pattern === subject
  const filter = random.chance(0.5) ? log.filter([pattern]) : undefined
  const chosen = filter ? all.filter(([, m]) => fits(m.subject)) : all
  const from = random.between(0, stream.lastSeq + 2)
  const name = `stream ${log.id} ${filter ? pattern : 'all'} from ${from}`
  same(`${name} nextSeq`, log.nextSeq(from, filter), chosen.find(([seq]) => seq >= from)?.[0] ?? 0)
  same(`${name} countFrom`, log.countFrom(from, filter), chosen.filter(([seq]) => seq >= from).length)
  same(`${name} lastSeq`, log.lastSeq(from, filter), chosen.filter(([seq]) => seq <= from).at(-1)?.[0] ?? 0)
  const last = new Map(chosen.map(([seq, m]) => [m.subject, seq]))
  same(
    `${name} lastPerSubject`,
    log.lastPerSubject(filter),
    [...last.values()].sort((a, b) => a - b),
  )
  const counts = new Map<string, number>()
  for (const [, m] of chosen) counts.set(m.subject, (counts.get(m.subject) ?? 0) + 1)
  same(
    `${name} subjects`,
    log.subjects(filter),
    [...counts].sort(([a], [b]) => (a < b ? -1 : 1)),
  )
  filter?.close()
}
