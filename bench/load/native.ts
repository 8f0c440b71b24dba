/** The load generator in C (native/*.c): built once with the system's compiler, run once per measurement. */
import { type ChildProcess, execFile, spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { cloneRoot } from '../../conformance/support/find-judge.ts'
import type { Sample } from './tasks.ts'

const SOURCES = fileURLToPath(new URL('./native/', import.meta.url))
const CACHE = join(cloneRoot, 'node_modules', '.cache', 'headwater-bench')
/** What a load may take beyond its own length before it is ended. */
const MARGIN_SECONDS = 60

/** The program's path, after building it if need be; undefined where there is no C compiler. */
export function buildNative(): string | undefined {
  const names = readdirSync(SOURCES).sort()
  const hash = createHash('sha256')
  for (const name of names) hash.update(readFileSync(join(SOURCES, name)))
  const path = join(CACHE, `load-${hash.digest('hex').slice(0, 16)}`)
  if (existsSync(path)) return path
  mkdirSync(CACHE, { recursive: true })
  const sources = names.filter((name) => name.endsWith('.c')).map((name) => join(SOURCES, name))
  // Under another name first: two benches may build at the same time.
  const fresh = `${path}.${process.pid}`
  const built = spawnSync('cc', ['-O2', '-std=c99', '-D_DEFAULT_SOURCE', '-o', fresh, ...sources], { encoding: 'utf8' })
  if (built.error) return undefined
  if (built.status !== 0) throw new Error(`cc could not build the load generator:\n${built.stderr}`)
  renameSync(fresh, path)
  return path
}

let built: { path: string | undefined } | undefined

/** The same, looked up once. */
export function nativePath(): string | undefined {
  built ??= { path: buildNative() }
  return built.path
}

/** Runs one load that should take about `seconds`; throws its sentence when it fails. The arguments are each file's first comment. */
export async function runNative(load: string, seconds: number, args: readonly (string | number)[]): Promise<Sample> {
  const limit = Math.ceil(seconds + MARGIN_SECONDS)
  try {
    const { stdout } = await promisify(execFile)(native(), [String(limit), load, ...args.map(String)])
    return JSON.parse(stdout || '{}') as Sample
  } catch (error) {
    const { stderr, signal } = error as { stderr?: string; signal?: string }
    throw new Error(`${load}: ${stderr?.trim() || (signal ? `no end within ${limit} s (${signal})` : String(error))}`)
  }
}

/** Starts the sink that does no work; resolves when it listens. */
export async function startNativeSink(mode: string): Promise<{ child: ChildProcess; port: number }> {
  const child = spawn(native(), ['600', 'sink', mode], { stdio: ['ignore', 'pipe', 'inherit'] })
  const [line] = (await once(child.stdout.setEncoding('utf8'), 'data')) as [string]
  return { child, port: Number(line) }
}

function native(): string {
  const path = nativePath()
  if (path === undefined) throw new Error('this row needs a C compiler (cc)')
  return path
}
