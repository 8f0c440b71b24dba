/** Waits until nothing moves any more: every client has answered a ping, the disk is idle, and two looks in a row are the same. */
import type { Clock, Turn } from '../../base/clock.ts'
import { whenFlushed } from '../engine.ts'
import type { Server } from '../server.ts'

/** A client that does not answer within this is not waited for. */
const SILENT_MS = 2000
/** Looks that must be the same. */
const QUIET_LOOKS = 3

/** What is looked at. */
export interface World {
  readonly server: Server
  readonly turn: Turn
  readonly connectionClock: Clock
  /** Operations of the simulated disk that have not taken effect. */
  readonly diskPending: () => number
}

export async function settle(world: World): Promise<void> {
  let last = ''
  for (let quiet = 0; quiet < QUIET_LOOKS; ) {
    await pingAll(world)
    if (world.server.engine) await whenFlushed(world.server.engine)
    while (world.diskPending() > 0) await turnEnd(world.turn)
    const { connections, inMsgs, outMsgs, subscriptions } = world.server.broker.stats
    const look = JSON.stringify([connections, inMsgs, outMsgs, subscriptions])
    quiet = look === last ? quiet + 1 : 0
    last = look
  }
}

/**
 * A client reads in order and answers a ping at once: with its answer, everything that it was sent before has reached its
 * handlers, and what they sent at once has reached the broker.
 */
async function pingAll({ server, turn, connectionClock }: World): Promise<void> {
  const nowMs = connectionClock.now()
  const asked = server.broker.connections().filter((one) => one.connectedMs > 0 && one.pingsOutstanding === 0)
  for (const connection of asked) connection.ping(nowMs)
  do await turnEnd(turn)
  while (
    asked.some((one) => one.pingsOutstanding > 0 && one.closedReason === undefined) &&
    connectionClock.now() - nowMs < SILENT_MS
  )
  // Handlers that await something that is ready go on in these.
  for (let i = 0; i < 3; i++) await turnEnd(turn)
}

/** Resolves at the end of a turn, after everything that is ready. */
export function turnEnd(turn: Turn): Promise<void> {
  return new Promise((resolve) => turn.atEnd(resolve))
}
