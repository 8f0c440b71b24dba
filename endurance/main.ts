/** `npm run endure`: long runs of the built server over real sockets and a real disk. Ends itself, with a table and an exit code. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { runKills } from './kill.ts'
import { printTable } from './table.ts'

const help = `Long runs of the built server, by real clients over real sockets and on a real disk.

Usage: npm run endure -- kill|power|soak|connections [options]

  kill            SIGKILL every few seconds under mixed load: nothing acknowledged is lost, nothing acked comes again
  power           the same, and what was not synced is thrown away at each kill (Linux, with a C compiler)
  soak            full load: memory, disk and event loop stay bounded, a slow subscriber hurts nobody
  connections     10,000 idle connections: memory for each, one message to all, and memory given back

  --minutes N     how long (10; fractions are fine; connections ends when it is done)
  --seed N        the random choices of the runner
  --sync HOW      what the server is told (always); with never, power must find lost messages
  --lie           power: the last synced writes are lost too, as on a disk that lies; must find lost messages
  --count N       how many connections (10000)
  --data FOLDER   where the data goes: an empty folder (a temporary one, removed at the end, when left out)
  --server FILE   bin/headwater.mjs of another build
  --help          this text

Exits 1 when something was wrong, 2 when it could not be asked for.
`

/** Undefined when the words are not ours. */
function read() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        minutes: { type: 'string', default: '10' },
        seed: { type: 'string' },
        sync: { type: 'string', default: 'always' },
        lie: { type: 'boolean', default: false },
        count: { type: 'string', default: '10000' },
        data: { type: 'string' },
        server: { type: 'string' },
        help: { type: 'boolean', short: 'h', default: false },
      },
    })
  } catch (error) {
    console.error((error as Error).message)
    return undefined
  }
}

process.exit(await main())

async function main(): Promise<number> {
  const read_ = read()
  if (read_?.values.help) {
    console.log(help)
    return 0
  }
  const [what, ...rest] = read_?.positionals ?? []
  const minutes = Number(read_?.values.minutes)
  if (!read_ || rest.length > 0 || !(minutes > 0) || !['kill', 'power', 'soak', 'connections'].includes(what)) {
    console.error(help)
    return 2
  }
  const { values } = read_
  const seed = Number(values.seed ?? Date.now() % 1_000_000)
  const folder = values.data ?? mkdtempSync(join(tmpdir(), 'headwater-endure-'))
  const startMs = performance.now()
  const log = (line: string): void => {
    const seconds = Math.round((performance.now() - startMs) / 1000)
    console.log(`${String(Math.floor(seconds / 60)).padStart(2)}:${String(seconds % 60).padStart(2, '0')}  ${line}`)
  }
  log(`${what}, ${minutes} minutes, seed ${seed}, data in ${folder}`)
  const common = { folder, minutes, seed, sync: values.sync, command: values.server, log }
  try {
    if (what === 'kill') return report(await runKills(common))
    if (what === 'power') {
      const { runPower } = await import('./power/power.ts')
      const result = await runPower({ ...common, lie: values.lie })
      if (typeof result === 'string') {
        console.log(`skipped: ${result}`)
        return 0
      }
      return report(result)
    }
    if (what === 'soak') return await (await import('./soak.ts')).runSoak(common)
    return await (await import('./connections.ts')).runConnections({ ...common, count: Number(values.count) })
  } catch (error) {
    console.error(error)
    return 1
  } finally {
    if (!values.data) rmSync(folder, { recursive: true, force: true })
  }
}

function report(result: Awaited<ReturnType<typeof runKills>>): number {
  printTable({ ...result.counts, 'longest restart, ms': result.longestRestartMs })
  for (const fault of result.faults) console.log(`  ${fault}`)
  console.log(`${result.faultCount} faults, ${result.lostCount} of them lost messages or changes`)
  return result.faultCount > 0 ? 1 : 0
}
