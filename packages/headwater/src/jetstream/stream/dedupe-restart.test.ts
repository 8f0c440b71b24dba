import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { ConsumerRig } from '../testing/consumer-rig.ts'
import { DiskMachine } from '../testing/disk-engine.ts'
import type { TestEngine } from '../testing/engine.ts'

const seed = 20_260_102
const SMALL = { journalBytes: 16 * 1024, segmentBytes: 64 * 1024 }

let machine: DiskMachine
let rig: ConsumerRig
beforeEach(async () => {
  machine = new DiskMachine(seed, SMALL)
  rig = new ConsumerRig(await machine.start())
})
afterEach(() => rig.engine.jetstream.close())

async function crash(kind: 'kill' | 'power'): Promise<void> {
  rig = new ConsumerRig(await machine.crash(kind))
}

/** Fills more than a journal file with messages that carry no id; lets the flushes end. */
async function fill(subject: string): Promise<void> {
  for (let i = 0; i < 40; i++) await rig.publish(subject, 'x'.repeat(1000))
  await rig.engine.pass(500)
}

const publishId = async (engine: TestEngine, subject: string, id: string): Promise<unknown> =>
  (await engine.request(subject, 'again', [['Nats-Msg-Id', id]])).json

describe('an id whose message is gone', () => {
  for (const kind of ['kill', 'power'] as const) {
    test(`of a work queue makes a duplicate after two starts (${kind}), until its window ends`, async () => {
      await rig.stream({ name: 'S', subjects: ['s.>'], retention: 'workqueue', duplicate_window: 60e9 })
      await rig.consumer('S', 'C', { filter_subject: 's.mine' })
      await rig.publish('s.other')
      const seq = await rig.publish('s.mine', 'once', [['Nats-Msg-Id', ' one ']])
      await rig.engine.pass(20)
      const [delivery] = await rig.pull('S', 'C')
      expect(delivery.text).toBe('once')
      await rig.answerSure(delivery)
      expect(await rig.stored('S')).toEqual([`1 s.other `])
      for (let start = 1; start <= 2; start++) {
        await crash(kind)
        expect(await publishId(rig.engine, 's.mine', ' one '), `start ${start}`).toEqual({
          stream: 'S',
          seq,
          duplicate: true,
        })
      }
      await rig.engine.pass(60_000)
      expect(await publishId(rig.engine, 's.mine', ' one ')).toEqual({ stream: 'S', seq: seq + 1 })
    })

    test(`is kept wherever its record lies when it leaves (${kind})`, async () => {
      await rig.stream({ name: 'S', subjects: ['s.>'], retention: 'workqueue', duplicate_window: 60e9 })
      await rig.consumer('S', 'C', { filter_subject: 's.mine' })
      await rig.consumer('S', 'D', { filter_subject: 's.fill', ack_policy: 'none' })
      const early = await rig.publish('s.mine', 'early', [['Nats-Msg-Id', 'early']])
      const late = await rig.publish('s.mine', 'late', [['Nats-Msg-Id', 'late']])
      await rig.engine.pass(20)
      const [first, second] = await rig.pull('S', 'C', 2)
      // Its record and its removal are in one journal file, which goes; the other one is in a segment by then.
      await rig.answerSure(first)
      await fill('s.fill')
      await rig.answerSure(second)
      for (let start = 1; start <= 3; start++) {
        await crash(kind)
        expect(await publishId(rig.engine, 's.mine', 'early'), `start ${start}`).toMatchObject({
          seq: early,
          duplicate: true,
        })
        expect(await publishId(rig.engine, 's.mine', 'late'), `start ${start}`).toMatchObject({
          seq: late,
          duplicate: true,
        })
        if (start === 2) await fill('s.fill')
      }
    })
  }

  test('by a limit, a purge or a deletion makes a duplicate', async () => {
    await rig.stream({ name: 'S', subjects: ['s.>'], max_msgs: 3, duplicate_window: 60e9 })
    for (let i = 1; i <= 6; i++) await rig.publish('s.a', 'x', [['Nats-Msg-Id', `id${i}`]])
    await rig.engine.api('STREAM.MSG.DELETE.S', { seq: 5 })
    await rig.engine.api('STREAM.PURGE.S')
    await rig.engine.pass(50)
    await crash('power')
    for (let i = 1; i <= 6; i++) {
      expect(await publishId(rig.engine, 's.a', `id${i}`)).toEqual({ stream: 'S', seq: i, duplicate: true })
    }
  })

  test('of an interest stream in which nobody was interested makes a duplicate', async () => {
    await rig.stream({ name: 'S', subjects: ['s.>'], retention: 'interest', duplicate_window: 60e9 })
    const seq = await rig.publish('s.a', 'x', [['Nats-Msg-Id', 'one']])
    expect((await rig.engine.api('STREAM.INFO.S')).json.state).toMatchObject({ messages: 0, last_seq: seq })
    await crash('power')
    expect((await rig.engine.api('STREAM.INFO.S')).json.state).toMatchObject({ messages: 0, last_seq: seq })
    expect(await publishId(rig.engine, 's.a', 'one')).toEqual({ stream: 'S', seq, duplicate: true })
  })
})
