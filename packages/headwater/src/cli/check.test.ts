import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { jetstream, jetstreamManager } from '@nats-io/jetstream'
import { connect } from '@nats-io/transport-node'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { NodeFileSystem } from '../base/node-fs.ts'
import { VirtualClock } from '../base/testing/virtual-clock.ts'
import { Headwater } from '../server/index.ts'
import { check } from './check.ts'
import { checkHelp } from './check-text.ts'
import { commandOf } from './flags.ts'

test.each([
  ['check x', { what: 'check', folder: 'x', repairTo: undefined, json: false }],
  ['check --json x', { what: 'check', folder: 'x', repairTo: undefined, json: true }],
  ['check x --repair y', { what: 'check', folder: 'x', repairTo: 'y', json: false }],
  ['check --repair=y x', { what: 'check', folder: 'x', repairTo: 'y', json: false }],
  ['check --help', { what: 'check-help' }],
  ['check', { what: 'wrong', message: 'check needs a data folder' }],
  ['check a b', { what: 'wrong', message: 'one folder at a time: a, or b' }],
  ['check a --repair', { what: 'wrong' }],
  ['check a --fast', { what: 'wrong', message: '--fast is not a flag of check' }],
  ['-p 4222 check a', { what: 'wrong', message: 'check comes first' }],
])('%s', (line, command) => {
  expect(commandOf(line.split(' '))).toMatchObject(command)
})

const root = mkdtempSync(join(tmpdir(), 'headwater-check-'))
const good = join(root, 'good')
const PAYLOAD = 'the message that is harmed'

beforeAll(async () => {
  const hw = await Headwater.start({ data: good })
  const nc = await connect({ servers: hw.url })
  const manager = await jetstreamManager(nc)
  await manager.streams.add({ name: 'ORDERS', subjects: ['orders.*'] })
  await manager.streams.add({ name: 'OTHER', subjects: ['other'] })
  await manager.consumers.add('ORDERS', { durable_name: 'bills', ack_policy: 'explicit' as never })
  const js = jetstream(nc)
  for (let i = 1; i <= 5; i++) await js.publish(`orders.${i}`, i === 3 ? PAYLOAD : `order ${i}`)
  await js.publish('other', 'one')
  const message = await (await js.consumers.get('ORDERS', 'bills')).next()
  await message?.ackAck()
  await nc.close()
  await hw.close()
})

afterAll(() => rmSync(root, { recursive: true, force: true }))

/** A copy of the folder whose journal has one flipped bit in a message. */
function harmed(name: string): string {
  const folder = join(root, name)
  cpSync(good, folder, { recursive: true })
  for (const file of readdirSync(join(folder, 'journal'))) {
    const path = join(folder, 'journal', file)
    const bytes = readFileSync(path)
    const at = bytes.indexOf(PAYLOAD)
    if (at < 0) continue
    bytes[at] ^= 1
    writeFileSync(path, bytes)
  }
  return folder
}

async function run(line: string[]): Promise<{ code: number; said: string; logged: string }> {
  const command = commandOf(['check', ...line])
  if (command.what !== 'check') throw new Error(JSON.stringify(command))
  const said: string[] = []
  const logged: string[] = []
  const terminal = { fs: new NodeFileSystem(), clock: new VirtualClock(), say: (text: string) => said.push(text) }
  const code = await check(command, { ...terminal, log: (text) => logged.push(text) })
  return { code, said: said.join('\n'), logged: logged.join('') }
}

test('a folder that is fine', async () => {
  const { code, said } = await run([good])
  expect(said).toMatch(/2 streams with 6 messages\nfine /)
  expect(code).toBe(0)
})

test('damage: the place, what is lost, and what to do', async () => {
  const folder = harmed('damaged')
  const { code, said } = await run([folder])
  expect(code).toBe(1)
  expect(said).toMatch(/LOST {2}\S+journal.\d{10}, byte \d+: no whole frame from here/)
  expect(said).toContain('with sequences from 3 to at most 3')
  expect(said).toContain('No server starts on this folder')
  const json = JSON.parse((await run([folder, '--json'])).said)
  expect(json).toMatchObject({ fine: false, starts: false })
  expect(json.findings[0]).toMatchObject({ severity: 'lost', sequences: [3, 3] })
})

