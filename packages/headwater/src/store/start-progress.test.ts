import { afterEach, beforeEach, expect, test } from 'vitest'
import { silentLogger } from '../base/log.ts'
import { VirtualClock } from '../base/testing/virtual-clock.ts'
import { readable, SimRig } from './sim-rig.case.ts'
import { StartProgress } from './start-progress.ts'
import { put } from './store.case.ts'

let rig: SimRig
beforeEach(() => {
  rig = new SimRig()
})
afterEach(() => rig.stop())

test('says nothing for a second, then once a second, and never 100 percent of what is not done', () => {
  const clock = new VirtualClock()
  const said: string[] = []
  const progress = new StartProgress(clock, { ...silentLogger, info: (_fields, text) => void said.push(text) })
  progress.expect(1000)
  for (let i = 0; i < 10; i++) {
    progress.step(100, 'reading')
    clock.advance(300)
  }
  progress.step(100, 'reading')
  expect(said).toEqual(['starting: 50% after 1 s, reading', 'starting: 90% after 2 s, reading'])
  clock.advance(1000)
  progress.step(0, 'reading')
  expect(said.at(-1)).toBe('starting: 99% after 4 s, reading')
})

test('a start on a slow disk says where it is, one on a quick disk does not', async () => {
  const small = { journalBytes: 2048, segmentBytes: 3000 }
  const store = await rig.open(small)
  for (const config of ['A', 'B', 'C']) {
    const log = store.createStream({ storage: 'file', config })
    for (let i = 0; i < 30; i++) {
      put(log, `a.${i}`, 'x'.repeat(200))
      await readable(store)
    }
  }
  await store.settled()
  await store.close()
  const info: { fields: Record<string, unknown>; text: string }[] = []
  const log = {
    ...silentLogger,
    info: (fields: Record<string, unknown>, text: string) => void info.push({ fields, text }),
  }
  await (await rig.open({ ...small, log })).close()
  expect(info).toEqual([])
  rig.disk.faults.operationMs = [300, 300]
  const again = await rig.open({ ...small, log })
  expect(again.recovery.damage).toEqual([])
  const percents = info.map(({ fields }) => fields.percent as number)
  expect(percents.length).toBeGreaterThan(2)
  expect(percents).toEqual([...percents].sort((a, b) => a - b))
  expect(info.map(({ text }) => text).join('\n')).toMatch(
    /starting: \d+% after \d+ s, reading the index of stream 2 of \d/,
  )
  await again.close()
})
