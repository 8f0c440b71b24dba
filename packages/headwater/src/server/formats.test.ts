/**
 * Every format version that was ever written opens with the present code: the folders in test-data were made by the versions
 * that wrote them, by a server that was killed, and are never made again. For a new version run this once with
 * HEADWATER_MAKE_FORMAT=1.
 */
import { existsSync } from 'node:fs'
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { jetstream } from '@nats-io/jetstream'
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { SystemClock } from '../base/clock.ts'
import { NodeFileSystem } from '../base/node-fs.ts'
import { checkFolder } from '../store/check.ts'
import { FORMAT_VERSION } from '../store/object-record.ts'
import { type Told, tell } from './formats.case.ts'
import { Headwater } from './index.ts'
import { makeFormat } from './make-format.case.ts'

const STORED = fileURLToPath(new URL('../../test-data', import.meta.url))
const versions = Array.from({ length: FORMAT_VERSION }, (_, i) => i + 1)

beforeAll(async () => {
  const newest = join(STORED, `format-${FORMAT_VERSION}`)
  if (process.env.HEADWATER_MAKE_FORMAT !== undefined && !existsSync(newest)) await makeFormat(newest)
})

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'headwater-format-'))
})
afterEach(() => rm(folder, { recursive: true }))

describe.each(versions)('format %i', (version) => {
  const stored = join(STORED, `format-${version}`)
  beforeEach(() => cp(join(stored, 'data'), folder, { recursive: true }))
  const told = async (): Promise<Told> => JSON.parse(await readFile(join(stored, 'told.json'), 'utf8')) as Told

  test('opens: every message, stream and consumer is as it was, and so after the next start', async () => {
    const { streams } = await told()
    for (let start = 1; start <= 2; start++) {
      const hw = await Headwater.start({ data: folder })
      const nc = await hw.connect()
      expect(await tell(nc), `start ${start}`).toMatchObject(streams)
      await hw.close()
    }
  })

  test('every id is still a duplicate, and new messages go on where the old ones end', async () => {
    const { streams, ids } = await told()
    const hw = await Headwater.start({ data: folder })
    const js = jetstream(await hw.connect())
    for (const [, subject, id, seq] of ids) {
      expect(await js.publish(subject, 'again', { msgID: id }), id).toMatchObject({ seq, duplicate: true })
    }
    const { seq } = await js.publish('limits.new', 'new')
    expect(seq).toBe((streams.LIMITS?.lastSeq ?? 0) + 1)
    await hw.close()
  })

  test('a check finds nothing wrong', async () => {
    const nameOf = (): undefined => undefined
    const report = await checkFolder({ fs: new NodeFileSystem(), folder, clock: new SystemClock(), nameOf })
    expect(report.findings).toEqual([])
  })

  test('has what a folder can have: segments with removed messages, a journal, kept ids, letters, progress', async () => {
    const { streams, ids } = await told()
    const files = await readdir(folder, { recursive: true })
    expect(files.filter((name) => name.endsWith('.seg')).length).toBeGreaterThan(2)
    expect(files.filter((name) => /journal\/\d{10}$/.test(name)).length).toBeGreaterThan(0)
    expect(streams.DEAD?.messages).toBe(2)
    expect(streams.LIMITS?.stored.length).toBe((streams.LIMITS?.lastSeq ?? 0) - 2)
    const removed = ids.filter(([name, , , seq]) => !streams[name]?.stored.some(([at]) => at === seq))
    expect(removed.length).toBeGreaterThan(3)
    const pending = Object.values(streams).flatMap(({ consumers }) => consumers as { num_ack_pending: number }[])
    expect(pending.filter(({ num_ack_pending }) => num_ack_pending > 0).length).toBeGreaterThan(2)
  })
})

test('the folder of a later version is refused, and says what to do', async () => {
  const later = FORMAT_VERSION + 1
  await cp(join(STORED, `format-${FORMAT_VERSION}`, 'data'), folder, { recursive: true })
  const text = await readFile(join(folder, 'FORMAT'), 'utf8')
  await writeFile(join(folder, 'FORMAT'), text.replace(/^headwater \d+/, `headwater ${later}`))
  await expect(Headwater.start({ data: folder })).rejects.toMatchObject({
    code: 'HW_DATA_NEWER',
    message: `${folder}/FORMAT has format ${later}; this version reads ${FORMAT_VERSION}`,
    hint: 'Start it with the version of Headwater that wrote it, or a later one.',
  })
})
