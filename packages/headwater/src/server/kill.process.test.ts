/**
 * SIGKILL under load, by a real client over a real socket, again and again on the same data: what was acknowledged is there,
 * in order and under its sequence; what was acknowledged as removed is gone; ids within the window are recognised; what a
 * consumer acknowledged and was told so does not come back. HEADWATER_KILL_ROUNDS says how often (5), HEADWATER_KILL_SEED where.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { ChildBroker } from './child-broker.case.ts'
import { KillLoad } from './kill-load.case.ts'

const ROUNDS = Number(process.env.HEADWATER_KILL_ROUNDS ?? 5)
const SEED = Number(process.env.HEADWATER_KILL_SEED ?? Date.now() % 1_000_000)

test(`${ROUNDS} rounds of SIGKILL under load (HEADWATER_KILL_SEED=${SEED})`, {
  timeout: 30_000 + ROUNDS * 20_000,
}, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'headwater-kill-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const random = generator(SEED)
  const load = new KillLoad()
  let broker = await ChildBroker.start({ folder })
  onTestFinished(() => broker.kill())
  await load.setUp(broker.url)
  for (let round = 0; round < ROUNDS; round++) {
    // The moment is counted in acknowledgements, so that it falls into the load however fast the machine is.
    const acknowledgements = 50 + Math.floor(random() * 2500)
    await load.run(broker.url, acknowledgements, () => broker.kill())
    broker = await ChildBroker.start({ folder, port: broker.port })
    expect(await load.verify(broker.url), `round ${round + 1} of seed ${SEED}`).toEqual([])
  }
  expect(load.acknowledgedRemovals, 'removals were tried').toBeGreaterThan(0)
  expect(load.confirmedAcks, 'consumer acknowledgements were confirmed').toBeGreaterThan(0)
  expect(load.unknownOutcomes, 'some publishes were cut off').toBeGreaterThan(0)
  expect(await load.drain(broker.url), `the end of seed ${SEED}`).toEqual([])
  await broker.stop()
})

/** mulberry32: small, seeded, good enough to pick moments. */
function generator(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
