/** The corners that a whole run must visit, by scenario. */
import { ACTIONS, HANDLINGS } from './faults.ts'
import type { Scenario } from './run.ts'

const both = [
  'crash: kill',
  'crash: power',
  'crash: during recovery',
  'fault: write planned',
  'fault: sync planned',
  'fault: short planned',
  'start: after a clean stop',
  'start: after a crash',
  'start: records replayed',
  'start: torn tail dropped',
  'store: checkpoint replaced',
  'store: cold read',
  'store: compaction',
  'store: frame written',
  'store: journal file made',
  'store: journal file recycled',
  'store: message erased',
  'store: poisoned',
  'store: segment begun',
  'store: segment unlinked',
  'store: segment written',
  'store: stream folder removed',
  'store: subjects file anew',
]

export const REQUIRED: Record<Scenario, readonly string[]> = {
  store: both,
  engine: [
    ...both,
    ...ACTIONS.map((name) => `action: ${name}`),
    ...HANDLINGS.map((name) => `handling: ${name}`),
    'audit',
    'delivered: again',
    'delivered: pull',
    'delivered: push',
    'delivered: push, group',
    'publish: acknowledged',
    'publish: duplicate',
    'publish: duplicate of another life',
    'refused: 10071',
    'refused: 10077',
  ],
}
