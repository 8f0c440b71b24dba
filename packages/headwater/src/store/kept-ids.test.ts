import { afterEach, beforeEach, expect, test } from 'vitest'
import { CHECKPOINT_NAME, decodeCheckpoint, encodeCheckpoint } from './checkpoint.ts'
import { columnsOf, idsOf, KEPT_IDS_MAX, KEPT_LENGTH_MAX, KeptIds } from './kept-ids.ts'
import type { FileStore } from './running-store.ts'
import { FOLDER, readable, SimRig } from './sim-rig.case.ts'
import { put, read } from './store.case.ts'
import { FLAG_MSG_ID, type KeptId, type StreamLog } from './stream-log.ts'

const SMALL = { journalBytes: 2048 }
const PATH = `${FOLDER}/streams/1/${CHECKPOINT_NAME}`

let rig: SimRig
beforeEach(() => {
  rig = new SimRig()
})
afterEach(() => rig.stop())

function putId(log: StreamLog, id: string): number {
  return put(log, 'a', 'x', `NATS/1.0\r\nNats-Msg-Id: ${id}\r\n\r\n`, FLAG_MSG_ID)
}

async function fill(store: FileStore, log: StreamLog): Promise<void> {
  for (let i = 0; i < 10; i++) {
    log.remove(put(log, 'b', 'x'.repeat(500)))
    await readable(store)
  }
  await store.settled()
}

const told = (log: StreamLog): string => log.recoveredIds.map(({ id, seq }) => `${id}=${seq}`).join(' ')

test('a start finds the ids that the journal holds, and keeps them until they are taken in', async () => {
  const store = await rig.open(SMALL)
  const log = store.createStream({ storage: 'file', config: 'S' })
  log.remove(putId(log, 'gone'))
  putId(log, 'alive')
  putId(log, 'blank ')
  await readable(store)
  for (let start = 1; start <= 3; start++) {
    const [found] = (await rig.crashed('power', SMALL)).streams()
    expect(told(found), `start ${start}`).toBe('gone=1 alive=2 blank =3')
  }
  // Checkpoints that are taken meanwhile, and the journal files that go with them, lose none.
  const again = await rig.crashed('kill', SMALL)
  await fill(again, again.streams()[0])
  const [found] = (await rig.crashed('kill', SMALL)).streams()
  expect(told(found)).toBe('gone=1 alive=2 blank =3')
})

test('a checkpoint asks for the ids, but not for those that every start reads from the journal', async () => {
  const store = await rig.open(SMALL)
  const log = store.createStream({ storage: 'file', config: 'S' })
  const ids = ['gone', 'in a segment', 'in the journal'].map((id): KeptId => ({ id, seq: 0, atMs: 5000.007 }))
  const all = (): KeptId[] => ids.filter((one) => one.seq > 0)
  const asked: string[] = []
  log.keptIds = (isReplayed) => {
    const kept = all().filter(({ seq }) => !isReplayed(seq))
    asked.push(kept.map(({ id }) => id).join(', '))
    return kept
  }
  ids[0] = { ...ids[0], seq: putId(log, 'gone') }
  ids[1] = { ...ids[1], seq: putId(log, 'in a segment') }
  log.remove(ids[0].seq)
  await fill(store, log)
  ids[2] = { ...ids[2], seq: putId(log, 'in the journal') }
  // A checkpoint that does not wait for the journal file to be full.
  log.remove(ids[1].seq, true)
  await store.settled()
  expect(asked.at(-1)).toBe('gone, in a segment')
  const [found] = (await rig.crashed('power', SMALL)).streams()
  expect(told(found)).toBe(`gone=1 in a segment=2 in the journal=${ids[2].seq}`)
  expect(found.recoveredIds[0]).toEqual({ id: 'gone', seq: 1, atMs: 5000.007 })
})

test('of too many the newest are kept, by number and by length', () => {
  const many = Array.from({ length: KEPT_IDS_MAX + 10 }, (_, i): KeptId => ({ id: `${i}`, seq: i + 1, atMs: i }))
  const kept = new KeptIds([...many].reverse()).newest()
  expect(kept).toHaveLength(KEPT_IDS_MAX)
  expect([kept[0].seq, kept.at(-1)?.seq]).toEqual([11, KEPT_IDS_MAX + 10])
  expect(idsOf(columnsOf(kept))).toEqual(kept)
  expect(new KeptIds([...many.slice(0, 5), ...many.slice(0, 5)]).newest()).toHaveLength(5)
  const long = many.slice(0, 9).map((one): KeptId => ({ ...one, id: 'x'.repeat(KEPT_LENGTH_MAX / 4) }))
  expect(new KeptIds(long).newest().map(({ seq }) => seq)).toEqual([6, 7, 8, 9])
})

test('a checkpoint from before ids were kept opens', async () => {
  const store = await rig.open(SMALL)
  const log = store.createStream({ storage: 'file', config: 'S' })
  log.keptIds = () => [{ id: 'one', seq: 1, atMs: 1 }]
  putId(log, 'one')
  await fill(store, log)
  await store.close()
  const checkpoint = decodeCheckpoint(rig.disk.content(PATH))
  expect(checkpoint?.ids?.ids).toEqual(['one'])
  const { ids: _, ...older } = checkpoint as NonNullable<typeof checkpoint>
  rig.write(PATH, encodeCheckpoint(older))
  const again = await rig.open(SMALL)
  expect(again.recovery.damage).toEqual([])
  const [found] = again.streams()
  expect(found.recoveredIds).toEqual([])
  expect(await read(found, 1)).toBe('x')
})
