/** What a host process and its system can do to a broker: stand still, run out of descriptors, lose the folder, start twice. */
import { pbkdf2 } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, mkdtempSync, renameSync, rmSync } from 'node:fs'
import { connect as dial, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { AckPolicy, jetstream, jetstreamManager } from '@nats-io/jetstream'
import { connect, type NatsConnection } from '@nats-io/transport-node'
import { describe, expect, onTestFinished, test } from 'vitest'
import { ChildBroker } from './child-broker.case.ts'
import { Host } from './host.case.ts'
import { Headwater } from './index.ts'

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'headwater-faults-'))
  onTestFinished(() => rmSync(path, { recursive: true, force: true }))
  return join(path, 'data')
}

async function hosted(options: object, seams: object = {}): Promise<Host> {
  const host = await Host.start(options, seams)
  onTestFinished(() => host.kill())
  return host
}

async function dialled(url: string): Promise<NatsConnection> {
  const nc = await connect({ servers: url, reconnect: false })
  onTestFinished(() => nc.close())
  return nc
}

/** A bare connection: what it got, and a way to wait for more. */
async function raw(url: string): Promise<{ socket: Socket; until(text: string): Promise<void>; got(): string }> {
  const { hostname, port } = new URL(url)
  const socket = dial(Number(port), hostname)
  onTestFinished(() => void socket.destroy())
  let got = ''
  let more: (() => void) | undefined
  const heard = (text: string): void => {
    got += text
    more?.()
  }
  socket.setEncoding('utf8').on('data', heard)
  socket.on('close', () => heard('\nclosed\n')).on('error', () => {})
  const until = async (text: string): Promise<void> => {
    while (!got.includes(text)) {
      if (got.includes('\nclosed\n')) throw new Error(`closed before ${text}: ${got}`)
      await new Promise<void>((resolve) => {
        more = resolve
      })
    }
  }
  return { socket, until, got: () => got }
}

describe('a host that blocks its event loop', () => {
  test('an ack that lies in the socket is in time, however late it is read', async () => {
    const host = await hosted({ data: 'memory' })
    const nc = await dialled(host.url)
    const jsm = await jetstreamManager(nc)
    await jsm.streams.add({ name: 'S', subjects: ['s.>'] })
    await jsm.consumers.add('S', { durable_name: 'c', ack_policy: AckPolicy.Explicit, ack_wait: 500_000_000 })
    const js = jetstream(nc)
    const consumer = await js.consumers.get('S', 'c')
    await js.publish('s.one')
    const first = await consumer.next()
    // Somebody waits: a message whose time is over would go out at once.
    const waiting = consumer.next({ expires: 20_000 })
    await nc.flush()
    await host.block(1500)
    first?.ack()
    const second = js.publish('s.two')
    expect((await waiting)?.subject).toBe('s.two')
    expect((await second).seq).toBe(2)
    expect((await jsm.consumers.info('S', 'c')).num_redelivered).toBe(0)
  })

  test('a client whose answer to a ping lies in the socket is not stale', async () => {
    const host = await hosted({ data: 'memory', limits: { pingIntervalMs: 300, pingMax: 1 } })
    const { socket, until, got } = await raw(host.url)
    await until('INFO')
    socket.write('CONNECT {"verbose":false}\r\n')
    await until('PING')
    await host.block(1000)
    socket.write('PONG\r\nSUB a 1\r\nPUB a 2\r\nhi\r\n')
    await until('MSG a 1 2\r\nhi\r\n')
    expect(got()).not.toContain('-ERR')
  })
})

test('foreign work that fills the thread pool delays a commit, and breaks nothing', async () => {
  const hw = await Headwater.start({ data: folder() })
  onTestFinished(() => hw.close())
  const nc = await hw.connect()
  await (await jetstreamManager(nc)).streams.add({ name: 'S', subjects: ['s'] })
  let jobs = 8
  const busy = new Promise<void>((resolve) => {
    for (let i = jobs; i > 0; i--) pbkdf2('a', 'b', 400_000, 64, 'sha512', () => --jobs === 0 && resolve())
  })
  const acks = await Promise.all(
    Array.from({ length: 200 }, (_, i) => jetstream(nc).publish('s', String(i), { timeout: 60_000 })),
  )
  expect(acks.map((ack) => ack.seq)).toEqual(Array.from({ length: 200 }, (_, i) => i + 1))
  expect(hw.server.troubles()).toEqual([])
  await busy
})

