/**
 * A few power cuts: with the syncs that the server makes nothing acknowledged is lost; with the last of them taken away, much
 * is, and the checker says so. `npm run endure -- power` is the long form. HEADWATER_POWER_SEED chooses the cuts.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { runPower, whyNoPower } from './power.ts'

const SEED = Number(process.env.HEADWATER_POWER_SEED ?? Date.now() % 1_000_000)
const why = whyNoPower()

describe.skipIf(why !== undefined)(`power cuts (HEADWATER_POWER_SEED=${SEED})${why ? `: ${why}` : ''}`, () => {
  test('three of them lose nothing', async () => {
    const result = await cuts({ killsMax: 3, seed: SEED, lie: false })
    expect(result.faults).toEqual([])
    expect(result.counts.kills).toBe(3)
    expect(result.counts.acknowledged).toBeGreaterThan(0)
  })

  test('a disk that answers from its cache loses messages, and the checker sees it', async () => {
    let lost = 0
    for (let attempt = 0; attempt < 5 && lost === 0; attempt++) {
      try {
        lost = (await cuts({ killsMax: 1, seed: SEED + attempt, lie: true })).lostCount
      } catch (error) {
        // What was lost was promised elsewhere on the disk: the server saw it before the checker could.
        expect(String(error)).toContain('Nothing was changed')
      }
    }
    expect(lost).toBeGreaterThan(0)
  })
})

async function cuts(options: { killsMax: number; seed: number; lie: boolean }) {
  const folder = mkdtempSync(join(tmpdir(), 'headwater-power-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const result = await runPower({ folder, minutes: 2, pauseMsMax: 1500, ackWaitMs: 2000, log: () => {}, ...options })
  if (typeof result === 'string') throw new Error(result)
  return result
}
