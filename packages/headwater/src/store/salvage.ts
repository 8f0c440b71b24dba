/**
 * Saves what holds of a damaged data folder into another one. The first is never changed. The copy is made by a store of its
 * own, message by message, with the sequences and times that they had: it opens as any folder does.
 */
import { type Clock, SystemTurn } from '../base/clock.ts'
import { HeadwaterError } from '../base/errors.ts'
import type { FileSystem } from '../base/fs.ts'
import { silentLogger } from '../base/log.ts'
import { checkHeld, mustBeData } from './check.ts'
import type { CheckReport, OnFile } from './check-report.ts'
import type { ProgressSnapshot } from './consumer-progress.ts'
import { lockData } from './data-lock.ts'
import { openFileStore } from './file-store.ts'
import type { Log } from './log.ts'
import { MessageView } from './message-view.ts'
import { readOnly } from './read-only.ts'
import type { FileStore } from './running-store.ts'
import { readSource, type SavedStream, viewFound } from './salvage-source.ts'
import { COLD, type ConsumerLog, FOUND } from './stream-log.ts'

/** Messages between two waits for the disk. */
const BATCH = 1000

/** What a salvage needs. */
export interface SalvageOptions {
  readonly fs: FileSystem
  readonly folder: string
  /** Must not exist, or be empty. */
  readonly to: string
  readonly clock: Clock
  readonly nameOf: (config: string) => string | undefined
  /** A configuration for a stream that lost its own. */
  readonly configFor: (id: number) => string
  readonly onFile?: OnFile
}

/** What became of one stream. */
export interface SavedReport {
  readonly stream: string
  readonly messages: number
  readonly consumers: number
  /** Ranges of sequences that were there, or may have been, and are not in the copy. */
  readonly lost: readonly (readonly [first: number, last: number])[]
  readonly notes: readonly string[]
}

/** What a salvage found, saved and lost. */
export interface SalvageReport {
  readonly folder: string
  readonly to: string
  /** What is wrong with `folder`. */
  readonly check: CheckReport
  readonly streams: readonly SavedReport[]
  readonly messages: number
  /** True when nothing is lost. */
  readonly whole: boolean
}

/** Saves `folder` into `to`. Throws HW_DATA_LOCKED, HW_CONFIG when a folder is not right for it. */
export async function salvage(options: SalvageOptions): Promise<SalvageReport> {
  const { fs, folder, to, clock, configFor, onFile = () => {} } = options
  await mustBeData(fs, folder)
  await mustBeFree(fs, folder, to)
  const lock = await lockData(fs, folder)
  try {
    const check = await checkHeld({ ...options, fs: readOnly(fs) })
    const source = await readSource({ fs: readOnly(fs), folder, clock, configFor, onFile })
    // A time that never moves: messages bring their own.
    const still: Clock = { now: () => 0, after: (ms, fire) => clock.after(ms, fire) }
    const turn = new SystemTurn()
    const store = await openFileStore({
      folder: to,
      sync: 'never',
      fs,
      clock: still,
      realClock: clock,
      turn,
      log: silentLogger,
    })
    const streams: SavedReport[] = []
    try {
      for (const stream of source.streams) {
        const gaps = source.harms.flatMap((harm) => harm.gaps.filter((gap) => gap.stream === stream.id))
        streams.push(await saveStream(options, store, stream, gaps))
      }
    } finally {
      await store.close()
    }
    if (store.poisoned) throw store.poisoned
    const messages = streams.reduce((sum, one) => sum + one.messages, 0)
    const whole = check.findings.every(({ severity }) => severity !== 'lost')
    return { folder, to, check, streams, messages, whole }
  } finally {
    await lock.release()
  }
}

async function mustBeFree(fs: FileSystem, folder: string, to: string): Promise<void> {
  const isInside = `${to}/`.startsWith(`${folder}/`)
  const isFree = !(await fs.exists(to)) || (await fs.list(to).catch(() => ['a file'])).length === 0
  if (isFree && !isInside) return
  const hint = 'Name a folder that does not exist yet, or is empty, beside the damaged one.'
  throw new HeadwaterError(
    'HW_CONFIG',
    `${to} cannot take the copy: it ${isInside ? 'is in the folder to save' : 'is not empty'}`,
    { hint },
  )
}

