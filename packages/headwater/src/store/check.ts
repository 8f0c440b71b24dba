/**
 * Checks a data folder that no server has: every frame of its journal, every record, column and foot of its segments, its
 * checkpoints and subjects, and that they agree. Reads only, but for the note in LOCK that says who holds the folder.
 */
import type { Clock } from '../base/clock.ts'
import { HeadwaterError } from '../base/errors.ts'
import type { FileSystem } from '../base/fs.ts'
import { type JournalHarm, type ScannedJournal, scanJournal } from './check-journal.ts'
import type { CheckReport, Finding, OnFile } from './check-report.ts'
import { checkStream } from './check-stream.ts'
import { CHECKPOINT_NAME, type Checkpoint } from './checkpoint.ts'
import { lockData } from './data-lock.ts'
import { streamFolder } from './flush-context.ts'
import { readFormat } from './format.ts'
import { REACHED_NAME, readKnownState } from './known-state.ts'
import { openReading } from './open-reading.ts'
import { readOnly } from './read-only.ts'
import { readCheckpoint } from './restore-stream.ts'

/** What a check needs. Nothing of `folder` is changed. */
export interface CheckOptions {
  readonly fs: FileSystem
  readonly folder: string
  readonly clock: Clock
  /** What a stream's configuration calls it; the store does not read it. */
  readonly nameOf: (config: string) => string | undefined
  readonly onFile?: OnFile
}

/** Checks the folder. Throws HW_DATA_LOCKED while a server has it, HW_CONFIG when it is no data folder, HW_DATA_NEWER. */
export async function checkFolder(options: CheckOptions): Promise<CheckReport> {
  const { fs, folder } = options
  await mustBeData(fs, folder)
  const lock = await lockData(fs, folder)
  try {
    return await checkHeld({ ...options, fs: readOnly(fs) })
  } finally {
    await lock.release()
  }
}

/** Throws HW_CONFIG unless there is something of a store in `folder`. */
export async function mustBeData(fs: FileSystem, folder: string): Promise<void> {
  const names = await fs.list(folder).catch((): string[] => [])
  if (['FORMAT', 'journal', 'streams'].some((name) => names.includes(name))) return
  const hint = 'Name the folder that a server was started with (--store_dir, ./headwater-data when nothing was said).'
  throw new HeadwaterError('HW_CONFIG', `${folder} is not a data folder`, { hint })
}

/** As checkFolder, of a folder whose lock is held. */
export async function checkHeld(options: CheckOptions): Promise<CheckReport> {
  const { fs, folder, onFile = () => {} } = options
  const findings: Finding[] = []
  let storeId: string | undefined
  const formatHarm = await harmOf(async () => {
    storeId = await readFormat(fs, folder)
  })
  if (formatHarm?.code === 'HW_DATA_NEWER') throw formatHarm
  if (formatHarm || !(await fs.exists(`${folder}/FORMAT`))) {
    const what = formatHarm ? 'FORMAT is not what a store writes there' : 'FORMAT is missing'
    findings.push({
      severity: 'lost',
      file: `${folder}/FORMAT`,
      what,
      lost: 'no message; no server starts on this folder',
    })
  }
  const journal = await scanned(fs, folder, onFile)
  if (storeId !== undefined && journal.storeId !== undefined && journal.storeId !== storeId) {
    const what = `it says ${storeId}, and the journal is of store ${journal.storeId}`
    findings.push({
      severity: 'lost',
      file: `${folder}/FORMAT`,
      what,
      lost: 'no message; no server starts on this folder',
    })
  }
  const names = new Map<number, string>()
  const sum = { files: 1, bytes: 0, messages: 0, streams: 0 }
  for (const id of await streamIds(fs, `${folder}/streams`)) {
    const own = streamFolder(`${folder}/streams`, id)
    names.set(id, `streams/${id}`)
    const checkpoint = await checkCheckpoint(options, own, id, journal, names, findings)
    if (!checkpoint) continue
    sum.streams++
    const checked = await checkStream(fs, own, checkpoint, names.get(id) as string, onFile)
    sum.files += checked.files
    sum.bytes += checked.bytes
    sum.messages += checked.messages
    findings.push(...checked.findings)
  }
  for (const harm of journal.harms) findings.push(...journalFindings(harm, names))
  const starts = await checkStart(options, findings)
  return {
    folder,
    fine: findings.every(({ severity }) => severity === 'note'),
    starts: starts.starts,
    files: sum.files + journal.files.length,
    bytes: sum.bytes + journal.bytes,
    frames: journal.frames,
    records: journal.records,
    streams: starts.streams ?? sum.streams,
    messages: starts.messages ?? sum.messages,
    findings,
  }
}

/** The numbers of all folders of streams. */
export async function streamIds(fs: FileSystem, streamsFolder: string): Promise<number[]> {
  if (!(await fs.exists(streamsFolder))) return []
  const names = await fs.list(streamsFolder)
  return names
    .filter((name) => /^[1-9][0-9]*$/.test(name))
    .map(Number)
    .sort((a, b) => a - b)
}