test('a copy of what holds opens and serves, and the damaged folder is as it was', async () => {
  const folder = harmed('to-save')
  const journal = (): string[] =>
    readdirSync(join(folder, 'journal')).map((file) => readFileSync(join(folder, 'journal', file), 'hex'))
  const before = journal()
  const to = join(root, 'saved')
  const { code, said } = await run([folder, '--repair', to])
  expect(code).toBe(1)
  expect(said).toContain('ORDERS: 4 messages and 1 consumers saved\n         not in the copy: sequences 3')
  expect(journal()).toEqual(before)
  expect((await run([to])).code).toBe(0)
  const hw = await Headwater.start({ data: to })
  const nc = await connect({ servers: hw.url })
  const manager = await jetstreamManager(nc)
  const { state } = await manager.streams.info('ORDERS')
  expect(state).toMatchObject({ messages: 4, first_seq: 1, last_seq: 5 })
  expect((await manager.streams.getMessage('ORDERS', { seq: 4 }))?.string()).toBe('order 4')
  expect(await manager.consumers.info('ORDERS', 'bills')).toMatchObject({
    ack_floor: { stream_seq: 1 },
    num_pending: 3,
  })
  expect((await jetstream(nc).publish('orders.9', 'new')).seq).toBe(6)
  await nc.close()
  await hw.close()
})

test('a stream that lost its configuration is saved under a name of its own', async () => {
  const folder = join(root, 'bare')
  // Opened again, so that what was in the journal is in segments.
  cpSync(good, folder, { recursive: true })
  const former = await Headwater.start({ data: folder })
  const streams = join(folder, 'streams')
  const flushed = (): string[] => readdirSync(streams).filter((id) => existsSync(join(streams, id, 'checkpoint')))
  // Only when the former files are gone the checkpoint is the one place that says what the stream is.
  const files = (): string[] => readdirSync(join(folder, 'journal')).filter((file) => /^\d+$/.test(file))
  while (flushed().length < 2 || files().length > 1) await new Promise((resolve) => setImmediate(resolve))
  await former.close()
  const [first] = readdirSync(streams)
  rmSync(join(folder, 'streams', first, 'checkpoint'))
  const to = join(root, 'bare-saved')
  const { said } = await run([folder, '--repair', to])
  expect(said).toContain(`SAVED_${first}: 5 messages`)
  expect(said).toContain('it was given a name of its own')
  const hw = await Headwater.start({ data: to })
  const nc = await connect({ servers: hw.url })
  const manager = await jetstreamManager(nc)
  expect((await manager.streams.info(`SAVED_${first}`)).state.messages).toBe(5)
  expect((await manager.streams.getMessage(`SAVED_${first}`, { seq: 3 }))?.string()).toBe(PAYLOAD)
  await nc.close()
  await hw.close()
})

test('bad usage is told from damage', async () => {
  expect(await run([join(root, 'nowhere')])).toMatchObject({ code: 2 })
  expect((await run([root])).logged).toContain('is not a data folder')
  expect((await run([good, '--repair', harmed('taken')])).logged).toContain('is not empty')
  expect(JSON.parse((await run([root, '--json'])).said)).toMatchObject({ error: { code: 'HW_CONFIG' } })
  const hw = await Headwater.start({ data: good })
  const { code, logged } = await run([good])
  expect(code).toBe(1)
  expect(logged).toContain('is held by process')
  await hw.close()
})

test('a check that takes long says which file it reads', async () => {
  let nowMs = 0
  const logged: string[] = []
  const clock = { now: () => (nowMs += 600), after: () => ({ cancel: () => {} }) }
  const terminal = { fs: new NodeFileSystem(), clock, say: () => {}, log: (text: string) => logged.push(text) }
  await check({ what: 'check', folder: good, repairTo: undefined, json: false }, terminal)
  expect(logged.join('')).toMatch(/ {2}reading {2}file \d+: \S+good/)
})

test('the help says what the exit codes are', () => {
  expect(checkHelp()).toContain('0 fine, 1 damage was found')
})
