/** Which names survive a power cut. */
import { expect, test } from 'vitest'
import { durableNames, FOLDER, type Names, parseNames } from './names.ts'

const base: Names = new Map([
  ['/d/old', 1],
  ['/d/sub', FOLDER],
  ['/d/sub/kept', 2],
])

const after = (log: string[], keptTo = 0): Record<string, number> =>
  Object.fromEntries(durableNames('/d', base, parseNames(log.map((line) => `${line}\n`).join('')), keptTo))

test('what was not synced is undone', () => {
  const log = ['create 7 /d/new', 'unlink /d/old', 'rename /d/sub/kept\t/d/sub/moved']
  expect(after(log)).toEqual(Object.fromEntries(base))
})

test('a sync carries what was done in its folder before it began, and nothing else', () => {
  const log = ['create 7 /d/new', 'create 8 /d/sub/new', 'create 9 /d/late', 'sync 2 /d']
  expect(after(log)).toEqual({ ...Object.fromEntries(base), '/d/new': 7 })
})

test('a rename is whole, over what had the name before', () => {
  const log = ['create 7 /d/old.tmp', 'rename /d/old.tmp\t/d/old', 'sync 2 /d']
  expect(after(log)).toEqual({ ...Object.fromEntries(base), '/d/old': 7 })
})

test('a file in a folder whose own name was not synced is gone', () => {
  const log = ['folder /d/fresh', 'create 7 /d/fresh/file', 'sync 2 /d/fresh']
  expect(after(log)).toEqual(Object.fromEntries(base))
  expect(after([...log, 'sync 3 /d'])).toEqual({ ...Object.fromEntries(base), '/d/fresh': FOLDER, '/d/fresh/file': 7 })
})

test('a torn cut keeps unsynced operations up to a moment', () => {
  expect(after(['create 7 /d/new', 'unlink /d/old'], 1)).toEqual({ ...Object.fromEntries(base), '/d/new': 7 })
})

test('a torn last line is no operation', () => {
  const names = durableNames('/d', base, parseNames('create 7 /d/new\ncreate 8 /d/to'), 2)
  expect([...names.keys()]).toEqual(['/d/new', ...base.keys()])
})
