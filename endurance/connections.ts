/** Many idle connections with a subscription each: what each costs, one message to all, and whether the memory comes back. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { findJudge } from '../conformance/support/find-judge.ts'
import { freePort } from '../conformance/support/free-port.ts'
import { RawClient } from './raw-client.ts'
import { memoryOf, Server } from './server.ts'
import { printTable } from './table.ts'

/** Stated: what an idle connection with one subscription may cost the server at most. */
export const CONNECTION_KB_MAX = 20

/** How often all of them come and go. */
const ROUNDS = 8

interface Measured {
  readonly emptyMb: number
  readonly idleMb: number
  readonly perConnectionKb: number
  readonly delivered: number
  readonly allDeliveredMs: number
  readonly afterMb: number
}

/** Runs ours, and nats-server where there is one. Returns the exit code. */
export async function runConnections(options: {
  folder: string
  count: number
  command?: string
  log: (line: string) => void
}): Promise<number> {
  const { folder, count, log } = options
  const server = new Server({ folder: join(folder, 'ours'), command: options.command })
  await server.start()
  let ours: Measured
  try {
    ours = await measure(server.port, server.pid, count, (line) => log(`Headwater: ${line}`))
  } finally {
    await server.kill()
  }
  print('Headwater', ours)
  const judge = findJudge().server
  if (judge === undefined) console.log('skipped: nats-server, which is not here (HEADWATER_JUDGE says where)')
  else print('nats-server', await measureJudge(judge, join(folder, 'judge'), count, log))
  const faults: string[] = []
  if (ours.delivered !== count) faults.push(`${ours.delivered} of ${count} got the message`)
  if (ours.perConnectionKb > CONNECTION_KB_MAX)
    faults.push(`${ours.perConnectionKb.toFixed(1)} KB a connection, stated are ${CONNECTION_KB_MAX}`)
  const leak = await returns(join(folder, 'again'), count, options)
  if (leak !== undefined) faults.push(leak)
  for (const fault of faults) console.log(`  ${fault}`)
  console.log(`${faults.length} faults`)
  return faults.length > 0 ? 1 : 0
}

/**
 * Does the memory of closed connections come back? The collector takes its time while there is room, so there is none: with a
 * heap that holds them once but not again, all come and go eight times. Returns what went wrong.
 */
async function returns(
  folder: string,
  count: number,
  { command, log }: { command?: string; log: (line: string) => void },
): Promise<string | undefined> {
  const heapMb = 64 + Math.ceil((count * CONNECTION_KB_MAX) / 2 / 1024)
  const server = new Server({ folder, command, env: { NODE_OPTIONS: `--max-old-space-size=${heapMb}` } })
  await server.start()
  try {
    for (let round = 1; round <= ROUNDS; round++) {
      const clients = await openAll(server.port, count)
      for (const client of clients) client.close()
      await sleep(1000)
      if (!server.isRunning)
        return `with a heap of ${heapMb} MB the server ended in round ${round}: memory does not come back`
      log(
        `come and gone ${round} times of ${ROUNDS} in a heap of ${heapMb} MB: ${server.memory().residentMb.toFixed(0)} MB`,
      )
    }
    return undefined
  } catch (error) {
    return `with a heap of ${heapMb} MB: ${String(error)}`
  } finally {
    await server.kill()
  }
}

async function measure(port: number, pid: number, count: number, log: (line: string) => void): Promise<Measured> {
  await sleep(2000)
  const emptyMb = memoryOf(pid).residentMb
  const clients = await openAll(port, count)
  await sleep(3000)
  const idleMb = memoryOf(pid).residentMb
  log(`${count} connections, ${idleMb.toFixed(0)} MB`)
  const publisher = await RawClient.open(port)
  const startMs = performance.now()
  publisher.send('PUB idle 5\r\nhello\r\n')
  const delivered = (): number => clients.reduce((sum, client) => sum + client.messages, 0)
  while (delivered() < count && performance.now() - startMs < 20_000) await sleep(5)
  const allDeliveredMs = performance.now() - startMs
  const got = delivered()
  for (const client of clients) client.close()
  publisher.close()
  await sleep(10_000)
  const afterMb = memoryOf(pid).residentMb
  log(`closed, ${afterMb.toFixed(0)} MB`)
  const perConnectionKb = ((idleMb - emptyMb) * 1024) / count
  return { emptyMb, idleMb, perConnectionKb, delivered: got, allDeliveredMs, afterMb }
}

async function openAll(port: number, count: number): Promise<RawClient[]> {
  const clients: RawClient[] = []
  while (clients.length < count) {
    const wave = Array.from({ length: Math.min(100, count - clients.length) }, () => RawClient.open(port))
    for (const client of await Promise.all(wave)) {
      client.send('SUB idle 1\r\n')
      clients.push(client)
    }
  }
  for (let index = 0; index < count; index += 100)
    await Promise.all(clients.slice(index, index + 100).map((client) => client.ping()))
  return clients
}

async function measureJudge(judge: string, folder: string, count: number, log: (line: string) => void) {
  mkdirSync(folder, { recursive: true })
  const port = await freePort()
  const child = spawn(judge, ['-a', '127.0.0.1', '-p', String(port), '-js', '-sd', folder], { stdio: 'ignore' })
  const exited = once(child, 'exit')
  try {
    for (let attempt = 0; attempt < 100; attempt++) {
      const client = await RawClient.open(port).catch(() => undefined)
      client?.close()
      if (client) break
      await sleep(50)
    }
    return await measure(port, child.pid ?? 0, count, (line) => log(`nats-server: ${line}`))
  } finally {
    child.kill('SIGKILL')
    await exited
  }
}

function print(name: string, measured: Measured): void {
  printTable({
    [name]: '',
    'resident before, MB': measured.emptyMb,
    'resident with all idle, MB': measured.idleMb,
    'a connection, KB': measured.perConnectionKb,
    'got the one message': measured.delivered,
    'until all had it, ms': measured.allDeliveredMs,
    'resident 10 s after all closed, MB': measured.afterMb,
  })
}
