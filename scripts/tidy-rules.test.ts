/** The rules see what they forbid, and nothing else: a rule that cannot fail would be worse than none. */
import { parseSync } from 'vite'
import { expect, test } from 'vitest'
import type { SyntaxNode } from './source-tree.ts'
import { idleTests, undocumented, usesOf } from './tidy-rules.ts'

function fileOf(text: string, path = 'x.ts') {
  const parsed = parseSync(path, text)
  return { path, text, body: parsed.program.body as unknown as SyntaxNode[], comments: parsed.comments }
}

test.each([
  ['const t = Date.now()', 'Date.now'],
  ['class A { m() { return new Date() } }', 'new Date()'],
  ['setTimeout(f, 5)', 'setTimeout'],
  ['globalThis.setTimeout(f, 5)', 'setTimeout'],
  ['later(setImmediate)', 'setImmediate'],
])('%s is seen', (text, name) => {
  expect(usesOf(fileOf(text), [name]).map((use) => use.name)).toEqual([name])
})

test.each([
  ['// Date.now() is forbidden'],
  ['"Date.now()"'],
  ['new Date(5)'],
  ['clock.now()'],
  ['const o = { setTimeout: 5 }'],
])('%s is not one', (text) => {
  expect(usesOf(fileOf(text), ['Date.now', 'new Date()', 'setTimeout'])).toEqual([])
})

test('tests that would not run are seen', () => {
  const name = 'only'
  expect(idleTests(fileOf(`test.${name}('x', () => {})`))).toHaveLength(1)
  expect(idleTests(fileOf(`test.skipIf(!judge)('x', () => {})`))).toHaveLength(0)
})

test('a docstring speaks for its symbol, and the opening comment for the first and for the name of the file', () => {
  const text = `/** A log. */
export interface First {}
export function bare(): void {}

/** Documented. */
export const A = 1
export const B = 2

export class LogFile {}
`
  expect(undocumented(fileOf(text, 'packages/x/src/log-file.ts')).map((one) => one.name)).toEqual(['bare'])
})
