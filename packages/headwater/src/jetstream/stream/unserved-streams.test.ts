import { expect, test } from 'vitest'
import { settle } from '../../base/testing/settle.ts'
import { ConsumerRig } from '../testing/consumer-rig.ts'
import { DiskMachine } from '../testing/disk-engine.ts'
import { UnservedStreams } from './unserved-streams.ts'

const WRITTEN_MS = 100

/** Streams LOST and FINE, with checkpoints; `harm` is done to the folder of LOST while nothing runs. */
async function startedAfter(harm: (machine: DiskMachine, path: string) => void): Promise<ConsumerRig> {
  const machine = new DiskMachine(5, { journalBytes: 2048 })
  const rig = new ConsumerRig(await machine.start())
  await rig.stream({ name: 'LOST', subjects: ['lost.*'] })
  await rig.stream({ name: 'FINE', subjects: ['fine'] })
  for (let i = 0; i < 20; i++) {
    await rig.publish(`lost.${i}`, 'x'.repeat(200))
    await rig.publish('fine', 'x'.repeat(200))
    await rig.engine.pass(WRITTEN_MS)
  }
  rig.engine.jetstream.close()
  await settle(rig.engine, rig.engine.store.close())
  harm(machine, '/data/streams/1')
  rig.engine = await machine.start()
  return rig
}

/** Flips a bit in the message of a checkpoint's end: behind the configuration. */
function harmCheckpoint(machine: DiskMachine, own: string): void {
  const { length } = machine.disk.content(`${own}/checkpoint`)
  expect(machine.disk.rot(`${own}/checkpoint`, 8 * (length - 3))).toBe(true)
}

/** Subjects that cannot be read, and a message that cannot either. */
function harmSubjects(machine: DiskMachine, own: string): void {
  machine.disk.rot(`${own}/subjects`, 8 * 20)
  const segment = machine.disk.files().find(({ path }) => path.startsWith(own) && path.endsWith('.seg'))?.path ?? ''
  machine.disk.rot(segment, 8 * 100)
}

test.each([
  ['its checkpoint', harmCheckpoint],
  ['its subjects', harmSubjects],
] as const)('a stream that lost %s keeps its name and its subjects from others', async (_what, harm) => {
  const rig = await startedAfter(harm)
  const { store, jetstream } = rig.engine
  expect(store.recovery.damage.join()).toContain('the stream is not served')
  expect(jetstream.streams().map(({ name }) => name)).toEqual(['FINE'])
  const nextStep = 'headwater check DIR says what is lost, and --repair TO saves the rest'
  const refused = (text: string): object =>
    expect.objectContaining({ err_code: 10049, message: `${text}: ${nextStep}` })
  expect(() => jetstream.createStream({ name: 'LOST', subjects: ['lost.*'] })).toThrow(
    refused('stream LOST is damaged and not served'),
  )
  expect(() => jetstream.createStream({ name: 'OTHER', subjects: ['lost.>'] })).toThrow(
    refused('subjects overlap with stream LOST, which is damaged and not served'),
  )
  expect(() => jetstream.updateStream({ name: 'FINE', subjects: ['fine', 'lost.7'] })).toThrow(
    refused('subjects overlap with stream LOST, which is damaged and not served'),
  )
  expect(jetstream.createStream({ name: 'NEW', subjects: ['new'] }).name).toBe('NEW')
  expect(await rig.publish('fine', 'still')).toBe(21)
})

test('what cannot be read of a configuration keeps nobody from anything', () => {
  const unserved = new UnservedStreams(['', 'no json', '{"config":5}', '{"config":{"name":7}}'])
  const config = { name: 'A', subjects: ['a'] } as Parameters<UnservedStreams['check']>[0]
  expect(() => unserved.check(config)).not.toThrow()
  const odd = new UnservedStreams(['{"config":{"name":"A","subjects":[7,"a"]}}'])
  expect(() => odd.check({ ...config, name: 'B' })).toThrow(/overlap with stream A/)
})
