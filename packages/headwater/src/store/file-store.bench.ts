/**
 * Acknowledged messages per second of the whole store, beside a bare loop that writes one record at a time to a file opened
 * with O_DSYNC: same disk, same run. Prints one line a case: rate, ratio to the bare loop, and the floor for that ratio.
 */
import { closeSync, constants, fstatSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { bench } from 'vitest'
import { SystemClock, SystemTurn } from '../base/clock.ts'
import { silentLogger } from '../base/log.ts'
import { NodeFileSystem } from '../base/node-fs.ts'
import { openFileStore } from './file-store.ts'
import type { SyncMode } from './store.ts'
import type { Waiter } from './stream-log.ts'

const PAYLOAD_BYTES = 256
const BARE_BYTES = 32 * 1024 * 1024
const SUBJECTS = Array.from({ length: 1000 }, (_, i) => `orders.${i}.created`)
const SECONDS = 1
const ROUNDS = 3

/** Records per second of one write at a time, each on disk when it returns; the file stands in written blocks. */
function bareRate(folder: string): number {
  const file = openSync(join(folder, 'bare'), constants.O_CREAT | constants.O_RDWR | constants.O_DSYNC)
  const record = Buffer.alloc(PAYLOAD_BYTES + 54, 'x')
  if (fstatSync(file).size === 0) writeSync(file, Buffer.alloc(BARE_BYTES), 0, BARE_BYTES, 0)
  const startMs = performance.now()
  let written = 0
  while (performance.now() - startMs < SECONDS * 1000)
    writeSync(file, record, 0, record.length, (written++ * record.length) % (BARE_BYTES - record.length))
  closeSync(file)
  return written / SECONDS
}

/** Acknowledgements per second of `streams` streams with `inFlight` each: whoever is acknowledged sends again. */
async function storeRate(
  folder: string,
  streams: number,
  inFlight: number,
  sync: SyncMode = 'always',
): Promise<number> {
  const clock = new SystemClock()
  const options = { folder, sync, fs: new NodeFileSystem(), clock, realClock: clock, log: silentLogger }
  const store = await openFileStore({ ...options, turn: new SystemTurn() })
  const logs = Array.from({ length: streams }, () => store.createStream({ storage: 'file', config: '' }))
  const input = {
    subject: '',
    bytes: Buffer.alloc(PAYLOAD_BYTES, 'x'),
    start: 0,
    headersLength: 0,
    end: PAYLOAD_BYTES,
    flags: 0,
  }
  let acknowledged = 0
  let n = 0
  const endMs = performance.now() + SECONDS * 1000
  await new Promise<void>((resolve, reject) => {
    const round: Waiter = {
      readable: () => {
        acknowledged += streams * inFlight
        if (performance.now() < endMs) send()
        else resolve()
      },
      failed: reject,
    }
    const send = (): void => {
      for (const log of logs) {
        for (let i = 0; i < inFlight; i++) {
          input.subject = SUBJECTS[n++ % SUBJECTS.length]
          log.append(input)
        }
      }
      store.whenReadable(round)
    }
    send()
  })
  await store.close()
  return acknowledged / SECONDS
}

const median = (values: number[]): number => values.sort((a, b) => a - b)[values.length >> 1]

const CASES: [name: string, streams: number, inFlight: number, floor: number][] = [
  ['1 in flight', 1, 1, 0.6],
  ['16 in flight', 1, 16, 7],
  ['256 in flight', 1, 256, 50],
  ['4096 in flight', 1, 4096, 75],
  ['64 streams x 1', 64, 1, 15],
  ['256 streams x 1', 256, 1, 15],
]

bench(
  'acknowledged messages, synced, beside a bare O_DSYNC loop',
  async () => {
    const root = mkdtempSync(join(tmpdir(), 'headwater-bench-'))
    let folder = 0
    for (const [name, streams, inFlight, floor] of CASES) {
      const rates: number[] = []
      const ratios: number[] = []
      for (let round = 0; round < ROUNDS; round++) {
        const bare = bareRate(root)
        const rate = await storeRate(join(root, String(folder++)), streams, inFlight)
        rates.push(rate)
        ratios.push(rate / bare)
      }
      console.log(`${name}: ${Math.round(median(rates))}/s, ${median(ratios).toFixed(2)} x bare (floor ${floor})`)
    }
    rmSync(root, { recursive: true, force: true })
  },
  { iterations: 1, warmupIterations: 0, time: 0, warmupTime: 0, throws: true },
)
