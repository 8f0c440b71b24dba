/** The world that a server stands on: two clocks, turns, chance and a file system. Real here; tests bring their own. */
import { type Clock, SystemClock, SystemTurn, type Turn } from '../base/clock.ts'
import type { FileSystem } from '../base/fs.ts'
import { NodeFileSystem } from '../base/node-fs.ts'
import { type Random, SystemRandom } from '../base/random.ts'

/** One implementation of each seam. */
export interface Seams {
  /** What streams and consumers count in: a test may move it. */
  readonly messageClock: Clock
  /** What connections count in: always real. */
  readonly connectionClock: Clock
  readonly turn: Turn
  readonly random: Random
  readonly fs: FileSystem
  /** Bytes of one journal file; the store's own choice when left out. */
  readonly journalBytes?: number
}

/** This machine. */
export function systemSeams(): Seams {
  const clock = new SystemClock()
  return {
    messageClock: clock,
    connectionClock: clock,
    turn: new SystemTurn(),
    random: new SystemRandom(),
    fs: new NodeFileSystem(),
  }
}
