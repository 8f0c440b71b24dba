import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { FOLDER, SimRig } from './sim-rig.case.ts'
import { put, read } from './store.case.ts'

let rig: SimRig
beforeEach(() => {
  rig = new SimRig()
})
afterEach(() => rig.stop())

describe('damage to one stream', () => {
  /** Two streams with most of their messages in segments. */
  async function twoStreams(): Promise<void> {
    const store = await rig.open({ journalBytes: 2048 })
    const one = store.createStream({ storage: 'file', config: 'one' })
    const two = store.createStream({ storage: 'file', config: 'two' })
    for (let i = 1; i <= 30; i++) {
      put(one, `a.${i}`, `one ${i} `.padEnd(200, '.'))
      put(two, `a.${i}`, `two ${i} `.padEnd(200, '.'))
      await store.settled()
    }
    await store.close()
  }

  function harm(path: string, at: number): Uint8Array {
    const bytes = rig.disk.content(path)
    bytes[at < 0 ? bytes.length + at : at] ^= 1
    rig.write(path, bytes)
    return bytes
  }

  test('in its checkpoint is reported with its place, and the other stream is served', async () => {
    await twoStreams()
    const path = `${FOLDER}/streams/1/checkpoint`
    const bytes = harm(path, 40)
    for (let i = 0; i < 3; i++) {
      const store = await rig.open({ journalBytes: 2048 })
      expect(store.recovery.damage.join(), `start ${i}`).toContain(`${path}: does not match its checksum`)
      const [two, ...others] = store.streams()
      expect([two.config, others.length]).toEqual(['two', 0])
      expect(two.state.messages).toBe(30 + 5 * i)
      expect(await read(two, 1)).toMatch(/^two 1 /)
      for (let k = 0; k < 5; k++) put(two, 'b', 'x'.repeat(500))
      await store.settled()
      expect(rig.disk.content(path)).toEqual(bytes)
      await store.close()
    }
  })

  test.each([
    ['subjects', /streams\/1\/subjects, byte 0: .*; read from the messages/, 20],
    ['0000000000000001.seg', /streams\/1\/0000000000000001.seg: no run ends .* rebuilt/, -8],
    ['0000000000000001.seg', /streams\/1\/0000000000000001.seg: the index at .* rebuilt/, -70],
  ])('in its %s is said with its place, and made good', async (file, place, at) => {
    await twoStreams()
    harm(`${FOLDER}/streams/1/${file}`, at)
    for (let i = 0; i < 3; i++) {
      const store = await rig.open({ journalBytes: 2048 })
      expect(store.recovery.damage, `start ${i}`).toEqual([])
      if (i === 0) expect(store.recovery.repaired.join()).toMatch(place)
      const [one, two] = store.streams()
      for (const [log, name] of [[one, 'one'] as const, [two, 'two'] as const]) {
        expect(log.state.messages).toBe(30 + 5 * i)
        for (let seq = 1; seq <= 30; seq++) expect(await read(log, seq)).toMatch(new RegExp(`^${name} ${seq} `))
        expect(log.subject('a.17')).toEqual({ messages: 1, firstSeq: 17, lastSeq: 17 })
        for (let k = 0; k < 5; k++) put(log, 'b', 'x'.repeat(500))
      }
      await store.settled()
      await store.close()
    }
  })

  test('in messages ends no search by time: each counts as old as the next one that can be read', async () => {
    const store = await rig.open({ journalBytes: 2048 })
    const log = store.createStream({ storage: 'file', config: '' })
    const times: number[] = []
    for (let i = 1; i <= 30; i++) {
      times.push(rig.clock.now())
      put(log, 'a', `one ${i} `.padEnd(200, '.'))
      await store.settled()
      rig.clock.advance(1000)
    }
    await store.close()
    const segment = `${FOLDER}/streams/1/0000000000000001.seg`
    const bytes = rig.disk.content(segment)
    const text = Buffer.from(bytes).toString('latin1')
    const damaged = [1, 2, 3, 4, 7, 8, 15]
    for (const seq of damaged) bytes[text.indexOf(`one ${seq} `) + 100] ^= 1
    rig.write(segment, bytes)
    const [again] = (await rig.open({ journalBytes: 2048 })).streams()
    for (let seq = 1; seq <= 30; seq++) {
      let first = seq
      while (damaged.includes(first - 1)) first--
      expect([seq, await again.seqAt({ seconds: times[seq - 1] / 1000, nanos: 0 })]).toEqual([seq, first])
    }
  })

  test('in the index and a message of one segment leaves out that one, for good, and serves the rest', async () => {
    const store = await rig.open({ journalBytes: 2048, segmentBytes: 4096 })
    const log = store.createStream({ storage: 'file', config: '' })
    for (let i = 1; i <= 60; i++) {
      put(log, 'a', `one ${i} `.padEnd(200, '.'))
      await store.settled()
    }
    await store.close()
    const segments = rig.paths().filter((path) => path.endsWith('.seg'))
    expect(segments.length).toBeGreaterThan(2)
    const bytes = rig.disk.content(segments[1])
    bytes[bytes.length - 70] ^= 1
    bytes[100] ^= 1
    rig.write(segments[1], bytes)
    for (let i = 0; i < 3; i++) {
      const again = await rig.open({ journalBytes: 2048, segmentBytes: 4096 })
      expect(again.recovery.damage.join(), `start ${i}`).toMatch(
        /0024.seg: the index at byte .* 24 to at most \d+, are missing; the stream serves/,
      )
      const [served] = again.streams()
      expect(served.state.messages).toBeLessThan(60 + i)
      expect(await read(served, 1)).toMatch(/^one 1 /)
      expect(await read(served, 60)).toMatch(/^one 60 /)
      put(served, 'a', 'more')
      await again.settled()
      await again.close()
      expect(rig.disk.content(segments[1])).toEqual(bytes)
      // Even when the file is whole again: what was removed meanwhile is not known of it.
      if (i === 1) bytes[bytes.length - 70] ^= 1
      if (i === 1) bytes[100] ^= 1
      if (i === 1) rig.write(segments[1], bytes)
    }
  })

  test('in one record: that message is an error, the others are read', async () => {
    await twoStreams()
    const path = `${FOLDER}/streams/1/0000000000000001.seg`
    const bytes = rig.disk.content(path)
    bytes[Buffer.from(bytes).indexOf('one 3 ')] ^= 1
    rig.write(path, bytes)
    const store = await rig.open({ journalBytes: 2048 })
    expect(store.recovery.damage).toEqual([])
    const one = store.streams().find((log) => log.config === 'one')!
    await expect(one.load(3)).rejects.toMatchObject({ code: 'HW_DATA_CORRUPT' })
    expect(await read(one, 1)).toMatch(/^one 1 /)
    expect(await read(one, 4)).toMatch(/^one 4 /)
    expect(rig.logged).toContain('error a message cannot be read')
    await store.close()
  })

  test('whose folder is gone is reported', async () => {
    const store = await rig.open()
    const log = store.createStream({ storage: 'file', config: 'one' })
    put(log, 'a')
    await store.close()
    const again = await rig.open()
    await again.settled()
    put(again.streams()[0], 'a')
    await again.close()
    const fs = rig.disk.mount()
    for (const name of await fs.list(`${FOLDER}/streams/1`)) await fs.unlink(`${FOLDER}/streams/1/${name}`)
    const third = await rig.open()
    expect(third.recovery.damage.join()).toContain('streams/1/checkpoint: is missing, and nothing deleted it')
    await third.close()
  })
})

