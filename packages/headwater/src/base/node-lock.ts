/**
 * A lock that the system frees when its process ends, however it ends: the lock of a data folder.
 *
 * First choice is flock(2), taken by the `flock` tool on descriptors that it inherits: the lock belongs to the open file, so
 * it stays with us when the tool is gone. It holds for everybody under one kernel, whatever path, mount or container they
 * come by, and it is the folder's own as well as that of the file LOCK, which somebody may remove. Where there is no such tool, a listening local socket named after the folder: one
 * process can listen on a name, and the name is free again when it ends; containers with a network of their own do not see it. (The one use of node:net outside the listener: no
 * data passes through it.)
 */
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import type { FileSystem, FolderLock } from './fs.ts'

/** What is needed to clear away the socket file of a killed process. */
type Names = Pick<FileSystem, 'rename' | 'unlink'>

/**
 * Takes the lock of `folder` (its real path) with the open `descriptors` of its lock file and of itself.
 * Undefined when somebody has it already.
 */
export async function lockFolder(
  folder: string,
  descriptors: readonly number[],
  names: Names,
): Promise<FolderLock | undefined> {
  let answers = 0
  for (const descriptor of descriptors) {
    const taken = await lockByTool(descriptor)
    if (taken === 'held') return undefined
    if (taken === 'taken') answers++
    // Without the tool there is none for the second one either. A file system that locks files alone has locked LOCK.
    else if (answers === 0) return lockBySocket(socketNameOf(folder), names)
  }
  return { release: async () => {} }
}

/** `absent`: no such tool here, or the file system cannot lock. Released when the descriptor is closed. */
function lockByTool(descriptor: number): Promise<'taken' | 'held' | 'absent'> {
  if (process.platform === 'win32') return Promise.resolve('absent')
  return new Promise((resolve) => {
    const tool = spawn('flock', ['-n', '3'], { stdio: ['ignore', 'ignore', 'ignore', descriptor] })
    tool.once('error', () => resolve('absent'))
    tool.once('close', (status) => resolve(status === 0 ? 'taken' : status === 1 ? 'held' : 'absent'))
  })
}

/** A pipe on Windows, an abstract socket on Linux (both vanish with the process), else a socket file outside the folder (paths are short). */
function socketNameOf(folder: string): string {
  const name = `headwater-${createHash('sha256').update(folder).digest('hex').slice(0, 32)}`
  if (process.platform === 'win32') return `\\\\?\\pipe\\${name}`
  if (process.platform === 'linux') return `\0${name}`
  return `${tmpdir()}/${name}.sock`
}

/** Listens on `path`; undefined when somebody listens there already. */
export async function lockBySocket(path: string, names: Names): Promise<FolderLock | undefined> {
  let server = await listen(path)
  const isFile = !path.startsWith('\0') && !path.startsWith('\\\\')
  if (!server && isFile && !(await answers(path)) && (await clearStale(path, names))) server = await listen(path)
  if (!server) return undefined
  const held = server
  return { release: () => new Promise((resolve) => held.close(() => resolve())) }
}

/**
 * Removes the socket file that a killed process left. Moved aside first and asked again there: if another starter was
 * quicker and this is its living socket, it goes back to its place. False in that case.
 */
async function clearStale(path: string, names: Names): Promise<boolean> {
  const aside = `${path}.${process.pid}`
  await names.rename(path, aside)
  if (await answers(aside)) {
    await names.rename(aside, path)
    return false
  }
  await names.unlink(aside)
  return true
}

function listen(path: string): Promise<ReturnType<typeof createServer> | undefined> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy())
    server.once('error', (error: NodeJS.ErrnoException) =>
      error.code === 'EADDRINUSE' || error.code === 'EACCES' ? resolve(undefined) : reject(error),
    )
    server.listen(path, () => {
      server.unref()
      resolve(server)
    })
  })
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = connect(path, () => {
      probe.destroy()
      resolve(true)
    })
    probe.once('error', () => resolve(false))
  })
}
