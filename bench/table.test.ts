/** Numbers as people read them. */
import { expect, test } from 'vitest'
import { percentile } from './load/tasks.ts'
import { median, short, table } from './table.ts'

test('a median is in the middle, or between the two in the middle', () => {
  expect(median([3, 1, 2])).toBe(2)
  expect(median([4, 1, 2, 3])).toBe(2.5)
})

test('a percentile is a value that was measured', () => {
  const values = Array.from({ length: 100 }, (_, index) => 100 - index)
  expect(percentile(values, 0.5)).toBe(51)
  expect(percentile(values, 0.99)).toBe(100)
  expect(percentile([7], 0.99)).toBe(7)
})

test('rates are short, what was not measured is a dash', () => {
  expect([1_234_567, 12_345, 42.4, 1.234, Number.NaN].map(short)).toEqual(['1.23 M', '12.3 k', '42', '1.23', '-'])
})

test('a table is markdown, and its columns are in line', () => {
  expect(table(['row', 'n'], [['publish', '1']])).toBe('| row     | n |\n| ------- | - |\n| publish | 1 |')
})