const onLinux = process.platform === 'linux'

test.runIf(onLinux)(
  'out of file descriptors: who is there is served, work waits and says so, and all goes on afterwards',
  async () => {
    const data = folder()
    const host = await hosted({ data, monitor: false }, { journalBytes: 64 * 1024 })
    const nc = await dialled(host.url)
    const jsm = await jetstreamManager(nc)
    const js = jetstream(nc)
    await jsm.streams.add({ name: 'S', subjects: ['s'] })
    await js.publish('s', 'first')
    const unlimit = host.limitDescriptors()
    // One connection more than there are descriptors: it is not served, and the server lives on.
    const { hostname, port } = new URL(host.url)
    const refused = dial(Number(port), hostname)
    onTestFinished(() => void refused.destroy())
    refused.on('error', () => {})
    await once(refused, 'close')
    const payload = new Uint8Array(2000)
    const acks: Promise<number>[] = []
    let troubles: string[] = []
    for (let i = 0; i < 500 && troubles.length === 0; i++) {
      acks.push(js.publish('s', payload, { timeout: 60_000 }).then((ack) => ack.seq))
      troubles = await host.troubles()
    }
    expect(troubles.join()).toMatch(/EMFILE/)
    expect(troubles.join()).not.toMatch(/storage failed/)
    unlimit()
    const seqs = await Promise.all(acks)
    expect(seqs).toEqual(seqs.map((_, i) => i + 2))
    while ((await host.troubles()).length > 0) await new Promise((resolve) => setImmediate(resolve))
    const later = await dialled(host.url)
    expect((await (await jetstreamManager(later)).streams.info('S')).state.messages).toBe(seqs.length + 1)
    await host.kill()
    const again = await hosted({ data }, { journalBytes: 64 * 1024 })
    const { state } = await (await jetstreamManager(await dialled(again.url))).streams.info('S')
    expect(state.messages).toBe(seqs.length + 1)
  },
)

test('a data folder that is moved away: publishers are told, reads go on, health is red', async () => {
  const data = folder()
  const hw = await Headwater.start({ data, monitor: 0 })
  onTestFinished(() => hw.close())
  const nc = await dialled(hw.url)
  const jsm = await jetstreamManager(nc)
  const js = jetstream(nc)
  await jsm.streams.add({ name: 'S', subjects: ['s'] })
  await js.publish('s', 'first')
  renameSync(data, `${data}-moved`)
  const failed = new Promise<Error>((resolve) => hw.on('storageFailed', ({ cause }) => resolve(cause)))
  await hw.server.engine?.store.checkFolder()
  expect((await failed).message).toMatch(/removed, moved or replaced/)
  await expect(js.publish('s', 'second')).rejects.toMatchObject({ code: 10077 })
  expect((await jsm.streams.getMessage('S', { seq: 1 }))?.string()).toBe('first')
  const health = await fetch(`${hw.monitorUrl}/healthz`)
  expect(health.status).toBe(503)
  expect(await health.text()).toMatch(/removed, moved or replaced/)
  await hw.close()
  expect(existsSync(data)).toBe(false)
})

test('two servers on one folder: the second is refused, whichever way it comes, until the first is gone', async () => {
  const data = folder()
  const host = await hosted({ data })
  await expect(Headwater.start({ data })).rejects.toMatchObject({ code: 'HW_DATA_LOCKED' })
  await expect(Headwater.start({ data })).rejects.toThrow(`held by process ${host.pid}`)
  await expect(ChildBroker.start({ folder: data })).rejects.toThrow(/HW_DATA_LOCKED|is held by process/)
  rmSync(join(data, 'LOCK'))
  await expect(Headwater.start({ data })).rejects.toMatchObject({ code: 'HW_DATA_LOCKED' })
  await host.kill()
  const hw = await Headwater.start({ data })
  await expect(Host.start({ data })).rejects.toThrow(`HW_DATA_LOCKED`)
  await hw.close()
})
