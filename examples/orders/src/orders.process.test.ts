/** The flow as a newcomer runs it, only shorter: a broker of its own that is killed twice, and every order adds up. */
import { expect, test } from 'vitest'
import { runFlowCommand } from './testing.ts'

test('on Headwater, killed twice', async () => {
  const { code, output } = await runFlowCommand('--orders', '300', '--kills', '2')
  expect(output).toContain('all 300 orders add up on Headwater')
  expect(code).toBe(0)
})

test('--help says what it does; a wrong option is bad usage', async () => {
  const help = await runFlowCommand('--help')
  expect(help.output).toContain('--servers URL')
  expect(help.code).toBe(0)
  const wrong = await runFlowCommand('--orders', 'many')
  expect(wrong.output).toContain('--orders wants a whole number')
  expect(wrong.code).toBe(2)
})
