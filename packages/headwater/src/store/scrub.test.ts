import { afterEach, beforeEach, expect, test } from 'vitest'
import type { FileStore } from './running-store.ts'
import { readable, SimRig } from './sim-rig.case.ts'
import { put, read } from './store.case.ts'
import type { StreamLog } from './stream-log.ts'

const SIZES = { journalBytes: 4096, segmentBytes: 16_384, scrubBytesPerSecond: 1024 * 1024 }
const DAY_MS = 86_400_000

let rig: SimRig
beforeEach(() => {
  rig = new SimRig()
})
afterEach(() => rig.stop())

async function filled(more: object = {}): Promise<{ store: FileStore; log: StreamLog; places: string[] }> {
  const store = await rig.open({ ...SIZES, ...more })
  const places: string[] = []
  store.onDamage = (place) => void places.push(place)
  const log = store.createStream({ storage: 'file', config: 'S' })
  for (let i = 1; i <= 200; i++) {
    put(log, `a.${i % 5}`, `message ${i} `.padEnd(200, '.'))
    if (i % 10 === 0) await store.settled()
  }
  await store.settled()
  return { store, log, places }
}

/** Lets the world run on for so long. */
function later(ms: number): Promise<void> {
  return new Promise((resolve) => void rig.realClock.after(ms, resolve))
}

const segments = (): string[] => rig.paths().filter((path) => path.endsWith('.seg'))

/** Flips a bit in the body of message `seq`, in whichever segment has it; says where. */
function rot(seq: number): string {
  for (const path of segments()) {
    const bytes = rig.disk.content(path)
    const at = Buffer.from(bytes).indexOf(`message ${seq} .`)
    if (at < 0) continue
    expect(rig.disk.rot(path, 8 * at + 3)).toBe(true)
    return path
  }
  throw new Error(`message ${seq} is in no segment`)
}

test('a pass reads every record, finds nothing in what is whole, and the next one comes a day later', async () => {
  const { store, log, places } = await filled()
  await later(120_000)
  const { passes, records, damaged } = store.scrub?.state ?? {}
  expect({ passes, damaged }).toEqual({ passes: 1, damaged: 0 })
  const inSegments = segments().reduce((sum, path) => sum + countIn(path), 0)
  expect(records).toBe(inSegments)
  expect(inSegments).toBeGreaterThan(150)
  await later(DAY_MS)
  expect(store.scrub?.state.passes).toBe(2)
  expect(places).toEqual([])
  expect(log.state.messages).toBe(200)
  await store.close()
})

function countIn(path: string): number {
  return (
    Buffer.from(rig.disk.content(path))
      .toString('latin1')
      .split(/message \d+ \./).length - 1
  )
}

test('rot is told once, with file, byte and message: in the log, to health, to who listens; the rest is served', async () => {
  const { store, log, places } = await filled()
  const path = rot(17)
  await later(120_000)
  expect(places).toHaveLength(1)
  expect(places[0]).toMatch(new RegExp(`^${path}, byte \\d+: message 17 does not match its checksum$`))
  expect(store.troubles().join()).toContain(places[0])
  expect(rig.logged.filter((line) => line.startsWith('error'))).toEqual(['error the disk lost what was written to it'])
  await later(2 * DAY_MS)
  expect(store.scrub?.state).toMatchObject({ passes: 3, damaged: 1 })
  expect(places).toHaveLength(1)
  await expect(read(log, 17)).rejects.toThrow('does not match its checksum')
  expect(await read(log, 18)).toContain('message 18')
  await store.close()
})

test('every bit that rots is found, whatever it hits, and nothing else is said', async () => {
  const { store, places } = await filled()
  let rotten = 0
  for (const path of segments()) {
    const { length } = rig.disk.content(path)
    for (let bit = 5; bit < 8 * length; bit += 8 * 1999) {
      rig.disk.rot(path, bit)
      rotten++
    }
  }
  await later(120_000)
  expect(rotten).toBeGreaterThan(10)
  // Of two in one index only one is seen, and behind a foot nothing is: at least each file is named.
  for (const path of segments()) expect(places.some((place) => place.startsWith(path))).toBe(true)
  expect(places.length).toBeLessThanOrEqual(rotten)
  await store.close()
})

test('what is removed is no damage, nor is a file that goes while it is read', async () => {
  const { store, log, places } = await filled({ scrubBytesPerSecond: 8192 })
  rot(17)
  log.remove(17)
  await later(60_500)
  // The scrub is in the middle of a segment: compaction and unlinking take it away.
  log.removeBelow(150)
  await readable(store)
  await store.settled()
  await later(120_000)
  expect(places).toEqual([])
  expect(store.scrub?.state.passes).toBe(1)
  expect(await read(log, 199)).toContain('message 199')
  await store.close()
})

test('a disk that does not answer is told by its place, and the scrub goes on', async () => {
  const { store, places } = await filled()
  rig.disk.failNext('read')
  await later(120_000)
  expect(places).toHaveLength(1)
  expect(places[0]).toMatch(/\.seg: cannot be read: EIO/)
  await later(DAY_MS)
  expect(store.scrub?.state.passes).toBe(2)
  await store.close()
})

test('the rate is a bound', async () => {
  const { store } = await filled({ scrubBytesPerSecond: 4096 })
  const startMs = rig.realClock.now()
  await later(60_000)
  const before = store.scrub?.state.bytes ?? 0
  const sinceMs = rig.realClock.now()
  await later(5000)
  const read = (store.scrub?.state.bytes ?? 0) - before
  // One step may be under way at either end.
  expect(read).toBeLessThanOrEqual((4096 * (rig.realClock.now() - sinceMs)) / 1000 + 2 * 16_384)
  expect(rig.realClock.now() - startMs).toBeGreaterThan(60_000)
  await store.close()
})

test('nobody asked for it: nothing is read again', async () => {
  const { store, places } = await filled({ scrubBytesPerSecond: undefined })
  rot(17)
  await later(DAY_MS)
  expect(store.scrub).toBeUndefined()
  expect(places).toEqual([])
  await store.close()
})
