import { expect, it } from 'vitest'
import { ManualTurn } from './manual-turn.ts'

it('runs ends in order, and leaves what they ask for to the next turn', () => {
  const turn = new ManualTurn()
  const ran: string[] = []
  turn.atEnd(() => {
    ran.push('a')
    turn.atEnd(() => ran.push('c'))
  })
  turn.atEnd(() => ran.push('b'))
  expect(ran).toEqual([])
  expect(turn.run()).toBe(2)
  expect(ran).toEqual(['a', 'b'])
  expect(turn.pending).toBe(1)
  turn.run()
  expect(ran).toEqual(['a', 'b', 'c'])
  expect(turn.run()).toBe(0)
})