describe('what is known beside the journal', () => {
  async function codeOf(): Promise<string> {
    try {
      const store = await rig.open()
      const { damage } = store.recovery
      await store.close()
      return damage.join()
    } catch (error) {
      return `${(error as { code: string }).code}: ${(error as Error).message}`
    }
  }

  async function remove(folder: string): Promise<void> {
    const fs = rig.disk.mount()
    for (const name of await fs.list(folder)) await fs.unlink(`${folder}/${name}`)
    await fs.removeFolder(folder)
  }

  /** Two streams, whose folders are all that is left of them; the journal says nothing of them any more. */
  async function quietStreams(): Promise<void> {
    const store = await rig.open()
    for (const config of ['one', 'two']) put(store.createStream({ storage: 'file', config }), 'a')
    await store.close()
    const again = await rig.open()
    await again.settled()
    await again.close()
  }

  test('a stream whose folder is gone is missed, though no journal speaks of it', async () => {
    await quietStreams()
    await remove(`${FOLDER}/streams/2`)
    expect(await codeOf()).toBe(
      '/data/streams/2: its folder is missing, and nothing deleted it; the stream is not served',
    )
  })

  test('a stream that was deleted is not missed', async () => {
    await quietStreams()
    const store = await rig.open()
    store.deleteStream(store.streams()[1])
    await store.settled()
    rig.disk.crash('kill')
    expect(await codeOf()).toBe('')
    expect(await codeOf()).toBe('')
  })

  test('a young store without its journal is no new one', async () => {
    const store = await rig.open()
    put(store.createStream({ storage: 'file', config: 'one' }), 'a')
    await store.close()
    await remove(`${FOLDER}/journal`)
    expect(await codeOf()).toMatch(
      /^HW_DATA_CORRUPT: \/data\/journal: the journal is missing, but \/data\/REACHED says/,
    )
  })

  test('a page that is damaged says nothing, and is written anew', async () => {
    await quietStreams()
    const path = `${FOLDER}/REACHED`
    const bytes = rig.disk.content(path)
    bytes[12] ^= 1
    rig.write(path, bytes)
    expect(await codeOf()).toBe('')
    expect(Buffer.from(rig.disk.content(path)).toString()).toMatch(
      /^\{"from":\d+,"reached":\d+,"streams":\[1,2\]\} [0-9a-f]{8}\n$/,
    )
  })
})
