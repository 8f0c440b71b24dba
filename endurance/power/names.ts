/** What happened to names, as unsynced.c wrote it down, and which of it was durable. */
import { dirname } from 'node:path'

/** Path -> inode, or FOLDER; a folder stands before what is in it. */
export type Names = Map<string, number>

/** In place of an inode. */
export const FOLDER = -1

interface Operation {
  readonly kind: 'create' | 'folder' | 'unlink' | 'rmdir' | 'rename'
  readonly path: string
  /** Of a create. */
  readonly inode: number
  /** Of a rename. */
  readonly to: string
  /** Its folder was synced afterwards. */
  isSynced: boolean
}

/** The operations in their order. */
export interface NameLog {
  readonly operations: readonly Operation[]
}

export function parseNames(text: string): NameLog {
  const operations: Operation[] = []
  // A sync counts lines and is one itself: undefined here.
  const lines: (Operation | undefined)[] = []
  // The last line of a killed process may be torn; nothing can have followed it.
  for (const line of text.slice(0, text.lastIndexOf('\n') + 1).split('\n')) {
    const found = /^(create|folder|unlink|rmdir|rename|sync) (.*)$/.exec(line)
    if (!found) continue
    const [, kind, rest] = found
    if (kind === 'sync') {
      const space = rest.indexOf(' ')
      const folder = rest.slice(space + 1)
      for (const operation of lines.slice(0, Number(rest.slice(0, space))))
        if (operation && touches(operation, folder)) operation.isSynced = true
      lines.push(undefined)
      continue
    }
    const space = kind === 'create' ? rest.indexOf(' ') : -1
    const [path, to = ''] = rest.slice(space + 1).split('\t')
    const inode = kind === 'create' ? Number(rest.slice(0, space)) : FOLDER
    const operation: Operation = { kind: kind as Operation['kind'], path, inode, to, isSynced: false }
    operations.push(operation)
    lines.push(operation)
  }
  return { operations }
}

function touches({ path, to }: Operation, folder: string): boolean {
  return dirname(path) === folder || (to !== '' && dirname(to) === folder)
}

/** `base`, below `root`, with the operations that were synced and those before number `keptTo`. What has no folder is gone. */
export function durableNames(root: string, base: Names, { operations }: NameLog, keptTo: number): Names {
  const names: Names = new Map(base)
  for (const [index, { kind, path, inode, to, isSynced }] of operations.entries()) {
    if (!isSynced && index >= keptTo) continue
    if (kind === 'create' || kind === 'folder') names.set(path, inode)
    else if (kind === 'unlink' || kind === 'rmdir') names.delete(path)
    else {
      const moved = names.get(path)
      names.delete(path)
      if (moved !== undefined) names.set(to, moved)
    }
  }
  const kept: Names = new Map()
  for (const [path, inode] of [...names].sort(([one], [other]) => (one < other ? -1 : 1)))
    if (dirname(path) === root || kept.get(dirname(path)) === FOLDER) kept.set(path, inode)
  return kept
}
