/** The whole engine over a disk that cannot read, a process without descriptors, and clocks that jump between two starts. */
import { describe, expect, test } from 'vitest'
import type { FileSystem } from '../base/fs.ts'
import { ConsumerRig } from './testing/consumer-rig.ts'
import { DiskMachine } from './testing/disk-engine.ts'

const SECOND = 1e9
const HOUR_MS = 3_600_000
const SMALL = { journalBytes: 16 * 1024, segmentBytes: 64 * 1024 }

/** A stream of forty messages, the first of them on disk only, in a process that has just started. */
async function coldOrders(
  fsOf: (fs: FileSystem) => FileSystem = (fs) => fs,
): Promise<{ machine: DiskMachine; rig: ConsumerRig }> {
  const machine = new DiskMachine(7, SMALL)
  const rig = new ConsumerRig(await machine.start())
  // A short window: reading it back would bring the messages into memory.
  await rig.stream({ name: 'ORDERS', subjects: ['orders'], storage: 'file', duplicate_window: 100_000_000 })
  for (let i = 1; i <= 40; i++) await rig.publish('orders', `${i} `.padEnd(1000, '.'))
  await rig.engine.pass(1000)
  machine.disk.crash('kill')
  machine.more = { ...SMALL, fs: fsOf(machine.disk.mount()) }
  rig.engine = await machine.start()
  await rig.engine.pass(1000)
  return { machine, rig }
}

const numberOf = ({ text }: { text: string }): number => Number.parseInt(text, 10)

describe('a message that cannot be read', () => {
  test.each(['pull', 'push'] as const)(
    'is passed over by a %s consumer, in order; it stays, and its place is named',
    async (how) => {
      const { machine, rig } = await coldOrders()
      const segment = machine.disk.files().find(({ path }) => path.endsWith('0000000000000001.seg'))?.path as string
      const at = Buffer.from(machine.disk.content(segment)).indexOf('3 ....')
      machine.disk.rot(segment, 8 * at + 1)
      const push = how === 'push' ? { deliver_subject: 'to.me' } : {}
      const listener = rig.listen('to.me')
      await rig.consumer('ORDERS', 'worker', { ack_wait: 30 * SECOND, ...push })
      await rig.engine.pass(2000)
      const got = how === 'push' ? listener.got : rig.ask('ORDERS', 'worker', { batch: 100, expires: 5 * SECOND }).got
      await rig.engine.pass(2000)
      expect(got.map(numberOf)).toEqual([1, 2, ...Array.from({ length: 37 }, (_, i) => i + 4)])
      expect(rig.engine.store.troubles().join()).toMatch(
        /a message cannot be read: .*0000000000000001.seg, byte \d+: message 3 /,
      )
      expect((await rig.engine.api('STREAM.MSG.GET.ORDERS', { seq: 3 })).json.error.description).toMatch(
        /message 3 does not match/,
      )
      expect((await rig.engine.api('STREAM.INFO.ORDERS')).json.state.messages).toBe(40)
      const info = await rig.info('ORDERS', 'worker')
      expect([info.num_pending, info.num_ack_pending]).toEqual([0, 39])
    },
  )

  test('and was delivered before: it stays pending, is tried again after its ack wait, and holds nobody up', async () => {
    const { machine, rig } = await coldOrders()
    await rig.consumer('ORDERS', 'worker', { ack_wait: 5 * SECOND })
    const { got } = rig.ask('ORDERS', 'worker', { batch: 1, expires: 60 * SECOND })
    await rig.engine.pass(1000)
    const [first] = got.map(numberOf)
    machine.disk.crash('kill')
    const segment = machine.disk.files().find(({ path }) => path.endsWith('0000000000000001.seg'))?.path as string
    const at = Buffer.from(machine.disk.content(segment)).indexOf(`${first} ....`)
    machine.disk.rot(segment, 8 * at + 1)
    machine.more = SMALL
    rig.engine = await machine.start()
    // More than there are messages: it is open when the redeliveries are due.
    const { got: again } = rig.ask('ORDERS', 'worker', { batch: 500, expires: 60 * SECOND })
    const times = (): number => again.filter((one) => numberOf(one) === first).length
    await rig.engine.pass(12_000)
    expect([times(), again.length > 10]).toEqual([0, true])
    expect((await rig.info('ORDERS', 'worker')).num_ack_pending).toBeGreaterThan(10)
    machine.disk.rot(segment, 8 * at + 1)
    await rig.engine.pass(1000)
    await rig.engine.pass(6000)
    expect(again.filter((one) => numberOf(one) === first).map(({ deliveries }) => deliveries)[0]).toBe(2)
  })
})

