import { expect, test } from 'vitest'
import { VirtualClock } from '../base/testing/virtual-clock.ts'
import { Headwater } from '../server/index.ts'
import { commandOf } from './flags.ts'
import { serve, type Terminal } from './serve.ts'

/** A terminal whose time and signals the test owns. */
function terminal(start?: Terminal['start']) {
  const clock = new VirtualClock()
  const said: string[] = []
  const logged: string[] = []
  const exits: number[] = []
  let signal: (name: string) => void = () => {}
  let ready: () => void = () => {}
  const isReady = new Promise<void>((resolve) => {
    ready = resolve
  })
  const given: Terminal = {
    clock,
    say: (line) => {
      said.push(line)
      if (line === 'Server is ready') ready()
    },
    log: (text) => logged.push(text),
    onSignal: (handle) => {
      signal = handle
    },
    exit: (code) => exits.push(code),
    start,
  }
  return { given, clock, said, logged, exits, isReady, signal: (name: string) => signal(name) }
}

function command(line: string) {
  const parsed = commandOf(line.split(' '))
  if (parsed.what !== 'serve') throw new Error(JSON.stringify(parsed))
  return parsed
}

test('a start that takes long says so, every second', async () => {
  let open: () => void = () => {}
  const held = new Promise<void>((resolve) => {
    open = resolve
  })
  const one = terminal(async (options) => {
    await held
    return Headwater.start({ ...options, data: 'memory' })
  })
  const code = serve(command('-p 0 -sd /data/somewhere'), one.given)
  one.clock.advance(2500)
  expect(one.said.filter((line) => line.includes('reading'))).toEqual([
    '  reading  /data/somewhere (1 s)',
    '  reading  /data/somewhere (2 s)',
  ])
  open()
  await one.isReady
  one.clock.advance(10_000)
  expect(one.said.filter((line) => line.includes('reading'))).toHaveLength(2)
  one.signal('SIGTERM')
  expect(await code).toBe(0)
})

test('what the store says of its start stands in these lines, and not beside them', async () => {
  let open: () => void = () => {}
  const held = new Promise<void>((resolve) => {
    open = resolve
  })
  const one = terminal(async (options) => {
    const { logger } = options
    logger?.info({ percent: 40, seconds: 1, doing: 'reading the index of stream 2 of 3' }, 'starting: 40%')
    logger?.info({}, 'something else')
    await held
    return Headwater.start({ ...options, data: 'memory' })
  })
  const code = serve(command('-p 0 -sd /data/somewhere'), one.given)
  one.clock.advance(1000)
  const line = '  reading  /data/somewhere (1 s): 40%, reading the index of stream 2 of 3'
  expect(one.said.filter((text) => text.includes('reading'))).toEqual([line])
  expect(one.logged.join('')).toContain('something else')
  expect(one.logged.join('')).not.toContain('starting')
  open()
  await one.isReady
  one.signal('SIGTERM')
  expect(await code).toBe(0)
})

test('a second signal exits at once', async () => {
  const one = terminal()
  const code = serve(command('-p 0 -sd memory'), one.given)
  await one.isReady
  one.signal('SIGINT')
  expect(one.exits).toEqual([])
  one.signal('SIGINT')
  expect(one.exits).toEqual([1])
  expect(await code).toBe(0)
})

test.each([
  ['-sd memory', 'acknowledged means stored in memory'],
  ['-sd x', 'acknowledged means written and synced to disk'],
  ['-sd x --sync never', 'acknowledged means written; the system syncs when it likes'],
  ['-sd x --sync 500', 'acknowledged means written; synced every 500 ms'],
  ['-js=false', 'publish and subscribe, nothing is kept'],
])('%s promises: %s', async (line, promise) => {
  const one = terminal((options) => Headwater.start({ ...options, data: 'memory' }))
  const code = serve(command(`-p 0 ${line}`), one.given)
  await one.isReady
  expect(one.said.join('\n')).toContain(promise)
  one.signal('SIGINT')
  expect(await code).toBe(0)
})

test('what goes wrong is one error with its next step, and code 1', async () => {
  const taken = await Headwater.start()
  const one = terminal()
  expect(await serve(command(`-p ${new URL(taken.url).port} -sd memory`), one.given)).toBe(1)
  expect(one.logged.join('')).toMatch(/^headwater: port \d+ on 127\.0\.0\.1 is in use\n {2}\S/)
  await taken.close()
})
