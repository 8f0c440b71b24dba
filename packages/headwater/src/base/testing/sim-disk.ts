/**
 * A disk in memory that behaves as badly as real ones may, under a seed. `SimDisk` is the machine's disk and survives crashes;
 * `mount()` gives the FileSystem of one process, which a crash ends: its promises never settle again, its calls do nothing.
 *
 * Time      Every operation takes effect and settles after a delay that the seed draws, on the virtual clock; operations that
 *           run at the same time may finish in any order. Bytes to write are read when the write takes effect.
 * Written   Bytes are in the page cache: every later read sees them. Durable after `sync` (what was written when it began) or
 *           `appendDurable` (its own bytes). A name is durable after `syncDir` of its folder, begun after the change.
 * Kill      crash('kill'): SIGKILL. Everything written stays. Operations in flight happened wholly, in part or not at all.
 * Power     crash('power'): of each file's unsynced sectors (512 bytes, atomic) none, all, a prefix, some, or all but one
 *           survive; its length is the old one, the new one or where the surviving bytes end; lost bytes in the middle read as they were before, or as
 *           zeros. Unsynced names survive or not: each alone, or as a prefix of the changes; a rename within a folder is
 *           atomic. A file whose name is lost is lost; one whose unlink is lost is back.
 * EIO       A write or sync that fails says so, once. As on Linux its pages are marked clean: readable until the crash, then
 *           as they were before, and a retried sync succeeds without writing them.
 * Short     A write may put down fewer bytes than asked for, and says how many.
 * Full      With a capacity, a write that grows a file past it is short, or ENOSPC when nothing fits; so is a new file.
 *           Overwriting needs no room. Space is freed by the last close of an unlinked file.
 * Slow      A sync may take long. Others go on.
 * Rot       `rot` flips a bit of a file at rest. Nobody is told.
 */
import type { Clock } from '../clock.ts'
import type { FileSystem } from '../fs.ts'
import type { SeededRandom } from './seeded-random.ts'
import type { SimFileData } from './sim-file-data.ts'
import { SimFolder, type SimNode } from './sim-folder.ts'
import { SimFileSystem } from './sim-fs.ts'

/** How likely each fault is, from 0 to 1 an operation. Change it at any time. */
export interface SimFaults {
  /** An operation takes between these, in milliseconds. */
  operationMs: readonly [low: number, high: number]
  writeError: number
  syncError: number
  readError: number
  shortWrite: number
  slowSync: number
  slowSyncMs: number
  capacityBytes: number
}

/** A disk that only takes its time. */
export const NO_FAULTS: SimFaults = {
  operationMs: [0.05, 0.5],
  writeError: 0,
  syncError: 0,
  readError: 0,
  shortWrite: 0,
  slowSync: 0,
  slowSyncMs: 200,
  capacityBytes: Number.POSITIVE_INFINITY,
}

/** `kill`: the process alone dies. `power`: the machine does. */
export type Crash = 'kill' | 'power'

/** What the next operation of its kind can be made to do: fail with EIO, or (`short`) write less than asked for. */
export type FaultKind = 'write' | 'sync' | 'read' | 'short'

/** An operation that has been asked for and has not taken effect. */
interface InFlight {
  readonly complete: () => void
  /** Its effect when the crash comes first: in part, where it has parts. */
  readonly interrupted: () => void
}

export class SimDisk {
  faults: SimFaults
  readonly clock: Clock
  readonly random: SeededRandom
  readonly root: SimFolder = new SimFolder()
  /** Who holds which folder, by path. */
  readonly locks: Map<string, string> = new Map()
  /** Counts crashes: an older mount is dead. */
  life = 0
  #inFlight = new Set<InFlight>()
  #failNext: FaultKind[] = []
  /** Unlinked and still open: their space is not free yet. */
  readonly unlinked: Set<SimFileData> = new Set()

  constructor(options: { clock: Clock; random: SeededRandom; faults?: Partial<SimFaults> }) {
    this.clock = options.clock
    this.random = options.random
    this.faults = { ...NO_FAULTS, ...options.faults }
  }

