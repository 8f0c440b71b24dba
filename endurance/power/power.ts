/** The power run: the kill run with the shim preloaded, and a power cut after each kill. */
import { spawnSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type KillOptions, type KillResult, runKills } from '../kill.ts'
import { PowerCut } from './cut.ts'

/** `lie`: the last synced writes of each file are lost too, as on a disk that lies; messages must be lost then. */
export interface PowerOptions extends KillOptions {
  readonly lie?: boolean
}

/** Why a power run cannot be made here; undefined when it can. */
export function whyNoPower(): string | undefined {
  if (process.platform !== 'linux') return `power cuts need Linux, this is ${process.platform}`
  if (spawnSync('cc', ['--version']).status !== 0)
    return 'power cuts need a C compiler (cc), to build the preloaded shim'
  return undefined
}

/** Runs it, or says why not. */
export async function runPower(options: PowerOptions): Promise<KillResult | string> {
  const why = whyNoPower()
  if (why !== undefined) return why
  const data = join(options.folder, 'data')
  const shadow = join(options.folder, 'shadow')
  for (const folder of [data, shadow]) mkdirSync(folder, { recursive: true })
  const shim = join(options.folder, 'unsynced.so')
  const source = fileURLToPath(new URL('unsynced.c', import.meta.url))
  const compiled = spawnSync('cc', ['-O2', '-shared', '-fPIC', '-o', shim, source, '-ldl', '-lpthread'], {
    encoding: 'utf8',
  })
  if (compiled.status !== 0) throw new Error(`The shim does not compile:\n${compiled.stderr}`)
  const power = new PowerCut(data, shadow)
  return runKills({
    ...options,
    folder: data,
    env: {
      LD_PRELOAD: shim,
      HEADWATER_POWER_ROOT: data,
      HEADWATER_POWER_SHADOW: shadow,
      UV_USE_IO_URING: '0',
      ...(options.lie ? { HEADWATER_POWER_LIE: '1' } : {}),
    },
    cut: (random) => power.cut(random, options.lie),
  })
}
