/** The same flow on three real nats-servers: the leader of its stream dies in the middle, and every order still adds up. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { jetstreamManager } from '@nats-io/jetstream'
import { connect } from '@nats-io/transport-node'
import { expect, test } from 'vitest'
import { findJudge } from '../../../conformance/support/find-judge.ts'
import { freePorts, runFlowCommand } from './testing.ts'

const ORDERS = 1500
const { server } = findJudge()

test.skipIf(server === undefined)(
  `on a cluster of three nats-servers whose leader is killed${server ? '' : ' (skipped: no nats-server found, see HEADWATER_JUDGE)'}`,
  { timeout: 180_000 },
  async () => {
    const cluster = await startCluster(server as string)
    try {
      const flow = runFlowCommand('--servers', cluster.urls.join(','), '--orders', String(ORDERS))
      const killed = killLeaderInTheMiddle(cluster)
      const { code, output } = await flow
      expect(output).toContain(`all ${ORDERS} orders add up`)
      expect(code).toBe(0)
      expect(await killed).toMatch(/^node[123]$/)
    } finally {
      await cluster.stop()
    }
  },
)

interface Cluster {
  urls: string[]
  kill(name: string): Promise<void>
  restart(name: string): void
  stop(): Promise<void>
}

async function startCluster(program: string): Promise<Cluster> {
  const folder = mkdtempSync(join(tmpdir(), 'headwater-cluster-'))
  const ports = await freePorts(6)
  const [clients, routes] = [ports.slice(0, 3), ports.slice(3)]
  const nodes = new Map<string, ChildProcess>()
  const start = (index: number) => {
    const name = `node${index + 1}`
    const args = [
      ...['--server_name', name, '-a', '127.0.0.1', '-p', String(clients[index]), '-js', '-sd', join(folder, name)],
      ...['--cluster_name', 'orders', '--cluster', `nats://127.0.0.1:${routes[index]}`],
      ...['--routes', routes.map((port) => `nats://127.0.0.1:${port}`).join(',')],
    ]
    nodes.set(name, spawn(program, args, { stdio: 'ignore' }))
  }
  for (const index of [0, 1, 2]) start(index)
  const end = async (node: ChildProcess) => {
    if (node.exitCode !== null || node.signalCode !== null) return
    const exited = once(node, 'exit')
    node.kill('SIGKILL')
    await exited
  }
  return {
    urls: clients.map((port) => `nats://127.0.0.1:${port}`),
    kill: (name) => end(nodes.get(name) as ChildProcess),
    restart: (name) => start(Number(name.at(-1)) - 1),
    async stop() {
      for (const node of nodes.values()) await end(node)
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** Waits until a third of the orders is stored, kills the leader, waits for another one, brings the dead one back. */
async function killLeaderInTheMiddle(cluster: Cluster): Promise<string> {
  const nc = await connect({
    servers: cluster.urls,
    waitOnFirstConnect: true,
    maxReconnectAttempts: -1,
    reconnectTimeWait: 100,
  })
  const info = async () => {
    const jsm = await jetstreamManager(nc, { checkAPI: false })
    return jsm.streams.info('ORDERS')
  }
  const leaderWhen = async (condition: (leader: string, messages: number) => boolean) => {
    for (;;) {
      const found = await info().catch(() => undefined)
      const leader = found?.cluster?.leader
      if (leader && condition(leader, found.state.messages)) return leader
      await sleep(50)
    }
  }
  try {
    const leader = await leaderWhen((_, messages) => messages >= ORDERS / 3)
    await cluster.kill(leader)
    await leaderWhen((other) => other !== leader)
    cluster.restart(leader)
    return leader
  } finally {
    await nc.close()
  }
}