  /** The file system of a new process. */
  mount(): FileSystem {
    return new SimFileSystem(this, this.life)
  }

  /** Ends every process, and with `power` the machine; what was locked is free. */
  crash(kind: Crash): void {
    this.life++
    const inFlight = this.#inFlight
    this.#inFlight = new Set()
    this.#failNext = []
    for (const operation of inFlight) if (this.random.chance(0.5)) operation.interrupted()
    this.locks.clear()
    if (kind === 'power') this.#powerCut(this.root)
    for (const { data } of this.files()) data.opened = 0
  }

  /** The next write, sync or read fails with EIO, or the next write is short. */
  failNext(kind: FaultKind): void {
    this.#failNext.push(kind)
  }

  /** Every file that has a name, by path. */
  files(folder: SimFolder = this.root, path = ''): { path: string; data: SimFileData }[] {
    return folder.names().flatMap((name) => {
      const node = folder.get(name) as SimNode
      return node instanceof SimFolder ? this.files(node, `${path}/${name}`) : [{ path: `${path}/${name}`, data: node }]
    })
  }

  /** A copy of a file's bytes as a process sees them. */
  content(path: string): Uint8Array {
    const data = this.files().find((file) => file.path === path)?.data
    const bytes = new Uint8Array(data?.length ?? 0)
    data?.read(bytes, 0)
    return bytes
  }

  /** Flips a bit of a file; a random one unless told which. False when there is no such byte. */
  rot(path: string, bit?: number): boolean {
    const data = this.files().find((file) => file.path === path)?.data
    if (!data || data.length === 0) return false
    data.flip(bit ?? this.random.below(data.length * 8))
    return true
  }

  /** Runs `effect` after a delay, unless a crash comes first; then `interrupted` may run instead. */
  submit<T>(life: number, effect: () => T, options: { extraMs?: number; interrupted?: () => void } = {}): Promise<T> {
    if (life !== this.life) return new Promise(() => {})
    return new Promise((resolve, reject) => {
      const perform = (): void => {
        try {
          resolve(effect())
        } catch (error) {
          reject(error)
        }
      }
      const operation: InFlight = {
        complete: () => this.#inFlight.delete(operation) && perform(),
        interrupted: options.interrupted ?? (() => attempt(effect)),
      }
      this.#inFlight.add(operation)
      const [low, high] = this.faults.operationMs
      this.clock.after(low + this.random.fraction() * (high - low) + (options.extraMs ?? 0), operation.complete)
    })
  }

  /** True when this operation must fail, now decided. */
  fails(kind: FaultKind, probability: number): boolean {
    const planned = this.#failNext.indexOf(kind)
    if (planned >= 0) this.#failNext.splice(planned, 1)
    return planned >= 0 || (probability > 0 && this.random.chance(probability))
  }

  syncDelayMs(): number {
    return this.faults.slowSync > 0 && this.random.chance(this.faults.slowSync)
      ? this.random.fraction() * this.faults.slowSyncMs
      : 0
  }

  /** Bytes that still fit. */
  freeBytes(): number {
    if (this.faults.capacityBytes === Number.POSITIVE_INFINITY) return Number.MAX_SAFE_INTEGER
    let used = this.#unlinkedBytes()
    for (const { data } of this.files()) used += data.length
    return Math.max(0, this.faults.capacityBytes - used)
  }

  #unlinkedBytes(): number {
    let bytes = 0
    for (const data of this.unlinked) {
      if (data.opened === 0) this.unlinked.delete(data)
      else bytes += data.length
    }
    return bytes
  }

  #powerCut(folder: SimFolder): void {
    folder.powerCut(this.random)
    this.unlinked.clear()
    for (const node of folder.nodes()) {
      if (node instanceof SimFolder) this.#powerCut(node)
      else node.powerCut(this.random)
    }
  }
}

/** What an interrupted operation would have answered is heard by nobody. */
function attempt(effect: () => unknown): void {
  try {
    effect()
  } catch {
    // It would have been refused: nothing happened.
  }
}
