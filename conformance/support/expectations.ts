/** Comparisons whose failure says what was expected and what came. */
import { stable } from './normalise.ts'

/** Both have the same JSON, whatever the order of keys. */
export function expectEqual(actual: unknown, expected: unknown, what = 'value'): void {
  const got = stable(actual)
  const want = stable(expected)
  if (got !== want) throw new Error(`${what}: expected ${want}, got ${got}`)
}

/** Everything in `expected` is in `actual`, at any depth; `actual` may have more members (arrays must have the same length). */
export function expectMatch(actual: unknown, expected: unknown, what = 'value'): void {
  const difference = firstDifference(actual, expected, what)
  if (difference) throw new Error(`${difference}; the whole: ${stable(actual)}`)
}

export function expectTrue(condition: boolean, what: string): asserts condition {
  if (!condition) throw new Error(what)
}

function firstDifference(actual: unknown, expected: unknown, path: string): string | undefined {
  if (expected instanceof RegExp) {
    return typeof actual === 'string' && expected.test(actual)
      ? undefined
      : `${path}: expected ${expected}, got ${stable(actual)}`
  }
  if (typeof expected !== 'object' || expected === null) {
    return Object.is(actual, expected) ? undefined : `${path}: expected ${stable(expected)}, got ${stable(actual)}`
  }
  if (typeof actual !== 'object' || actual === null)
    return `${path}: expected ${stable(expected)}, got ${stable(actual)}`
  if (Array.isArray(expected) && (!Array.isArray(actual) || actual.length !== expected.length)) {
    return `${path}: expected ${stable(expected)}, got ${stable(actual)}`
  }
  for (const [key, inner] of Object.entries(expected)) {
    const difference = firstDifference((actual as Record<string, unknown>)[key], inner, `${path}.${key}`)
    if (difference) return difference
  }
  return undefined
}
