/**
 * The power cut: puts a folder back to what a disk could have kept. Runs while nobody has the folder open, on what
 * unsynced.c noted beside it. A strict cut undoes all that was not synced; a torn one keeps some of it: any sectors of unsynced
 * writes, and unsynced creates, renames and unlinks up to some moment, as a file system's own journal would.
 */
import * as fs from 'node:fs'
import { dirname, join } from 'node:path'
import type { Random } from '../random.ts'
import { cutFile } from './cut-file.ts'
import { durableNames, FOLDER, type Names, parseNames } from './names.ts'

export class PowerCut {
  readonly #folder: string
  readonly #shadow: string
  /** The names as the last cut left them: durable, whatever happened since. */
  #base: Names

  /** `folder` is empty or as a cut left it; `shadow` is another one on the same disk. */
  constructor(folder: string, shadow: string) {
    this.#folder = folder
    this.#shadow = shadow
    this.#base = walk(folder)
  }

  /** Cuts, strictly or as chance will, and says in a few words what was undone. */
  cut(random: Random, strictly = false): string {
    const isStrict = strictly || random.chance(0.3)
    const keepChance = isStrict ? 0 : [0.1, 0.5, 0.9][random.below(3)]
    const names = parseNames(this.#read('names'))
    const keptTo = isStrict ? 0 : random.below(names.operations.length + 1)
    const durable = durableNames(this.#folder, this.#base, names, keptTo)
    const undoneNames = this.#restoreNames(durable)
    const places = new Map<number, string>()
    for (const [path, inode] of durable) if (inode !== FOLDER) places.set(inode, path)
    const sectors = { undone: 0, kept: 0 }
    for (const inode of new Set(this.#read('touched').split('\n').filter(Boolean).map(Number))) {
      const path = places.get(inode)
      if (path !== undefined) cutFile(path, join(this.#shadow, String(inode)), keepChance, random, sectors)
    }
    for (const name of fs.readdirSync(this.#shadow))
      if (!/^\d+$/.test(name) || !places.has(Number(name))) fs.unlinkSync(join(this.#shadow, name))
    this.#base = walk(this.#folder)
    return `${isStrict ? 'strict' : 'torn'}, ${sectors.undone} sectors undone, ${sectors.kept} unsynced ones kept, ${undoneNames} names undone`
  }

  #read(name: string): string {
    const path = join(this.#shadow, name)
    return fs.existsSync(path) ? fs.readFileSync(path, 'utf8') : ''
  }

  /** Makes the folder's names those of `durable`. Returns how many differed. */
  #restoreNames(durable: Names): number {
    const real = walk(this.#folder)
    const sources = new Map<number, string>()
    for (const [path, inode] of real) if (inode !== FOLDER) sources.set(inode, path)
    for (const name of fs.readdirSync(this.#shadow))
      if (name.startsWith('keep-')) sources.set(fs.statSync(join(this.#shadow, name)).ino, join(this.#shadow, name))
    const staged: [from: string, to: string][] = []
    let differing = 0
    for (const [path, inode] of durable) {
      if (inode === FOLDER || real.get(path) === inode) continue
      const source = sources.get(inode)
      if (source === undefined) throw new Error(`${path}: its inode ${inode} is gone; the shim missed a call`)
      const stage = join(this.#shadow, `stage-${staged.length}`)
      fs.linkSync(source, stage)
      staged.push([stage, path])
      differing += 1
    }
    for (const [path, inode] of [...real].reverse()) {
      if (durable.get(path) === inode) continue
      if (inode === FOLDER) fs.rmdirSync(path)
      else fs.unlinkSync(path)
      if (!durable.has(path)) differing += 1
    }
    for (const [path, inode] of durable) if (inode === FOLDER) fs.mkdirSync(path, { recursive: true, mode: 0o700 })
    for (const [from, to] of staged) {
      fs.mkdirSync(dirname(to), { recursive: true })
      fs.renameSync(from, to)
    }
    return differing
  }
}

/** Every name below `folder`, folders before what is in them. */
function walk(folder: string): Names {
  const names: Names = new Map()
  const visit = (path: string): void => {
    for (const entry of fs.readdirSync(path, { withFileTypes: true })) {
      const inside = join(path, entry.name)
      if (entry.isDirectory()) {
        names.set(inside, FOLDER)
        visit(inside)
      } else names.set(inside, fs.lstatSync(inside).ino)
    }
  }
  visit(folder)
  return names
}
