/**
 * Measures a start on a data folder beside a checksummed scan of the same files, and the memory that it takes. Changes
 * nothing in the folder: the start is the one that `headwater check` does, up to where a server would begin to write.
 *
 * node --expose-gc --conditions=headwater-source --import tsx scripts/measure-start.ts FOLDER [start|scan]
 */
import { closeSync, fstatSync, openSync, readdirSync, readSync } from 'node:fs'
import { SystemClock } from '../packages/headwater/src/base/clock.ts'
import { NodeFileSystem } from '../packages/headwater/src/base/node-fs.ts'
import { FRAME_HEAD_BYTES, readFrameHead } from '../packages/headwater/src/store/frame.ts'
import { openReading } from '../packages/headwater/src/store/open-reading.ts'
import { checkedLength } from '../packages/headwater/src/store/record.ts'
import { FOOT_BYTES, readFoot } from '../packages/headwater/src/store/segment.ts'

const STEP_BYTES = 4 * 1024 * 1024

/** What a scan read. */
export interface Scanned {
  readonly ms: number
  readonly records: number
  readonly bytes: number
}

/** What a start found. */
export interface Started {
  readonly ms: number
  readonly messages: number
  /** Memory that it holds beyond what the process had before, in bytes. */
  readonly heldBytes: number
}

/** Reads every file of the folder in steps of 4 MiB and checks the crc of each record: the least that a scan can do. */
export function scanFolder(folder: string): Scanned {
  const startMs = performance.now()
  let records = 0
  let bytes = 0
  const files = readdirSync(folder, { recursive: true, withFileTypes: true })
  for (const entry of files) {
    if (!entry.isFile() || !/(\.seg|^\d{10})$/.test(entry.name)) continue
    const descriptor = openSync(`${entry.parentPath}/${entry.name}`, 'r')
    const { size } = fstatSync(descriptor)
    const parts = entry.name.endsWith('.seg') ? partsOf(descriptor, size) : [{ from: 0, to: size }]
    for (const { from, to } of parts) records += scanPart(descriptor, from, to)
    bytes += size
    closeSync(descriptor)
  }
  return { ms: performance.now() - startMs, records, bytes }
}

/** Where the records of a segment are: between them lie indexes. */
function partsOf(descriptor: number, size: number): { from: number; to: number }[] {
  const parts: { from: number; to: number }[] = []
  const bytes = Buffer.alloc(FOOT_BYTES)
  for (let end = size; end > 0; ) {
    readSync(descriptor, bytes, 0, FOOT_BYTES, end - FOOT_BYTES)
    const foot = readFoot(bytes, 0)
    if (!foot) throw new Error(`no foot ends at byte ${end}`)
    parts.unshift({ from: foot.runStart, to: foot.columnsAt })
    end = foot.runStart
  }
  return parts
}

function scanPart(descriptor: number, from: number, to: number): number {
  const buffer = Buffer.allocUnsafeSlow(STEP_BYTES)
  const view = new DataView(buffer.buffer)
  let records = 0
  for (let start = from; start < to; ) {
    const read = readSync(descriptor, buffer, 0, Math.min(STEP_BYTES, to - start), start)
    let at = 0
    for (;;) {
      const length = checkedLength(buffer, view, at, read)
      if (length > 0) {
        at += length
        records++
      } else if (readFrameHead(buffer, view, at)) at += FRAME_HEAD_BYTES
      else break
    }
    if (at === 0) return records
    start += at
  }
  return records
}

/** Starts on the folder, without changing it. */
export async function startOn(folder: string): Promise<Started> {
  const before = memory()
  const startMs = performance.now()
  const { recovered } = await openReading({ fs: new NodeFileSystem(), folder, clock: new SystemClock() })
  const ms = performance.now() - startMs
  const messages = recovered.homes.reduce((sum, home) => sum + home.log.state.messages, 0)
  return { ms, messages, heldBytes: memory() - before }
}

function memory(): number {
  globalThis.gc?.()
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return heapUsed + arrayBuffers
}

if (process.argv[1]?.endsWith('measure-start.ts')) {
  const [folder = '', what = ''] = process.argv.slice(2)
  if (what !== 'start') console.log('scan ', scanFolder(folder))
  if (what !== 'scan') console.log('start', await startOn(folder))
}
