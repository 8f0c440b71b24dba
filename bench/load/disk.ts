/** What the disk can do, with no server: one synced write after the other into a file whose blocks exist already. */
import { closeSync, constants, openSync, unlinkSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { percentile, type Sample } from './tasks.ts'

const FILE_BYTES = 32 * 1024 * 1024

export function bareDisk(folder: string, seconds: number, bytes: number): Sample {
  const path = join(folder, 'bare-disk')
  const fill = openSync(path, 'w')
  writeSync(fill, Buffer.alloc(FILE_BYTES))
  closeSync(fill)
  const file = openSync(path, constants.O_RDWR | (constants.O_DSYNC ?? constants.O_SYNC))
  const record = Buffer.alloc(bytes, 0x78)
  const latenciesUs: number[] = []
  const startMs = performance.now()
  let position = 0
  let now = startMs
  while (now - startMs < seconds * 1000) {
    writeSync(file, record, 0, bytes, position)
    position = (position + bytes) % (FILE_BYTES - bytes)
    const after = performance.now()
    latenciesUs.push((after - now) * 1000)
    now = after
  }
  closeSync(file)
  unlinkSync(path)
  return {
    count: latenciesUs.length,
    seconds: (now - startMs) / 1000,
    p50Us: percentile(latenciesUs, 0.5),
    p99Us: percentile(latenciesUs, 0.99),
  }
}
