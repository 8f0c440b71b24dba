/** `npm run bench`: Headwater beside nats-server, one run, medians and ratios. */
import { spawnSync } from 'node:child_process'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { cloneRoot } from '../conformance/support/find-judge.ts'
import { nativePath } from './load/native.ts'
import { LoadProcess } from './load-process.ts'
import { ackedPublish } from './macro/acked-publish.ts'
import { ackedPublishAlone } from './macro/acked-publish-alone.ts'
import { ackedPublishMany } from './macro/acked-publish-many.ts'
import { consumers } from './macro/consume.ts'
import { deliver } from './macro/deliver.ts'
import { embedded } from './macro/embedded.ts'
import { fanOut } from './macro/fan-out.ts'
import { idleMemory } from './macro/idle-memory.ts'
import { lastMessages } from './macro/last-message.ts'
import { manyStreams } from './macro/many-streams.ts'
import { publish } from './macro/publish.ts'
import { queueGroup } from './macro/queue-group.ts'
import { replays } from './macro/replay.ts'
import { request } from './macro/request.ts'
import { startUp } from './macro/start-up.ts'
import { type Effort, measureRow, measureSolo, partsOf, type RowResult, type SoloResult } from './measure.ts'
import { latencyTable, rateTable, soloTable } from './report.ts'
import type { Row, SoloRow } from './row.ts'
import { available, versionOf } from './server-process.ts'
import { short } from './table.ts'

const rows: Row[] = [
  publish,
  ...deliver,
  ...fanOut,
  queueGroup,
  ...request,
  ackedPublish,
  ...ackedPublishMany,
  ackedPublishAlone,
  ...consumers,
  ...replays,
  ...lastMessages,
  manyStreams,
]
const soloRows: SoloRow[] = [startUp, idleMemory, embedded]
const names = [...rows, ...soloRows].map((row) => row.name)
const groups = [...new Set(rows.map((row) => row.group))]

const help = `Headwater beside nats-server on this machine: 128-byte messages, loopback, medians of alternating rounds.

Usage: npm run bench -- [options]

  --only NAME[,NAME]   only these rows or groups of rows
  --list               the names of the rows, by group
  --quick              two short rounds instead of five: a first look, not a result
  --micro              the micro benches beside the hot files instead
  --profile FOLDER     write a CPU profile of Headwater for each row into FOLDER
  --help               this text
`

process.exitCode = await main()

async function main(): Promise<number> {
  let values: { only?: string; quick?: boolean; list?: boolean; micro?: boolean; profile?: string; help?: boolean }
  try {
    values = parseArgs({
      options: {
        only: { type: 'string' },
        quick: { type: 'boolean' },
        list: { type: 'boolean' },
        micro: { type: 'boolean' },
        profile: { type: 'string' },
        help: { type: 'boolean', short: 'h' },
      },
    }).values
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${help}`)
    return 2
  }
  if (values.help) {
    console.log(help)
    return 0
  }
  if (values.list) {
    for (const group of groups) console.log(`${group}: ${namesOf(group).join(', ')}`)
    console.log(`alone: ${soloRows.map((row) => row.name).join(', ')}`)
    return 0
  }
  if (values.micro) return micro()
  const only = values.only
    ?.split(',')
    .flatMap((name) => (groups.includes(name) && !names.includes(name) ? namesOf(name) : [name]))
  const unknown = only?.find((name) => !names.includes(name))
  if (unknown !== undefined) {
    console.error(`There is no row and no group ${unknown}: ${[...groups, ...names].join(', ')}`)
    return 2
  }
  const effort: Effort = values.quick
    ? { rounds: 2, seconds: 0.4, nodeFlags: [] }
    : { rounds: 5, seconds: 1, nodeFlags: [] }
  await run((name) => only === undefined || only.includes(name), effort, values.profile)
  return 0
}

function namesOf(group: string): string[] {
  return rows.filter((row) => row.group === group).map((row) => row.name)
}

async function run(wanted: (name: string) => boolean, effort: Effort, profile: string | undefined): Promise<void> {
  console.log(`${versionOf('headwater')}, every acknowledgement synced; data under ${tmpdir()}`)
  console.log(
    available('judge')
      ? versionOf('judge')
      : 'No peer: there is no nats-server in HEADWATER_JUDGE, .judge/ or PATH. Our own rates follow, and no ratio.',
  )
  const results: RowResult[] = []
  for (const row of rows.filter(({ name }) => wanted(name))) {
    if (row.needsCompiler && nativePath() === undefined) {
      console.log(`left out, since its load generator needs a C compiler (cc): ${row.title}`)
      continue
    }
    console.log(`measuring: ${row.title}`)
    const nodeFlags = profile ? ['--cpu-prof', `--cpu-prof-dir=${join(profile, row.name)}`] : []
    results.push(...partsOf(await measureRow(row, { ...effort, nodeFlags })))
  }
  const solo: SoloResult[] = []
  for (const row of soloRows.filter(({ name }) => wanted(name))) {
    console.log(`measuring: ${row.title}`)
    solo.push(await measureSolo(row, effort))
  }
  if (results.length > 0) console.log(`\n${rateTable(results)}`)
  const latencies = latencyTable(results)
  if (latencies) console.log(`\n${latencies}`)
  if (wanted(ackedPublish.name) || wanted(ackedPublishAlone.name)) await printDisk(effort)
  if (solo.length > 0) console.log(`\n${soloTable(solo)}`)
  console.log(
    `\nMedians of ${effort.rounds} rounds of ${effort.seconds} s after one that was thrown away, in shuffled order. ~ is short of what we promise.`,
  )
}

/** The disk by itself: what a synced row can and cannot reach here and now. */
async function printDisk(effort: Effort): Promise<void> {
  const load = new LoadProcess()
  const sample = await load.perform({ kind: 'disk', folder: tmpdir(), seconds: effort.seconds, bytes: 310 })
  load.stop()
  console.log(
    `\nThe bare disk, one synced write of 310 B after the other: ${short(sample.count / sample.seconds)} a second, ` +
      `p50 ${sample.p50Us?.toFixed(0)} us, p99 ${sample.p99Us?.toFixed(0)} us`,
  )
}

/** The micro benches are vitest's, each beside the file that it measures. */
function micro(): number {
  const vitest = join(cloneRoot, 'node_modules', 'vitest', 'vitest.mjs')
  const done = spawnSync(process.execPath, [vitest, 'bench', '--run', '--project', 'unit'], {
    cwd: cloneRoot,
    stdio: 'inherit',
  })
  return done.status ?? 1
}