async function saveStream(
  { nameOf }: SalvageOptions,
  store: FileStore,
  saved: SavedStream,
  gaps: readonly { first: number; last: number }[],
): Promise<SavedReport> {
  const { home, extras } = saved
  const { log } = home
  const copy = store.createStream({ storage: 'file', config: log.config }) as Log
  const lost: [number, number][] = gaps.map(({ first, last }) => [first, last])
  const notes = [...saved.problems]
  const beside = [...extras.keys()].sort((a, b) => a - b)
  const view = new MessageView()
  let messages = 0
  let next = 0
  for (let seq = log.nextSeq(1); seq > 0 || next < beside.length; ) {
    const isBeside = next < beside.length && (seq === 0 || beside[next] < seq)
    const at = isBeside ? beside[next++] : seq
    const found = extras.get(at)
    if (isBeside && found) viewFound(found, view)
    else {
      if (beside[next] === seq) next++
      seq = log.nextSeq(seq + 1)
      const problem = await readInto(log, at, view)
      if (problem !== undefined) {
        lost.push([at, at])
        notes.push(problem)
        continue
      }
    }
    copyMessage(copy, view)
    if (++messages % BATCH === 0) await written(store)
  }
  copy.skipTo(log.state.lastSeq)
  copy.restoreTime(log.lastSeconds, log.lastNanos)
  for (const consumer of log.consumers())
    copyProgress(copy.createConsumer(consumer.config), consumer.progress.snapshot())
  await written(store)
  lost.push(...rangesIn(saved.problems))
  if (saved.isAnonymous)
    notes.push('its configuration and consumers were lost: it was given a name of its own, and takes no messages')
  if (saved.mayHoldRemoved) notes.push('messages that were removed may be back')
  const left = lost.flatMap((range) => withoutSaved(range, copy))
  return {
    stream: nameOf(log.config) ?? `streams/${saved.id}`,
    messages,
    consumers: log.consumers().length,
    lost: left,
    notes,
  }
}

/** What is wrong with the message, or undefined when `view` has it. */
async function readInto(log: Log, seq: number, view: MessageView): Promise<string | undefined> {
  try {
    if (log.read(seq, view) === COLD) await log.load(seq)
    return log.read(seq, view) === FOUND ? undefined : `message ${seq} cannot be read`
  } catch (error) {
    return (error as Error).message
  }
}

function copyMessage(copy: Log, view: MessageView): void {
  copy.skipTo(view.seq - 1)
  copy.restoreTime(view.seconds, view.nanos)
  const { subject, bytes, headersStart, payloadStart, end, flags } = view
  copy.append({ subject, bytes, start: headersStart, headersLength: payloadStart - headersStart, end, flags })
}

/** Tells the new consumer what the old one knew. */
function copyProgress(
  consumer: ConsumerLog,
  { delivered, ackFloor, pending, held, exhausted }: ProgressSnapshot,
): void {
  const given = [
    ...pending.map(([seq, last, deliveries, atMs, first]) => ({ seq, last, deliveries, atMs, first })),
    ...held.map(([seq, last, deliveries, , , first]) => ({ seq, last, deliveries, atMs: 0, first })),
    ...exhausted.map(([seq, deliveries]) => ({ seq, last: 0, deliveries, atMs: 0, first: 0 })),
  ].sort((a, b) => a.seq - b.seq)
  for (const { seq, last, deliveries, atMs, first } of given) {
    const event = { what: 'delivered', streamSeq: seq, atMs, tracked: true } as const
    consumer.record({ ...event, consumerSeq: first, deliveries }, 'later')
    if (last !== first) consumer.record({ ...event, consumerSeq: last, deliveries }, 'later')
  }
  for (const [streamSeq, , , reason, detail] of held)
    consumer.record({ what: 'held', streamSeq, reason, detail }, 'later')
  for (const [streamSeq] of exhausted) consumer.record({ what: 'exhausted', streamSeq }, 'later')
  const pair = ([consumerSeq, streamSeq]: readonly [number, number]) => ({ consumerSeq, streamSeq })
  consumer.record({ what: 'moved', delivered: pair(delivered), ackFloor: pair(ackFloor), clear: false }, 'now')
}

function rangesIn(problems: readonly string[]): [number, number][] {
  return problems.flatMap((text) =>
    [...text.matchAll(/with sequences from (\d+) to at most (\d+)/g)].map(([, a, b]): [number, number] => [
      Number(a),
      Number(b),
    ]),
  )
}

/** The parts of a range that hold no message in the copy. */
function withoutSaved([first, last]: readonly [number, number], copy: Log): [number, number][] {
  const left: [number, number][] = []
  let from = first
  while (from <= last) {
    const seq = copy.nextSeq(from)
    const to = seq === 0 ? last : Math.min(last, seq - 1)
    if (to >= from) left.push([from, to])
    if (seq === 0) break
    from = seq + 1
  }
  return left
}

function written(store: FileStore): Promise<void> {
  return new Promise((resolve, failed) => store.whenReadable({ readable: resolve, failed }))
}