async function scanned(fs: FileSystem, folder: string, onFile: OnFile): Promise<ScannedJournal> {
  if (await fs.exists(`${folder}/journal`)) return scanJournal(fs, `${folder}/journal`, onFile)
  return { files: [], harms: [], frames: 0, records: 0, bytes: 0, endLsn: 0, storeId: undefined }
}

async function harmOf(work: () => Promise<unknown>): Promise<HeadwaterError | undefined> {
  try {
    await work()
    return undefined
  } catch (error) {
    if (error instanceof HeadwaterError) return error
    throw error
  }
}

async function checkCheckpoint(
  { fs, nameOf, onFile }: CheckOptions,
  own: string,
  id: number,
  journal: ScannedJournal,
  names: Map<number, string>,
  findings: Finding[],
): Promise<Checkpoint | undefined> {
  const file = `${own}/${CHECKPOINT_NAME}`
  if (!(await fs.exists(file))) return undefined
  onFile?.(file)
  const checkpoint = await readCheckpoint(fs, own)
  const stream = `streams/${id}`
  if (!checkpoint) {
    const lost = `the configuration and consumers of ${stream}, and which of its messages were removed`
    findings.push({
      severity: 'lost',
      file,
      offset: 0,
      stream,
      what: 'the checkpoint does not match its checksum',
      lost,
    })
    return undefined
  }
  const name = nameOf(checkpoint.config) ?? stream
  names.set(id, name)
  const reached = Math.max(checkpoint.stateLsn, checkpoint.messagesLsn)
  if (journal.files.length > 0 && reached > journal.endLsn) {
    const what = `it was taken at ${reached}, and the journal ends at ${journal.endLsn}`
    findings.push({
      severity: 'lost',
      file,
      stream: name,
      what,
      lost: 'whatever came last: the end of the journal is missing',
    })
  }
  return checkpoint
}

function journalFindings(harm: JournalHarm, names: ReadonlyMap<number, string>): Finding[] {
  const place = { severity: 'lost' as const, file: harm.file, offset: harm.from }
  const what = `no whole frame from here to byte ${harm.to}, where they go on`
  if (harm.gaps.length === 0)
    return [{ ...place, what, lost: 'no message that others do not stand beside: acks, removals or configurations' }]
  return harm.gaps.map(({ stream: id, first, last }) => {
    const stream = names.get(id) ?? `streams/${id}`
    const lost = `messages of ${stream} with sequences from ${first} to at most ${last}, and acks or removals`
    return { ...place, stream, sequences: [first, last], what, lost }
  })
}

/** Starts on it as a server would, without changing anything; what that says, and no finding does yet, becomes one. */
async function checkStart(
  options: CheckOptions,
  findings: Finding[],
): Promise<{ starts: boolean; streams?: number; messages?: number }> {
  const { fs, folder } = options
  const known = await readKnownState(fs, folder)
  if (!known && (await fs.exists(`${folder}/${REACHED_NAME}`))) {
    const lost = 'nothing: the next start writes it anew'
    findings.push({
      severity: 'mendable',
      file: `${folder}/${REACHED_NAME}`,
      what: 'it does not match its checksum',
      lost,
    })
  }
  try {
    const { recovered, found } = await openReading(options)
    for (const text of recovered.damage) if (!isSaid(findings, text)) findings.push(findingOf(text, folder))
    if (found.tornBytes > 0) {
      const newest = found.files.at(-1)
      const file = `${folder}/journal/${newest?.name ?? found.empty[0]}`
      const what = `${found.tornBytes} bytes of a write that was under way when the process ended`
      findings.push({ severity: 'note', file, offset: newest?.endAt ?? 0, what, lost: 'nothing that was acknowledged' })
    }
    const messages = recovered.homes.reduce((sum, home) => sum + home.log.index.messages, 0)
    for (const [i, finding] of findings.entries()) {
      const isMade = recovered.repaired.some((text) => text.startsWith(`${finding.file}: `))
      if (isMade && finding.severity === 'lost' && finding.file.endsWith(CHECKPOINT_NAME)) {
        findings[i] = { ...finding, severity: 'mendable', lost: 'nothing: the journal has the whole stream' }
      }
    }
    return { starts: true, streams: recovered.homes.length, messages }
  } catch (error) {
    if (!(error instanceof HeadwaterError)) throw error
    if (error.code === 'HW_DATA_NEWER') throw error
    if (!isSaid(findings, error.message)) findings.push(findingOf(error.message, folder))
    return { starts: false }
  }
}

function isSaid(findings: readonly Finding[], text: string): boolean {
  return findings.some(
    ({ file }) => text.includes(file) || (file.endsWith('/FORMAT') && text.endsWith('than FORMAT says')),
  )
}

/** A sentence of the start, which begins with its place, as a finding. */
function findingOf(text: string, folder: string): Finding {
  const [, file = folder, byte, what = text] =
    /^(?:ENOENT: )?(\/[^,:]*|[A-Za-z]:[^,:]*)(?:, byte (\d+))?: (.*)$/s.exec(text) ?? []
  const lost = what.includes('; ') ? what.slice(what.lastIndexOf('; ') + 2) : 'what this place held'
  return { severity: 'lost', file, ...(byte === undefined ? {} : { offset: Number(byte) }), what, lost }
}
