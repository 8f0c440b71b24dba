/** One file at the power cut: its durable bytes, and as much of the unsynced ones as chance keeps, sector by sector. */
import * as fs from 'node:fs'
import type { Random } from '../random.ts'

const CHUNK_BYTES = 1 << 20

/** Leaves in both files what the disk has. `shadow`, the durable bytes, may be missing: nothing of the file was ever synced. */
export function cutFile(
  path: string,
  shadow: string,
  keepChance: number,
  random: Random,
  sectors: { undone: number; kept: number },
): void {
  const real = fs.openSync(path, 'r+')
  const durable = fs.openSync(shadow, fs.constants.O_RDWR | fs.constants.O_CREAT, 0o600)
  try {
    const realBytes = fs.fstatSync(real).size
    const durableBytes = fs.fstatSync(durable).size
    const bytes = realBytes !== durableBytes && random.chance(keepChance) ? realBytes : durableBytes
    // What the disk writes as a whole: a sector of 512 bytes, or a page.
    const unit = random.chance(0.5) ? 512 : 4096
    fs.ftruncateSync(real, bytes)
    fs.ftruncateSync(durable, bytes)
    const written = Buffer.alloc(CHUNK_BYTES)
    const synced = Buffer.alloc(CHUNK_BYTES)
    for (let at = 0; at < bytes; at += CHUNK_BYTES) {
      const length = Math.min(CHUNK_BYTES, bytes - at)
      readWhole(real, written, length, at)
      readWhole(durable, synced, length, at)
      if (written.compare(synced, 0, length, 0, length) === 0) continue
      for (let from = 0; from < length; from += unit) {
        const to = Math.min(from + unit, length)
        if (written.compare(synced, from, to, from, to) === 0) continue
        const isKept = random.chance(keepChance)
        if (isKept) written.copy(synced, from, from, to)
        else synced.copy(written, from, from, to)
        sectors[isKept ? 'kept' : 'undone'] += 1
        fs.writeSync(isKept ? durable : real, isKept ? synced : written, from, to - from, at + from)
      }
    }
  } finally {
    fs.closeSync(real)
    fs.closeSync(durable)
  }
}

/** Past the end of what was written before the file was lengthened there are zeros. */
function readWhole(file: number, into: Buffer, length: number, at: number): void {
  let got = 0
  while (got < length) {
    const bytes = fs.readSync(file, into, got, length - got, at + got)
    if (bytes === 0) break
    got += bytes
  }
  into.fill(0, got, length)
}
