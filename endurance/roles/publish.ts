/** Publishers: lanes with one message in flight each, so that what was acknowledged first must lie first. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { JetStreamClient } from '@nats-io/jetstream'
import type { StreamLedger } from '../ledger.ts'
import { payloadOf } from '../payload.ts'
import type { World } from '../world.ts'

/** `withId`: with Nats-Msg-Id, and sent again under it until it is acknowledged. Otherwise what is cut off stays unknown. */
export interface Lane {
  readonly name: string
  readonly subject: string
  readonly withId: boolean
  /** Between one message and the next. */
  readonly pauseMs?: number
}

/** Publishes until the run stops; resolves with nothing in flight. */
export async function publishLane(world: World, js: JetStreamClient, ledger: StreamLedger, lane: Lane): Promise<void> {
  for (let number = 0; !world.stopping; number++) {
    const id = `${lane.name}-${number}`
    await publishOne(world, js, ledger, lane, id)
    if (lane.pauseMs) await sleep(lane.pauseMs)
  }
}

async function publishOne(
  world: World,
  js: JetStreamClient,
  ledger: StreamLedger,
  lane: Lane,
  id: string,
): Promise<void> {
  const payload = payloadOf(id)
  for (;;) {
    try {
      const ack = await js.publish(
        lane.subject,
        payload,
        lane.withId ? { msgID: id, timeout: 3000 } : { timeout: 3000 },
      )
      ledger.acknowledge(id, ack.seq, ack.duplicate)
      return
    } catch {
      world.counts['unknown outcomes'] += 1
      if (!lane.withId) {
        ledger.unknown.add(id)
        return
      }
      if (world.isHopeless) return
      await sleep(30)
    }
  }
}

/** Into a memory stream, which may lose everything with the process: makes it again when it went. */
export async function publishToMemory(world: World, js: JetStreamClient, subject: string): Promise<number> {
  let acknowledged = 0
  for (let number = 0; !world.stopping; number++) {
    try {
      await js.publish(subject, payloadOf(`memory-${number}`), { timeout: 3000 })
      acknowledged += 1
    } catch {
      await sleep(50)
    }
    await sleep(5)
  }
  return acknowledged
}
