/** What it costs to remember a delivery until its ack: columns, beside a Map of objects. */
import { bench, describe } from 'vitest'
import type { Pending } from './consumer-progress.ts'
import { PendingTable } from './pending-table.ts'

const WINDOW = 1000
const atMs = 1_767_225_600_000.25

describe('1,000 messages, 1,000 pending', () => {
  const table = new PendingTable()
  let seq = 0
  while (seq < WINDOW) table.insert(++seq, seq, seq, 1, atMs)

  bench('columns', () => {
    for (let n = 0; n < 1000; n++) {
      table.insert(++seq, seq, seq, 1, atMs)
      table.delete(seq - WINDOW)
    }
  })

  const map = new Map<number, Pending>()
  let mapSeq = 0
  const put = (): void => {
    map.set(++mapSeq, { firstConsumerSeq: mapSeq, consumerSeq: mapSeq, deliveries: 1, deliveredAtMs: atMs })
  }
  while (mapSeq < WINDOW) put()

  bench('a Map of objects', () => {
    for (let n = 0; n < 1000; n++) {
      put()
      map.delete(mapSeq - WINDOW)
    }
  })
})
