import { expect, it } from 'vitest'
import { beat, type Pulse } from './heartbeat.ts'

const MINUTE = 60_000
const pulse: Pulse = {
  startMs: 1_000,
  connectedMs: 0,
  lastActivityMs: 1_000,
  lastPingMs: 0,
  pingsOutstanding: 0,
  rttMs: -1,
}
const connected: Pulse = { ...pulse, connectedMs: 1_500, lastActivityMs: 1_500 }
const known: Pulse = { ...connected, lastPingMs: 4_000, lastActivityMs: 4_000, rttMs: 1 }

it.each([
  ['nobody connected yet: a whole interval', pulse, 1_000 + 2 * MINUTE - 1, 'nothing'],
  ['then a ping all the same', pulse, 1_000 + 2 * MINUTE, 'ping'],
  ['connected: two seconds', connected, 3_499, 'nothing'],
  ['the first ping is early', connected, 3_500, 'ping'],
  ['an answer came: a whole interval', known, 4_000 + 2 * MINUTE - 1, 'nothing'],
  ['silence', known, 4_000 + 2 * MINUTE, 'ping'],
  ['talk instead of silence', { ...known, lastActivityMs: 100_000 }, 4_000 + 2 * MINUTE, 'nothing'],
  [
    'talk, but the round trip is not known',
    { ...known, rttMs: -1, lastActivityMs: 100_000 },
    4_000 + 2 * MINUTE,
    'ping',
  ],
  ['one outstanding', { ...known, pingsOutstanding: 1 }, 4_000 + 2 * MINUTE, 'ping'],
  ['two outstanding', { ...known, pingsOutstanding: 2 }, 4_000 + 2 * MINUTE, 'stale'],
] as const)('%s', (_, state, nowMs, expected) => {
  expect(beat(state, nowMs, 2 * MINUTE, 2)).toBe(expected)
})

it('pings the first time after the interval when that is shorter than two seconds', () => {
  expect(beat(connected, 1_600, 100, 2)).toBe('ping')
})
