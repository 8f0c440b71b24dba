import { expect, test } from 'vitest'
import { FrameReader } from './frames.ts'
import { toMessage } from './messages.ts'

const wire = 'INFO {"a":1} \r\nMSG foo 1  5\r\nhe\r\no\r\nHMSG foo 2 re 12 14\r\nNATS/1.0\r\n\r\nhi\r\nPONG\r\n'

test('any split of the bytes gives the same frames', () => {
  const whole = new FrameReader().push(Buffer.from(wire))
  expect(whole.map((frame) => frame.line)).toEqual(['INFO {"a":1}', 'MSG foo 1 5', 'HMSG foo 2 re 12 14', 'PONG'])
  expect(whole[1].payload?.toString()).toBe('he\r\no')
  for (let cut = 1; cut < wire.length; cut++) {
    const reader = new FrameReader()
    const frames = [...reader.push(Buffer.from(wire.slice(0, cut))), ...reader.push(Buffer.from(wire.slice(cut)))]
    expect(frames, `cut at ${cut}`).toEqual(whole)
  }
})

test('a message is read with and without headers, reply and status', () => {
  expect(toMessage('MSG foo 1 2', Buffer.from('hi'))).toMatchObject({
    subject: 'foo',
    reply: '',
    status: 0,
    text: 'hi',
  })
  const block = 'NATS/1.0 503 No One\r\nA: 1\r\n\r\n'
  const message = toMessage(`HMSG foo 1 re ${block.length} ${block.length + 1}`, Buffer.from(`${block}x`))
  expect(message).toMatchObject({ reply: 're', status: 503, description: 'No One', headers: [['A', '1']], text: 'x' })
})
