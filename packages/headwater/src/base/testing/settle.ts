/** Lets a virtual world run on until a promise settles: ends turns, drains microtasks, and jumps to the next timer. */
import { SystemTurn } from '../clock.ts'
import type { ManualTurn } from './manual-turn.ts'
import type { VirtualClock } from './virtual-clock.ts'

/** Resolves when every microtask that is ready has run. */
export function drainMicrotasks(): Promise<void> {
  return new Promise((resolve) => new SystemTurn().atEnd(resolve))
}

/** Runs the world until `promise` settles, and gives what it gave. Throws when nothing is left that could settle it. */
export async function settle<T>(world: { clock: VirtualClock; turn?: ManualTurn }, promise: Promise<T>): Promise<T> {
  let settled = false
  const seen = (): void => {
    settled = true
  }
  promise.then(seen, seen)
  for (;;) {
    await drainMicrotasks()
    if (settled) return promise
    if ((world.turn?.run() ?? 0) > 0) continue
    if (!world.clock.fireNext()) throw new Error('settle: no timer and no turn is left, and the promise is still open')
  }
}

/** Runs the world on for `ms`: turns, microtasks and timers, all that falls into that time. */
export async function elapse(world: { clock: VirtualClock; turn?: ManualTurn }, ms: number): Promise<void> {
  const untilMs = world.clock.now() + ms
  for (;;) {
    await drainMicrotasks()
    if ((world.turn?.run() ?? 0) > 0) continue
    const nextAtMs = world.clock.nextAtMs
    if (nextAtMs === undefined || nextAtMs > untilMs) break
    world.clock.fireNext()
  }
  world.clock.advance(untilMs - world.clock.now())
}
