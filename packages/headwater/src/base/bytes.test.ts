import { expect, test } from 'vitest'
import { copyWords, readU64, writeAscii, writeU64 } from './bytes.ts'

test('a u64 is what was written, at the borders of 31, 32 and 53 bits', () => {
  const view = new DataView(new ArrayBuffer(16))
  for (const n of [
    0,
    1,
    2 ** 31 - 1,
    2 ** 31,
    2 ** 32 - 1,
    2 ** 32,
    2 ** 32 + 1,
    2 ** 45 + 7,
    Number.MAX_SAFE_INTEGER,
  ]) {
    writeU64(view, 3, n)
    expect(readU64(view, 3)).toBe(n)
    expect(view.getBigUint64(3, true)).toBe(BigInt(n))
  }
})

test('copies short and long, and nothing beside it', () => {
  const from = Uint8Array.from({ length: 400 }, (_, i) => i)
  for (const length of [0, 1, 7, 8, 9, 41, 255, 256, 257, 300]) {
    const into = new Uint8Array(400)
    copyWords(from, new DataView(from.buffer), 7, 7 + length, into, new DataView(into.buffer), 11)
    expect([...into]).toEqual(Array.from({ length: 400 }, (_, i) => (i >= 11 && i < 11 + length ? (i - 4) & 255 : 0)))
  }
})

test('writes ASCII, and refuses what is not', () => {
  const into = new Uint8Array(8)
  expect(writeAscii('a.b', into, 2)).toBe(3)
  expect([...into]).toEqual([0, 0, 97, 46, 98, 0, 0, 0])
  expect(writeAscii('ü', into, 0)).toBe(-1)
})
