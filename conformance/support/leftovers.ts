/** What must not outlive the run, whatever ends it: servers of their own process, and folders of data. */
import type { ChildProcess } from 'node:child_process'
import { rmSync } from 'node:fs'

const children = new Set<ChildProcess>()
const folders = new Set<string>()

process.once('exit', () => {
  for (const child of children) child.kill('SIGKILL')
  for (const folder of folders) rmSync(folder, { recursive: true, force: true })
})
// By default these signals end the process without the exit event.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130))

/** Kills the child at the end of this process, unless it ended before. */
export function endsWithUs(child: ChildProcess): void {
  children.add(child)
  child.once('exit', () => children.delete(child))
}

/** Removes the folder at the end of this process. Returns the way to say that it is gone. */
export function goesWithUs(folder: string): () => void {
  folders.add(folder)
  return () => folders.delete(folder)
}
