/** Runs every code block of the article, printed and corrected, on Headwater and (where there is one) on nats-server. */
import { readFileSync } from 'node:fs'
import { jetstreamManager } from '@nats-io/jetstream'
import { connect } from '@nats-io/transport-node'
import { startTest } from 'headwater/testing'
import { afterAll, describe, expect, onTestFinished, test } from 'vitest'
import { findJudge } from '../../../conformance/support/find-judge.ts'
import { judgeTarget } from '../../../conformance/support/judge-target.ts'
import { correctedRuns } from './corrected-runs.ts'
import { type Server, scenarios } from './printed-scenarios.ts'
import { tableOf } from './table.ts'

const judge = findJudge().server

/** A fresh server with the article's stream. */
async function headwater(): Promise<Server> {
  const server = await startTest()
  onTestFinished(() => server.close())
  await createOrders(server.url)
  return { name: 'headwater', url: server.url, advance: (ms) => server.advance(ms) }
}

async function natsServer(): Promise<Server> {
  const server = await judgeTarget(judge ?? '').start({})
  onTestFinished(() => server.stop())
  const url = `nats://${server.host}:${server.port}`
  await createOrders(url)
  return { name: 'judge', url }
}

async function createOrders(url: string): Promise<void> {
  const nc = await connect({ servers: url })
  await (await jetstreamManager(nc)).streams.add({ name: 'ORDERS', subjects: ['orders.>'] })
  await nc.close()
}

const titled = scenarios.map(
  (one) => [`${one.block} with ${one.client}${one.given && `, given ${one.given}`}`, one] as const,
)

describe('as printed', () => {
  test.each(titled)('%s', async (_title, scenario) => {
    expect(await scenario.run(await headwater(), scenario.client)).toBe(scenario.does)
  })

  test.skipIf(judge === undefined).each(titled.filter(([, one]) => one.judge !== null))(
    '%s, on nats-server (skipped without one: set HEADWATER_JUDGE)',
    async (_title, scenario) => {
      expect(await scenario.run(await natsServer(), scenario.client)).toBe(scenario.judge ?? scenario.does)
    },
  )
})

describe('corrected', () => {
  test.each(correctedRuns.map((one) => [`${one.block} with ${one.client}`, one] as const))(
    '%s',
    async (_title, one) => {
      await one.run(await headwater())
    },
  )

  test
    .skipIf(judge === undefined)
    .each(
      correctedRuns.filter((one) => !one.needsTime).map((one) => [`${one.block} with ${one.client}`, one] as const),
    )('%s, on nats-server', async (_title, one) => {
    await one.run(await natsServer())
  })
})

test('README.md shows the table of what each printed block does', () => {
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
  expect(readme).toContain(tableOf(scenarios))
})

afterAll(() => {
  console.log(`\n${tableOf(scenarios)}\n${judge ? '' : '\nnats-server was not there: the judge half is skipped.'}`)
})
