/** Where the judge and the nats CLI are: HEADWATER_JUDGE (a folder, or nats-server itself), `.judge/` in the clone, or PATH. */
import { existsSync, statSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const cloneRoot: string = dirname(dirname(dirname(fileURLToPath(import.meta.url))))

export interface Judge {
  readonly server: string | undefined
  readonly cli: string | undefined
}

export function findJudge(env: NodeJS.ProcessEnv = process.env): Judge {
  const folders: string[] = []
  const named = env.HEADWATER_JUDGE
  if (named && existsSync(named)) folders.push(statSync(named).isDirectory() ? named : dirname(named))
  folders.push(join(cloneRoot, '.judge'), ...(env.PATH ?? '').split(delimiter))
  const find = (name: string) => {
    const suffix = process.platform === 'win32' ? '.exe' : ''
    const path = folders.map((folder) => join(folder, name + suffix)).find((candidate) => existsSync(candidate))
    return path
  }
  return { server: find('nats-server'), cli: find('nats') }
}
