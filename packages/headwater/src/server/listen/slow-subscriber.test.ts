/** A subscriber that reads nothing, over real sockets: nobody else waits for it, and what is kept for it has a bound. */
import { afterEach, expect, it } from 'vitest'
import { type Clock, SystemClock } from '../../base/clock.ts'
import { VirtualClock } from '../../base/testing/virtual-clock.ts'
import { startBroker, type TestBroker } from './start-broker.case.ts'

const MIB = 1024 * 1024
const STALL_MS = 1
const MAX_PENDING = 4 * MIB
/** More than the two sockets' own buffers and MAX_PENDING can hold together. */
const MESSAGES = 48 * 1024
const PER_ROUND = 512
const BODY = 'k'.repeat(1024)

let server: TestBroker
afterEach(() => server.close())

it('lets a live subscriber have everything: the publisher is stopped for the cap at most, and the dead one is dropped', async () => {
  // Only stalls take real time: no PING and no deadline comes in between.
  const real = new SystemClock()
  const still = new VirtualClock()
  let stalls = 0
  const clock: Clock = {
    now: () => still.now(),
    after: (ms, fire) => {
      if (ms > STALL_MS) return still.after(ms, fire)
      stalls++
      return real.after(ms, fire)
    },
  }
  server = await startBroker({ clock, limits: { maxPending: MAX_PENDING, stallMs: STALL_MS } })
  const dead = await server.client({})
  const live = await server.client({})
  for (const subscriber of [dead, live]) {
    subscriber.send('SUB a 1')
    await subscriber.expectNothing()
  }
  dead.socket.pause()
  const deadId = dead.info.client_id as number
  const publisher = await server.client({})
  const round = Buffer.from(`PUB a 1024\r\n${BODY}\r\n`.repeat(PER_ROUND))
  const expected = Buffer.from(`MSG a 1 1024\r\n${BODY}\r\n`.repeat(PER_ROUND))
  let mostPending = 0
  for (let sent = 0; sent < MESSAGES; sent += PER_ROUND) {
    publisher.write(round)
    // Nothing but the cap's timer lets the publisher go on: the dead one never reads again.
    expect((await live.bytes(expected.length)).equals(expected)).toBe(true)
    mostPending = Math.max(mostPending, server.broker.connection(deadId)?.outbox.pendingBytes ?? 0)
  }
  expect(stalls).toBeGreaterThan(0)
  expect(mostPending).toBeGreaterThan(MIB)
  expect(mostPending).toBeLessThan(MAX_PENDING + MIB)
  expect(server.broker.stats.slowConsumers).toBe(1)
  expect(server.broker.connection(deadId)).toBeUndefined()
  await publisher.expectNothing()
})
