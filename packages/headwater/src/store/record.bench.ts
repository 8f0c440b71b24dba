/** What a message costs before it meets the disk: checksum (where zlib takes over), encoding, and the whole append in memory. */
import { bench, describe } from 'vitest'
import { SystemClock, SystemTurn } from '../base/clock.ts'
import { crc32 } from '../base/crc32.ts'
import { openMemoryStore } from './memory-store.ts'
import { messageRecordBytes, sealRecord, writeMessage } from './record.ts'

const TIMES = 1000

describe.each([64, 128, 256, 1024, 16_384])('crc32 of %d bytes', (length) => {
  const bytes = Buffer.alloc(length, 'x')
  bench(`${TIMES} times`, () => {
    for (let i = 0; i < TIMES; i++) crc32(bytes, 0, length)
  })
})

describe.each([16, 128, 1024])('a message of %d bytes', (payload) => {
  const input = {
    subject: 'orders.17.created',
    bytes: Buffer.alloc(payload, 'x'),
    start: 0,
    headersLength: 0,
    end: payload,
    flags: 0,
  }
  const into = Buffer.alloc(payload + 128)
  const view = new DataView(into.buffer, into.byteOffset, into.length)
  const inputView = new DataView(input.bytes.buffer, input.bytes.byteOffset, payload)
  const length = messageRecordBytes(input, input.subject.length)
  bench(`${TIMES} times encoded and sealed`, () => {
    for (let i = 0; i < TIMES; i++) {
      writeMessage(into, view, 0, input, inputView, input.subject.length, 1, i, 1_800_000_000, i)
      sealRecord(into, view, 0, length)
    }
  })

  const store = openMemoryStore({ clock: new SystemClock(), turn: new SystemTurn() })
  const log = store.createStream({ storage: 'memory', config: '' })
  bench(`${TIMES} times appended to a memory stream that keeps the last 100,000`, () => {
    for (let i = 0; i < TIMES; i++) log.append(input)
    log.removeBelow(log.state.lastSeq - 100_000)
  })
})
