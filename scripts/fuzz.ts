/**
 * Runs every `*.fuzz.ts` of the packages for a bounded time, each with one seed after another.
 * A fuzz file exports `fuzz(random)`: one run, which throws (or rejects) when something is wrong.
 *
 *   npm run fuzz                                   everything, 30 seconds in all
 *   npm run fuzz -- --seconds 600                  longer
 *   npm run fuzz -- --only parser --seed 77        one run again, with the seed that a failure printed
 */
import { readdirSync } from 'node:fs'
import { join, relative } from 'node:path'
import { pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'
import { SeededRandom } from '../packages/headwater/src/base/testing/seeded-random.ts'

const ROOT = join(import.meta.dirname, '..')
const { values } = parseArgs({
  options: { seconds: { type: 'string', default: '30' }, only: { type: 'string' }, seed: { type: 'string' } },
})
const secondsAll = Number(values.seconds)
if (!(secondsAll > 0)) throw new Error('--seconds takes a number above zero')
const files = findFuzzFiles(join(ROOT, 'packages')).filter(
  (path) => values.only === undefined || path.includes(values.only),
)
const firstSeed = values.seed === undefined ? Date.now() % 1_000_000_000 : Number(values.seed)
let passed = 0
let failed = 0
for (const path of files) {
  if (await run(path, values.seed === undefined ? secondsAll / files.length : 0)) passed++
  else failed++
}
console.log(`${passed} passed, ${failed} failed`)
process.exitCode = failed > 0 || passed === 0 ? 1 : 0

/** Runs one file for about `seconds`, at least once; prints how it went. */
async function run(path: string, seconds: number): Promise<boolean> {
  const name = relative(ROOT, path)
  const { fuzz } = (await import(pathToFileURL(path).href)) as { fuzz: (random: SeededRandom) => void | Promise<void> }
  const until = performance.now() + seconds * 1000
  let seed = firstSeed
  try {
    do await fuzz(new SeededRandom(seed++))
    while (performance.now() < until)
  } catch (error) {
    seed--
    console.log(`failed ${name} with seed ${seed}: ${error instanceof Error ? error.stack : String(error)}`)
    console.log(`  again: npm run fuzz -- --only ${name.split('/').at(-1)} --seed ${seed}`)
    return false
  }
  console.log(`passed ${name}: ${seed - firstSeed} runs from seed ${firstSeed}`)
  return true
}

function findFuzzFiles(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.fuzz.ts') && !entry.parentPath.includes('node_modules'))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()
}
