// Runs every check in order, shows its output, and adds up what passed. One row a check; see .ci/run.
import { spawn, spawnSync } from 'node:child_process'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const hasGo = spawnSync('go', ['version']).status === 0

/** `counts`: the check prints how many passed and failed itself; others count as one. */
const checks = [
  {
    name: 'judge',
    run: 'node scripts/ensure.mjs && node --conditions=headwater-source --import tsx scripts/judge.ts',
    skip: hasGo ? '' : 'no Go on this machine: what needs the judge says that it was skipped',
  },
  { name: 'test', run: 'npm test', counts: true },
  { name: 'types', run: 'npm run types' },
  { name: 'layers and tidy', run: 'npm run layers', counts: true },
  { name: 'format', run: 'npm run format' },
  { name: 'lint', run: 'npm run lint' },
  { name: 'simulation', run: 'npm run sim -- --seeds 1..300', counts: true },
  { name: 'fuzz', run: 'npm run fuzz -- --seconds 20', counts: true },
  { name: 'conformance', run: 'npm run conformance', counts: true },
  { name: 'order flow', run: 'npm start' },
]

const only = process.argv.slice(2)
let passed = 0
let failed = 0
const rows = []
for (const check of checks) {
  if (only.length > 0 && !only.includes(check.name)) continue
  if (check.skip) {
    rows.push(`skipped  ${check.name}: ${check.skip}`)
    continue
  }
  console.log(`\n=== ${check.name}: ${check.run}`)
  const startedMs = Date.now()
  const { status, output } = await shell(check.run)
  const counted = check.counts ? count(output) : { passed: status === 0 ? 1 : 0, failed: status === 0 ? 0 : 1 }
  // A check that exits badly has failed, whatever it counted; one that counted nothing ran nothing.
  if (status !== 0 && counted.failed === 0) counted.failed = 1
  if (status === 0 && counted.passed === 0) counted.failed += 1
  passed += counted.passed
  failed += counted.failed
  const seconds = ((Date.now() - startedMs) / 1000).toFixed(1)
  rows.push(
    `${counted.failed ? 'FAILED ' : 'ok     '}  ${check.name}: ${counted.passed} passed, ${counted.failed} failed (${seconds} s)`,
  )
}

console.log(`\n${rows.join('\n')}\n`)
console.log(`${passed} passed, ${failed} failed`)
process.exit(failed > 0 ? 1 : 0)

function shell(command) {
  return new Promise((resolve) => {
    const env = { ...process.env, FORCE_COLOR: '0', NO_COLOR: '1' }
    const child = spawn('bash', ['-c', command], { cwd: root, env, stdio: ['ignore', 'pipe', 'pipe'] })
    let output = ''
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8')
      stream.on('data', (text) => {
        process.stdout.write(text)
        output = (output + text).slice(-200_000)
      })
    }
    child.on('close', (status) => resolve({ status, output }))
  })
}

/** Reads the last `N passed, N failed` of our own tools, or vitest's `Tests  N failed | N passed`. */
function count(output) {
  const own = [...output.matchAll(/^(?:\w+: )?(\d+) passed, (\d+) failed/gm)].at(-1)
  if (own) return { passed: Number(own[1]), failed: Number(own[2]) }
  const vitest = [...output.matchAll(/^\s*Tests\s+(.*)$/gm)].at(-1)?.[1] ?? ''
  return {
    passed: Number(/(\d+) passed/.exec(vitest)?.[1] ?? 0),
    failed: Number(/(\d+) failed/.exec(vitest)?.[1] ?? 0),
  }
}