test('without a file descriptor a consumer waits for its message, and misses none', async () => {
  let isOut = false
  const refuse = () => Promise.reject(Object.assign(new Error('EMFILE: too many open files'), { code: 'EMFILE' }))
  // Some files are open already: reading them fails as opening the others does.
  const starved = (fs: FileSystem): FileSystem => {
    const open: FileSystem['open'] = async (path, mode) => {
      const file = await fs.open(path, mode)
      const readAt = file.readAt.bind(file)
      file.readAt = (into, at) => (isOut ? refuse() : readAt(into, at))
      return file
    }
    return new Proxy(fs, {
      get: (target, name) => (name === 'open' ? (isOut ? refuse : open) : Reflect.get(target, name).bind(target)),
    })
  }
  const { rig } = await coldOrders(starved)
  isOut = true
  await rig.consumer('ORDERS', 'worker')
  const { got } = rig.ask('ORDERS', 'worker', { batch: 3, expires: 60 * SECOND })
  await rig.engine.pass(5000)
  expect(got).toEqual([])
  isOut = false
  await rig.engine.pass(2000)
  expect(got.map(numberOf)).toEqual([1, 2, 3])
  expect(rig.engine.store.troubles()).toEqual([])
})

describe('a clock that is set between two starts', () => {
  async function orders(config: object = {}): Promise<{ machine: DiskMachine; rig: ConsumerRig }> {
    const machine = new DiskMachine(9)
    const rig = new ConsumerRig(await machine.start())
    await rig.stream({ name: 'ORDERS', subjects: ['orders'], storage: 'file', ...config })
    await rig.engine.pass(100)
    return { machine, rig }
  }
  const timeOf = async (rig: ConsumerRig, seq: number): Promise<string> =>
    (await rig.engine.api('STREAM.MSG.GET.ORDERS', { seq })).json.message.time

  async function startAfter(machine: DiskMachine, rig: ConsumerRig, hours: number): Promise<void> {
    machine.disk.crash('kill')
    if (hours < 0) machine.clock.setBack(-hours * HOUR_MS)
    else machine.clock.advance(hours * HOUR_MS)
    rig.engine = await machine.start()
  }

  test('back: later messages are not older, and those of one moment keep their order', async () => {
    const { machine, rig } = await orders()
    await rig.publish('orders', 'before')
    const before = await timeOf(rig, 1)
    await startAfter(machine, rig, -3)
    await rig.publish('orders', 'after')
    expect(await timeOf(rig, 2)).toBe(before)
    await rig.engine.pass(4 * HOUR_MS)
    await rig.publish('orders', 'much later')
    expect(Date.parse(await timeOf(rig, 3))).toBeGreaterThan(Date.parse(before) + 0.9 * HOUR_MS)
  })

  test('back: a message that waits for its ack comes again after its ack wait, not hours later', async () => {
    const { machine, rig } = await orders()
    await rig.consumer('ORDERS', 'worker', { ack_wait: 30 * SECOND })
    await rig.publish('orders', 'one')
    expect(await rig.pull('ORDERS', 'worker')).toHaveLength(1)
    await rig.engine.pass(100)
    await startAfter(machine, rig, -3)
    const { got } = rig.ask('ORDERS', 'worker', { batch: 1, expires: 120 * SECOND })
    await rig.engine.pass(25_000)
    expect(got).toEqual([])
    await rig.engine.pass(10_000)
    expect(got.map(({ deliveries }) => deliveries)).toEqual([2])
    // The next start finds the same clock behind, and what was put back is not put back again.
    await startAfter(machine, rig, 0)
    const again = rig.ask('ORDERS', 'worker', { batch: 1, expires: 120 * SECOND }).got
    await rig.engine.pass(15_000)
    expect(again).toEqual([])
    await rig.engine.pass(20_000)
    expect(again).toHaveLength(1)
  })

  test('back: nothing is too old before its time, and ids are known at least as long as promised', async () => {
    const { machine, rig } = await orders({ max_age: 3600 * SECOND, duplicate_window: 120 * SECOND })
    await rig.publish('orders', 'one', [['Nats-Msg-Id', 'a']])
    await startAfter(machine, rig, -3)
    await rig.engine.pass(1000)
    expect((await rig.engine.request('orders', 'x', [['Nats-Msg-Id', 'a']])).json.duplicate).toBe(true)
    await rig.engine.pass(2 * HOUR_MS)
    expect(await rig.stored('ORDERS')).toHaveLength(1)
    await rig.engine.pass(2.1 * HOUR_MS)
    expect(await rig.stored('ORDERS')).toEqual([])
  })

  test('forward: what became too old meanwhile goes, ids are forgotten, and nobody is taken for inactive', async () => {
    const { machine, rig } = await orders({ max_age: 3600 * SECOND, duplicate_window: 120 * SECOND })
    await rig.consumer('ORDERS', 'worker', { ack_wait: 30 * SECOND, inactive_threshold: 60 * SECOND })
    await rig.publish('orders', 'one', [['Nats-Msg-Id', 'a']])
    await startAfter(machine, rig, 5)
    await rig.engine.pass(30_000)
    expect(await rig.stored('ORDERS')).toEqual([])
    expect((await rig.engine.request('orders', 'x', [['Nats-Msg-Id', 'a']])).json).toMatchObject({ seq: 2 })
    expect((await rig.info('ORDERS', 'worker')).num_pending).toBe(1)
  })
})
