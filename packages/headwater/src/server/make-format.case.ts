/** Makes the data folder that stands for the present format version. It is made once, when a version is new, and never again. */
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { jetstream, jetstreamManager } from '@nats-io/jetstream'
import { headers, type NatsConnection } from '@nats-io/transport-node'
import { type Told, tell } from './formats.case.ts'
import { Headwater } from './index.ts'
import { systemSeams } from './seams.ts'

/** Small files: the whole folder is to be kept. */
const JOURNAL_BYTES = 16_384
const YEARS_100 = 3_000_000_000_000_000_000
const HOUR = 3_600_000_000_000

/** Leaves in the new folder `to` the data, as a killed server does, and what clients were told of it. */
export async function makeFormat(to: string): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'headwater-format-'))
  const hw = await Headwater.startOn({ ...systemSeams(), journalBytes: JOURNAL_BYTES }, { data: folder })
  const nc = await hw.connect()
  const ids = await fill(nc)
  const told: Told = { streams: await tell(nc), ids }
  // What was acknowledged is on disk, and nothing is in flight.
  mkdirSync(to, { recursive: true })
  for (const name of ['FORMAT', 'REACHED', 'journal', 'streams']) {
    cpSync(join(folder, name), join(to, 'data', name), { recursive: true })
  }
  writeFileSync(join(to, 'told.json'), `${JSON.stringify(told, undefined, 1)}\n`)
  await hw.close()
  rmSync(folder, { recursive: true })
}

async function fill(client: NatsConnection): Promise<Told['ids']> {
  const js = jetstream(client)
  const jsm = await jetstreamManager(client)
  const made: Told['ids'][number][] = []
  const streams = [
    { name: 'LIMITS', subjects: ['limits.>'], duplicate_window: YEARS_100 },
    { name: 'VALUES', subjects: ['values.*'], max_msgs_per_subject: 1 },
    { name: 'WORK', subjects: ['work.*'], retention: 'workqueue', duplicate_window: YEARS_100 },
    { name: 'EVENTS', subjects: ['events.*'], retention: 'interest' },
    { name: 'DEAD', subjects: ['dead.>'] },
    { name: 'GONE', subjects: ['gone'] },
  ] as const
  for (const stream of streams) await jsm.streams.add({ ...stream, subjects: [...stream.subjects] })
  const durable = (name: string, more: object = {}) =>
    ({ durable_name: name, ack_policy: 'explicit', ...more }) as const
  await jsm.consumers.add('LIMITS', durable('reader', { ack_wait: HOUR, filter_subject: 'limits.2' }))
  const strict = { max_deliver: 1, metadata: { 'headwater.dead_letter': 'dead.limits' } }
  await jsm.consumers.add('LIMITS', durable('strict', { ack_wait: HOUR, ...strict }))
  await jsm.consumers.add('WORK', durable('worker', { ack_wait: HOUR }))
  await jsm.consumers.add('EVENTS', durable('one', { ack_wait: HOUR }))
  await jsm.consumers.add('EVENTS', durable('two', { ack_wait: HOUR }))
  const publish = async (stream: string, subject: string, text: string, id?: string): Promise<void> => {
    const options = id === undefined ? {} : { msgID: id }
    const own = headers()
    own.set('Trace', `${text.length}`)
    const { seq } = await js.publish(subject, text, { ...options, ...(text.length % 3 === 0 && { headers: own }) })
    if (id !== undefined) made.push([stream, subject, id, seq])
  }
  for (let i = 1; i <= 90; i++) {
    await publish(
      'LIMITS',
      `limits.${i % 4}`,
      `limits ${i} `.padEnd(100 + i, '.'),
      i % 5 === 0 ? `limits-${i}` : undefined,
    )
    await publish('VALUES', `values.${i % 9}`, `value ${i}`)
    if (i % 2 === 0) await publish('WORK', `work.${i % 3}`, `work ${i}`, `work-${i}`)
    if (i % 3 === 0) await publish('EVENTS', `events.${i % 2}`, `event ${i}`)
    if (i <= 50 && i % 10 === 0) await publish('GONE', 'gone', `gone ${i}`)
    if (i === 50) {
      await jsm.streams.delete('GONE')
      await jsm.streams.deleteMessage('LIMITS', 10, true)
      await jsm.streams.deleteMessage('LIMITS', 12, false)
      await take('LIMITS', 'strict', 3, (m, k) => (k < 2 ? m.nak() : m.ack()))
      await take('WORK', 'worker', 10, (m, k) => (k < 6 ? m.ack() : undefined))
      await take('EVENTS', 'one', 5, (m) => m.ack())
    }
  }
  await take('LIMITS', 'reader', 8, (m, k) => (k % 2 === 0 ? m.ack() : undefined))
  await take('EVENTS', 'two', 4, (m, k) => (k < 3 ? m.ack() : undefined))
  await publish('LIMITS', 'limits.tail', 'the last one: in the journal alone', 'tail')
  return made

  async function take(
    stream: string,
    consumer: string,
    count: number,
    settle: (message: { ack(): void; nak(): void }, k: number) => void,
  ): Promise<void> {
    const handle = await js.consumers.get(stream, consumer)
    let k = 0
    for await (const message of await handle.fetch({ max_messages: count, expires: 2000 })) settle(message, k++)
    await client.flush()
    // Acks are recorded with the next frame.
    await jsm.consumers.info(stream, consumer)
  }
}
