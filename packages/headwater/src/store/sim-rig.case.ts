/** A store on a simulated disk whose world runs on by itself, so that a test can simply await. */
import { type Logger, silentLogger } from '../base/log.ts'
import { ManualTurn } from '../base/testing/manual-turn.ts'
import { SeededRandom } from '../base/testing/seeded-random.ts'
import { drainMicrotasks } from '../base/testing/settle.ts'
import { type Crash, SimDisk } from '../base/testing/sim-disk.ts'
import { VirtualClock } from '../base/testing/virtual-clock.ts'
import { openFileStore } from './file-store.ts'
import type { FileStore } from './running-store.ts'
import type { StoreOptions } from './store.ts'

export const FOLDER = '/data'

export class SimRig {
  /** Message time: moves only when a test says so. */
  readonly clock = new VirtualClock()
  /** The disk's and the store's own time. */
  readonly realClock = new VirtualClock()
  readonly disk: SimDisk
  turn = new ManualTurn()
  /** What the store logged, as `level text`. */
  readonly logged: string[] = []
  #stopped = false

  constructor(seed = 1) {
    this.disk = new SimDisk({ clock: this.realClock, random: new SeededRandom(seed) })
    void this.#run()
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      await drainMicrotasks()
      if (this.turn.run() === 0) this.realClock.fireNext()
    }
  }

  get log(): Logger {
    const note = (level: string) => (_fields: object, text: string) => void this.logged.push(`${level} ${text}`)
    return { ...silentLogger, error: note('error'), warn: note('warn') }
  }

  open(more: Partial<StoreOptions> = {}): Promise<FileStore> {
    this.turn = new ManualTurn()
    const { clock, realClock, turn, log } = this
    return openFileStore({
      folder: FOLDER,
      sync: 'always',
      fs: this.disk.mount(),
      clock,
      realClock,
      turn,
      log,
      ...more,
    })
  }

  /** Ends the process (or the power) and opens what is left. */
  async crashed(kind: Crash = 'kill', more: Partial<StoreOptions> = {}): Promise<FileStore> {
    this.disk.crash(kind)
    return this.open(more)
  }

  /** Replaces the bytes of a file. */
  write(path: string, bytes: Uint8Array): void {
    const data = this.disk.files().find((file) => file.path === path)?.data
    data?.truncate(bytes.length)
    data?.write([bytes], 0)
    data?.persist()
  }

  paths(): string[] {
    return this.disk.files().map((file) => file.path)
  }

  stop(): void {
    this.#stopped = true
  }
}

/** Resolves when everything appended so far is readable, rejects when it never will be. */
export function readable(store: FileStore): Promise<void> {
  return new Promise((resolve, failed) => store.whenReadable({ readable: resolve, failed }))
}
