/** The system calls of a running broker: no PubAck leaves a socket before the synced write of its message has returned. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { jetstream, jetstreamManager } from '@nats-io/jetstream'
import { connect } from '@nats-io/transport-node'
import { expect, onTestFinished, test } from 'vitest'
import { ChildBroker } from './child-broker.case.ts'
import { SystemCalls } from './system-calls.case.ts'

const MESSAGES = 300
const hasStrace = spawnSync('strace', ['-V']).status === 0

const marker = (index: number) => `marker-${String(index).padStart(5, '0')}`

test.skipIf(!hasStrace)(
  `no PubAck before the sync of its bytes${hasStrace ? '' : ' (skipped: strace is not installed)'}`,
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'headwater-trace-'))
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
    const log = join(folder, 'trace')
    const calls = 'trace=openat,close,write,writev,sendto,sendmsg,pwrite64,pwritev,pwritev2,fsync,fdatasync'
    // -D: the broker itself is our child, and gets our signals.
    const through = ['strace', '-D', '-f', '-q', '-s', '4000000', '-e', calls, '-o', log]
    const broker = await ChildBroker.start({ folder: join(folder, 'data'), through })
    onTestFinished(() => broker.kill().catch(() => {}))
    const sequences = await publishAll(broker.url)
    await broker.stop()

    // The tracer ends after the broker, and with it the log.
    await expect.poll(() => readFileSync(log, 'latin1'), { timeout: 20_000 }).toMatch(/\+\+\+ exited with 0 \+\+\+\n$/)
    const trace = new SystemCalls(readFileSync(log, 'latin1'))
    expect(sequences.length).toBe(MESSAGES)
    for (const [index, seq] of sequences.entries()) {
      const synced = trace.firstSyncedWrite(marker(index))
      const acked = trace.firstSend(`"seq":${seq}}`)
      expect(synced, `${marker(index)} was never written and synced`).toBeGreaterThan(0)
      expect(acked, `the acknowledgement of ${marker(index)} was never sent`).toBeGreaterThan(0)
      expect(acked, `${marker(index)} was acknowledged in line ${acked}, synced in line ${synced}`).toBeGreaterThan(
        synced,
      )
    }
  },
)

/** One after the other first, then many at once; the sequence of each. */
async function publishAll(url: string): Promise<number[]> {
  const nc = await connect({ servers: url, reconnect: false })
  await (await jetstreamManager(nc)).streams.add({ name: 'TRACED', subjects: ['traced'] })
  const js = jetstream(nc)
  const publish = async (index: number) => (await js.publish('traced', marker(index), { timeout: 20_000 })).seq
  const sequences: number[] = []
  for (let index = 0; index < 20; index++) sequences.push(await publish(index))
  const rest = Array.from({ length: MESSAGES - 20 }, (_, index) => publish(index + 20))
  sequences.push(...(await Promise.all(rest)))
  await nc.close()
  return sequences
}
