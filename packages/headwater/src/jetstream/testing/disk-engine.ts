/** The engine over the durable store on a simulated disk: nothing is acknowledged before the disk has it. */
import { silentLogger } from '../../base/log.ts'
import { ManualTurn } from '../../base/testing/manual-turn.ts'
import { SeededRandom } from '../../base/testing/seeded-random.ts'
import { settle } from '../../base/testing/settle.ts'
import { type Crash, SimDisk } from '../../base/testing/sim-disk.ts'
import { VirtualClock } from '../../base/testing/virtual-clock.ts'
import { openFileStore } from '../../store/file-store.ts'
import type { StoreOptions } from '../../store/store.ts'
import { TestEngine } from './engine.ts'

/** A machine with a disk, on which engines live one after the other. */
export class DiskMachine {
  readonly clock: VirtualClock = new VirtualClock()
  readonly disk: SimDisk
  /** Of the store, beside the defaults; for the next start. */
  more: Partial<StoreOptions>

  constructor(seed: number, more: Partial<StoreOptions> = {}) {
    this.disk = new SimDisk({ clock: this.clock, random: new SeededRandom(seed) })
    this.more = more
  }

  /** Starts a process: opens what the disk has. */
  async start(): Promise<TestEngine> {
    const { clock } = this
    const turn = new ManualTurn()
    const opening = openFileStore({
      folder: '/data',
      sync: 'always',
      fs: this.disk.mount(),
      clock,
      realClock: clock,
      turn,
      log: silentLogger,
      ...this.more,
    })
    const store = await settle({ clock, turn }, opening)
    const engine = new TestEngine({ clock, turn, store })
    await settle(engine, engine.jetstream.ready)
    return engine
  }

  /** Ends the process as it stands, and starts the next. */
  async crash(kind: Crash): Promise<TestEngine> {
    this.disk.crash(kind)
    return this.start()
  }
}
