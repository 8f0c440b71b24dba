/** Replies by text find whoever the routes would: the way they were found last time holds only until subscriptions change. */
import { afterEach, expect, it } from 'vitest'
import { chunksTaken } from './arena.ts'
import { type BrokerBench, brokerBench as start } from './pipe.case.ts'

let bench: BrokerBench
const brokerBench: typeof start = (options) => (bench = start(options))
afterEach(() => {
  bench.end()
  expect(chunksTaken()).toBe(0)
})

const ok = new TextEncoder().encode('.ok.')

it('go to the one client under their prefix, and follow every change of subscriptions', () => {
  const { broker, connect } = brokerBench()
  const reply = (subject: string): void => broker.bus.reply(subject, ok, 1, 3)
  const [a, b] = [connect({}), connect({})]
  a.send('SUB _INBOX.a.* 7')
  reply('_INBOX.a.1')
  reply('_INBOX.a.2')
  expect(a.got()).toBe('MSG _INBOX.a.1 7 2\r\nok\r\nMSG _INBOX.a.2 7 2\r\nok\r\n')
  b.send('SUB _INBOX.b.* 1')
  reply('_INBOX.b.1')
  reply('_INBOX.a.3')
  reply('_INBOX.b.2')
  expect(b.got()).toBe('MSG _INBOX.b.1 1 2\r\nok\r\nMSG _INBOX.b.2 1 2\r\nok\r\n')
  expect(a.got()).toBe('MSG _INBOX.a.3 7 2\r\nok\r\n')
  // A second one, then a literal one, then none.
  b.send('SUB _INBOX.> 2')
  reply('_INBOX.a.4')
  expect(a.got()).toBe('MSG _INBOX.a.4 7 2\r\nok\r\n')
  expect(b.got()).toBe('MSG _INBOX.a.4 2 2\r\nok\r\n')
  b.send('UNSUB 2', 'SUB _INBOX.a.5 3')
  reply('_INBOX.a.5')
  reply('_INBOX.a.6')
  expect(a.got()).toBe('MSG _INBOX.a.5 7 2\r\nok\r\nMSG _INBOX.a.6 7 2\r\nok\r\n')
  expect(b.got()).toBe('MSG _INBOX.a.5 3 2\r\nok\r\n')
  a.send('UNSUB 7')
  b.send('UNSUB 3')
  reply('_INBOX.a.7')
  expect(a.got() + b.got()).toBe('')
})

it('keep to a maximum, and reach handlers, queue groups and odd subjects as any message does', () => {
  const { broker, connect } = brokerBench()
  const reply = (subject: string): void => broker.bus.reply(subject, ok, 1, 3)
  const a = connect({})
  a.send('SUB in.* 1', 'UNSUB 1 2')
  for (let i = 0; i < 4; i++) reply(`in.${i}`)
  expect(a.got()).toBe('MSG in.0 1 2\r\nok\r\nMSG in.1 1 2\r\nok\r\n')
  const heard: string[] = []
  broker.bus.subscribe('in.*', (message) => void heard.push(message.subject))
  reply('in.4')
  expect(heard).toEqual(['in.4'])
  a.send('SUB q.* group 2', 'SUB \xc3\xa9.* 3', 'SUB plain 4')
  for (const subject of ['q.1', 'é.1', 'é.é', 'plain', 'q.', '.', '']) reply(subject)
  expect(a.got()).toBe(
    'MSG q.1 2 2\r\nok\r\nMSG \xc3\xa9.1 3 2\r\nok\r\nMSG \xc3\xa9.\xc3\xa9 3 2\r\nok\r\nMSG plain 4 2\r\nok\r\n',
  )
})
