// Makes a fresh clone ready: the right Node, dependencies as locked, and (with --build) the packages compiled.
// No dependencies of its own, and nothing to do the second time.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const [major, minor] = process.versions.node.split('.').map(Number)
if (major < 20 || (major === 20 && minor < 19)) {
  fail(`Node ${process.versions.node} is too old: install Node 20.19 or later, then run the command again.`)
}

install()
if (process.argv.includes('--build')) build()

/** `npm ci` when the lock file, the platform or Node's ABI changed since the last time. */
function install() {
  const stamp = join(root, 'node_modules', '.headwater-stamp')
  const key = createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .update(`${process.platform} ${process.arch} ${process.versions.modules}`)
    .digest('hex')
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === key) return
  console.log('Installing dependencies (first run, or the lock file changed)...')
  run(
    'npm',
    ['ci', '--include=dev', '--no-fund', '--no-audit', '--loglevel=error'],
    'npm ci failed: see above; check the network, then run the command again.',
  )
  writeFileSync(stamp, key)
}

/** Compiles each package twice (ES modules, CommonJS) and the examples, when a source is newer than the last build. */
function build() {
  const stamp = join(root, 'node_modules', '.headwater-built')
  const builtAt = existsSync(stamp) ? statSync(stamp).mtimeMs : 0
  if (newest(join(root, 'packages')) <= builtAt && newest(join(root, 'examples')) <= builtAt) return
  console.log('Building...')
  const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc')
  run(process.execPath, [tsc, '-b'], 'The build failed: see the errors above.')
  for (const name of readdirSync(join(root, 'packages'))) {
    const config = join(root, 'packages', name, 'tsconfig.cjs.json')
    if (!existsSync(config)) continue
    run(process.execPath, [tsc, '-p', config], 'The CommonJS build failed: see the errors above.')
    writeFileSync(join(root, 'packages', name, 'dist-cjs', 'package.json'), '{"type":"commonjs"}\n')
  }
  writeFileSync(stamp, '')
}

function newest(dir) {
  let latest = 0
  for (const entry of readdirSync(dir, { withFileTypes: true })) {
    if (/^(dist|dist-cjs|node_modules)$/.test(entry.name)) continue
    const path = join(dir, entry.name)
    latest = Math.max(latest, entry.isDirectory() ? newest(path) : statSync(path).mtimeMs)
  }
  return latest
}

function run(command, args, message) {
  const shell = process.platform === 'win32' && command === 'npm'
  const done = spawnSync(command, args, { cwd: root, stdio: 'inherit', shell, env: { ...process.env, NODE_ENV: '' } })
  if (done.status !== 0) fail(message)
}

function fail(message) {
  console.error(message)
  process.exit(1)
}
