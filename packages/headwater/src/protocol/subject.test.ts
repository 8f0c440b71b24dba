import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  isLiteral,
  isSubsetOf,
  isValidName,
  isValidSubject,
  subjectMatches,
  subjectsCollide,
  tokensOf,
} from './subject.ts'

describe('subjects', () => {
  it.each([
    ['a', true, true],
    ['a.b.c', true, true],
    ['a.*', true, false],
    ['a.>', true, false],
    ['>', true, false],
    ['*', true, false],
    ['a*.b>', true, true],
    ['a.>.b', false, false],
    ['>.a', false, false],
    ['', false, false],
    ['.', false, false],
    ['a..b', false, false],
    ['.a', false, false],
    ['a.', false, false],
    ['a b', false, false],
    ['a\tb', false, false],
    ['a\r\nb', false, false],
    ['a\fb', false, false],
  ])('%j: valid %s, literal %s', (subject, valid, literal) => {
    expect(isValidSubject(subject)).toBe(valid)
    expect(isLiteral(subject)).toBe(literal)
  })

  it.each([
    ['a.b', 'a.b', true],
    ['a.*', 'a.b', true],
    ['a.*', 'a', false],
    ['a.*', 'a.b.c', false],
    ['a.>', 'a', false],
    ['a.>', 'a.b.c', true],
    ['*.*', 'a.b', true],
    ['>', 'a', true],
    ['*', 'a.b', false],
    ['a.b', 'a.bc', false],
    ['a.bc', 'a.b', false],
    ['a', 'a.b', false],
    ['a.b', 'a', false],
  ])('%j matches %j: %s', (pattern, literal, matches) => {
    expect(subjectMatches(pattern, literal)).toBe(matches)
  })

  it.each([
    ['a.b', 'a.*', true],
    ['a.*', 'a.b', false],
    ['a.*', 'a.*', true],
    ['a.*', 'a.>', true],
    ['a.>', 'a.*', false],
    ['a.>', '>', true],
    ['>', '*.>', false],
    ['*.>', '>', true],
    ['a.>', 'a.*.>', false],
    ['a.*.>', 'a.>', true],
    ['a', 'a.>', false],
    ['a.b', 'a', false],
  ])('%j is a subset of %j: %s', (a, b, subset) => {
    expect(isSubsetOf(a, b)).toBe(subset)
  })

  it.each([
    ['a.*', '*.b', true],
    ['a.b', 'a.c', false],
    ['a.>', 'a', false],
    ['a.>', '*.*.c', true],
    ['a.*', 'a.*.b', false],
    ['>', 'x.y', true],
    ['a.*.c', 'a.b.>', true],
  ])('%j collides with %j: %s', (a, b, collide) => {
    expect(subjectsCollide(a, b)).toBe(collide)
    expect(subjectsCollide(b, a)).toBe(collide)
  })

  it('agrees with the definition: subset and collision, by trying every short literal', () => {
    const token = fc.constantFrom('a', 'b', '*')
    const pattern = fc
      .tuple(fc.array(token, { minLength: 0, maxLength: 3 }), fc.boolean())
      .map(([tokens, rest]) => [...tokens, ...(rest || tokens.length === 0 ? ['>'] : [])].join('.'))
    const literals: string[] = []
    const grow = (prefix: string, depth: number): void => {
      for (const t of ['a', 'b', 'z']) {
        const subject = prefix === '' ? t : `${prefix}.${t}`
        literals.push(subject)
        if (depth > 1) grow(subject, depth - 1)
      }
    }
    grow('', 5)
    fc.assert(
      fc.property(pattern, pattern, (a, b) => {
        const ofA = literals.filter((l) => subjectMatches(a, l))
        expect(isSubsetOf(a, b)).toBe(ofA.every((l) => subjectMatches(b, l)))
        expect(subjectsCollide(a, b)).toBe(ofA.some((l) => subjectMatches(b, l)))
      }),
      { numRuns: 300 },
    )
  })

  it('splits into tokens', () => {
    expect(tokensOf('a.*.>')).toEqual(['a', '*', '>'])
  })

  it.each([
    ['orders', true],
    ['ORDERS-1_x', true],
    ['', false],
    ['a.b', false],
    ['a*', false],
    ['a>', false],
    ['a b', false],
    ['a/b', false],
    ['a\\b', false],
    ['a\u0000', false],
    ['x'.repeat(255), true],
    ['x'.repeat(256), false],
    ['é'.repeat(128), false],
  ])('name %j: %s', (name, valid) => {
    expect(isValidName(name)).toBe(valid)
  })
})
