import { crc32 as zlibCrc32 } from 'node:zlib'
import { expect, test } from 'vitest'
import { crc32 } from './crc32.ts'
import { SeededRandom } from './testing/seeded-random.ts'

test('is the standard checksum', () => {
  expect(crc32(Buffer.from('123456789'), 0, 9)).toBe(0xcbf43926)
  expect(crc32(Buffer.alloc(0), 0, 0)).toBe(0)
})

test('is what zlib computes, at every length around the change-over and at every offset', () => {
  const bytes = Buffer.from(new SeededRandom(1).bytes(2000))
  for (let length = 0; length < 600; length++) {
    const start = length % 9
    const right = zlibCrc32(bytes.subarray(start, start + length))
    expect(crc32(bytes, start, start + length), `${length} bytes`).toBe(right)
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    expect(crc32(bytes, start, start + length, view), `${length} bytes by words`).toBe(right)
  }
})
