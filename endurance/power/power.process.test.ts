/**
 * A few power cuts: with the syncs that the server makes nothing acknowledged is lost; with the last of them taken away, much
 * is, and the checker says so. `npm run endure -- power` is the long form. HEADWATER_POWER_SEED chooses the cuts.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { runPower, whyNoPower } from './power.ts'

const SEED = Number(process.env.HEADWATER_POWER_SEED ?? Date.now() % 1_000_000)
const why = whyNoPower()

test.skipIf(why !== undefined)(
  `three power cuts lose nothing (HEADWATER_POWER_SEED=${SEED})${why ? `: ${why}` : ''}`,
  async () => {
    const result = await cuts(3, false)
    expect(result.faults).toEqual([])
    expect(result.counts.kills).toBe(3)
    expect(result.counts.acknowledged).toBeGreaterThan(0)
  },
)

test.skipIf(why !== undefined)(
  'a disk that answers from its cache loses messages, and the checker sees it',
  async () => {
    expect((await cuts(2, true)).lostCount).toBeGreaterThan(0)
  },
)

async function cuts(killsMax: number, lie: boolean) {
  const folder = mkdtempSync(join(tmpdir(), 'headwater-power-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const result = await runPower({ folder, minutes: 2, seed: SEED, killsMax, lie, log: () => {} })
  if (typeof result === 'string') throw new Error(result)
  return result
}
