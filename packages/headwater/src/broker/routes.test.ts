import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { hashSubject, PublishFrame } from '../protocol/parser.ts'
import { subjectMatches } from '../protocol/subject.ts'
import { SubjectTrie } from '../protocol/subject-trie.ts'
import { type Route, Routes } from './routes.ts'
import { type AnySubscription, HandlerSubscription } from './subscription.ts'

function resolve(routes: Routes, subject: string): Route {
  const bytes = Buffer.from(subject, 'latin1')
  const frame = new PublishFrame()
  frame.subjectEnd = bytes.length
  hashSubject(bytes, frame)
  return routes.resolve(bytes, 0, bytes.length, frame.hash, frame.lastDot, frame.prefixHash)
}

describe('Routes', () => {
  it('serves every unique subject under a prefix by one route', () => {
    const trie = new SubjectTrie<AnySubscription>()
    const routes = new Routes(trie)
    trie.insert('_INBOX.x.*', new HandlerSubscription('_INBOX.x.*', () => undefined))
    const first = resolve(routes, '_INBOX.x.1')
    expect(first.handlers).toHaveLength(1)
    for (let i = 0; i < 1000; i++) expect(resolve(routes, `_INBOX.x.${i}`)).toBe(first)
    // A literal subscription under the prefix: the last token matters now.
    trie.insert('_INBOX.x.7', new HandlerSubscription('_INBOX.x.7', () => undefined))
    routes.invalidate()
    expect(resolve(routes, '_INBOX.x.7').handlers).toHaveLength(2)
    expect(resolve(routes, '_INBOX.x.8').handlers).toHaveLength(1)
    expect(resolve(routes, '_INBOX.x.8')).not.toBe(first)
  })

  it('is right for more subjects than it remembers', () => {
    const trie = new SubjectTrie<AnySubscription>()
    const routes = new Routes(trie)
    trie.insert('s5', new HandlerSubscription('s5', () => undefined))
    let wrong = 0
    for (let round = 0; round < 2; round++) {
      for (let i = 0; i < 40_000; i++) if (resolve(routes, `s${i}`).handlers.length !== (i === 5 ? 1 : 0)) wrong++
    }
    expect(wrong).toBe(0)
  })

  it('agrees with a list under random changes', () => {
    const token = fc.constantFrom('a', 'b', 'c', '')
    const subject = fc.array(token, { minLength: 1, maxLength: 4 }).map((tokens) => tokens.join('.'))
    const word = fc.constantFrom('a', 'b', 'c', '*')
    const pattern = fc
      .tuple(fc.array(word, { minLength: 1, maxLength: 3 }), fc.boolean())
      .map(([words, rest]) => words.join('.') + (rest ? '.>' : ''))
    const step = fc.oneof(
      fc.record({ what: fc.constant('add' as const), text: pattern }),
      fc.record({ what: fc.constant('remove' as const), text: pattern }),
      fc.record({ what: fc.constant('ask' as const), text: subject }),
    )
    fc.assert(
      fc.property(fc.array(step, { minLength: 5, maxLength: 60 }), (steps) => {
        const trie = new SubjectTrie<AnySubscription>()
        const routes = new Routes(trie)
        const list: HandlerSubscription[] = []
        for (const { what, text } of steps) {
          if (what === 'add') {
            const subscription = new HandlerSubscription(text, () => undefined)
            list.push(subscription)
            trie.insert(text, subscription)
            routes.invalidate()
          } else if (what === 'remove') {
            const at = list.findIndex((one) => one.subject === text)
            if (at === -1) continue
            trie.remove(text, list[at])
            list.splice(at, 1)
            routes.invalidate()
          } else {
            const isWhole = text.split('.').every((one) => one !== '')
            const expected = isWhole ? list.filter((one) => subjectMatches(one.subject, text)) : []
            const got = resolve(routes, text).handlers
            expect(new Set(got)).toEqual(new Set(expected))
            expect(got).toHaveLength(expected.length)
          }
        }
      }),
      { numRuns: 300 },
    )
  })
})
