import { describe, expect, test } from 'vitest'
import { ManualTurn } from '../base/testing/manual-turn.ts'
import { VirtualClock } from '../base/testing/virtual-clock.ts'
import type { Log } from './log.ts'
import { openMemoryStore } from './memory-store.ts'
import { put, read, storeCases } from './store.case.ts'

storeCases('memory store', async () => {
  const clock = new VirtualClock()
  const turn = new ManualTurn()
  const store = openMemoryStore({ clock, turn })
  return {
    store,
    clock,
    settle: async () => {
      while (turn.run() > 0);
    },
    close: () => store.close(),
  }
})

describe('memory', () => {
  test('is given back when messages go, even when a few stay', async () => {
    const store = openMemoryStore({ clock: new VirtualClock(), turn: new ManualTurn() })
    const log = store.createStream({ storage: 'memory', config: '' }) as Log
    put(log, 'keep', 'first')
    for (let i = 0; i < 20_000; i++) {
      const seq = put(log, 'a', 'x'.repeat(500))
      if (i % 2000 === 0) put(log, `keep.${i}`, String(i))
      log.remove(seq)
    }
    let held = 0
    for (const run of log.index.runs) held += run.chunks?.bytes ?? 0
    expect(log.state.messages).toBe(11)
    expect(held).toBeLessThan(1_200_000)
    expect(await read(log, 1)).toBe('first')
  })
})
