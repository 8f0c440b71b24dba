import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { subjectMatches } from './subject.ts'
import { SubjectTrie } from './subject-trie.ts'

function matchesOf<T>(trie: SubjectTrie<T>, literal: string): T[] {
  const found: T[] = []
  trie.match(literal, (value) => found.push(value))
  return found
}

describe('SubjectTrie', () => {
  it('finds literals, one token and the rest', () => {
    const trie = new SubjectTrie<string>()
    for (const subject of ['a.b', 'a.*', 'a.>', '>', '*.b', 'c']) trie.insert(subject, subject)
    expect(matchesOf(trie, 'a.b').sort()).toEqual(['*.b', '>', 'a.*', 'a.>', 'a.b'])
    expect(matchesOf(trie, 'c').sort()).toEqual(['>', 'c'])
    expect(matchesOf(trie, 'a')).toEqual(['>'])
    expect(trie.size).toBe(6)
  })

  it('removes one value at a time and forgets empty branches', () => {
    const trie = new SubjectTrie<number>()
    trie.insert('a.b.c', 1)
    trie.insert('a.b.c', 1)
    expect(trie.remove('a.b.c', 2)).toBe(false)
    expect(trie.remove('a.b', 1)).toBe(false)
    expect(trie.remove('a.b.c', 1)).toBe(true)
    expect(matchesOf(trie, 'a.b.c')).toEqual([1])
    expect(trie.remove('a.b.c', 1)).toBe(true)
    expect(trie.remove('a.b.c', 1)).toBe(false)
    expect(trie.size).toBe(0)
    expect(trie.hasMatch('a.b.c')).toBe(false)
  })

  it('knows when the last token cannot matter', () => {
    const trie = new SubjectTrie<number>()
    trie.insert('_INBOX.x.*', 1)
    trie.insert('_INBOX.*.>', 2)
    expect(trie.sameForEveryLastToken('_INBOX.x.')).toBe(true)
    trie.insert('_INBOX.x.y.z', 3)
    expect(trie.sameForEveryLastToken('_INBOX.x.')).toBe(true)
    trie.insert('*.x.y', 4)
    expect(trie.sameForEveryLastToken('_INBOX.x.')).toBe(false)
    expect(trie.sameForEveryLastToken('_INBOX.q.')).toBe(true)
    trie.remove('*.x.y', 4)
    expect(trie.sameForEveryLastToken('_INBOX.x.')).toBe(true)
  })

  it('agrees with a list of patterns under random inserts and removes', () => {
    const token = fc.constantFrom('a', 'b', 'c')
    const literal = fc.array(token, { minLength: 1, maxLength: 4 }).map((t) => t.join('.'))
    const pattern = fc
      .tuple(fc.array(fc.oneof(token, fc.constant('*')), { minLength: 0, maxLength: 3 }), fc.boolean())
      .map(([t, rest]) => [...t, ...(rest || t.length === 0 ? ['>'] : [])].join('.'))
    const step = fc.record({ pattern, remove: fc.boolean() })
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 40 }),
        fc.array(literal, { minLength: 1, maxLength: 10 }),
        (steps, asks) => {
          const trie = new SubjectTrie<string>()
          const list: string[] = []
          for (const { pattern: p, remove } of steps) {
            if (remove) {
              const at = list.indexOf(p)
              expect(trie.remove(p, p)).toBe(at !== -1)
              if (at !== -1) list.splice(at, 1)
            } else {
              trie.insert(p, p)
              list.push(p)
            }
          }
          expect(trie.size).toBe(list.length)
          for (const ask of asks) {
            const expected = list.filter((p) => subjectMatches(p, ask)).sort()
            expect(matchesOf(trie, ask).sort()).toEqual(expected)
            expect(trie.hasMatch(ask)).toBe(expected.length > 0)
            const prefix = ask.slice(0, ask.lastIndexOf('.') + 1)
            if (prefix !== '' && trie.sameForEveryLastToken(prefix)) {
              const other = list.filter((p) => subjectMatches(p, `${prefix}zz`)).sort()
              expect(expected).toEqual(other)
            }
          }
        },
      ),
    )
  })
})
