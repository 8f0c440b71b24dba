import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { differences, differencesPage } from './differences.ts'
import { cloneRoot } from './support/find-judge.ts'

test('docs/differences.md is what the table says: npm run conformance -- --docs', () => {
  expect(readFileSync(join(cloneRoot, 'docs', 'differences.md'), 'utf8')).toBe(differencesPage())
})

test('every row has a name of its own', () => {
  const ids = differences.map(({ id }) => id)
  expect(new Set(ids).size).toBe(ids.length)
})
