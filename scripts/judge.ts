/** Installs the judge (a real nats-server) and the nats CLI into `.judge/` from their Go modules. Nothing to do the second time. */
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The versions that Headwater is judged by. */
const modules = [
  { binary: 'nats-server', module: 'github.com/nats-io/nats-server/v2@v2.15.2' },
  { binary: 'nats', module: 'github.com/nats-io/natscli/nats@latest' },
] as const

const folder = join(dirname(dirname(fileURLToPath(import.meta.url))), '.judge')

process.exitCode = main()

function main(): number {
  const go = spawnSync('go', ['version'], { encoding: 'utf8' })
  if (go.status !== 0) {
    console.error(
      'Go is not on this machine: install Go, or set HEADWATER_JUDGE to a folder with nats-server and nats.',
    )
    return 1
  }
  mkdirSync(folder, { recursive: true })
  for (const { binary, module } of modules) {
    if (!install(binary, module)) return 1
    console.log(`${binary}: ${execFileSync(path(binary), ['--version'], { encoding: 'utf8' }).trim()}`)
  }
  return 0
}

/** `go install` unless the stamp says that this very module was installed. */
function install(binary: string, module: string): boolean {
  const stamp = join(folder, `${binary}.stamp`)
  if (existsSync(path(binary)) && existsSync(stamp) && readFileSync(stamp, 'utf8') === module) return true
  console.log(`Installing ${module} ...`)
  const env = { ...process.env, GOBIN: folder, GOFLAGS: '-mod=mod', GOTOOLCHAIN: process.env.GOTOOLCHAIN ?? 'auto' }
  const { status } = spawnSync('go', ['install', module], { env, stdio: 'inherit', cwd: folder })
  if (status !== 0) {
    console.error(`go install ${module} failed: see above.`)
    return false
  }
  writeFileSync(stamp, module)
  return true
}

function path(binary: string): string {
  return join(folder, process.platform === 'win32' ? `${binary}.exe` : binary)
}
