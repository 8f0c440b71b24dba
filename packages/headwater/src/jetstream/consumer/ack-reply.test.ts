import { expect, it } from 'vitest'
import { MessageView } from '../../store/message-view.ts'
import { AckReply } from './ack-reply.ts'

function reply(prefix: string, seq: number, seconds: number, nanos: number, rest: [number, number, number]): AckReply {
  const made = new AckReply(new TextEncoder().encode(prefix))
  const view = new MessageView()
  Object.assign(view, { seq, seconds, nanos })
  made.set(view, ...rest)
  return made
}

it('names a delivery with nanoseconds and sequences beyond 32 bits', () => {
  const long = reply('$JS.ACK.S.c.', 9_007_199_254_740_991, 1_767_225_600, 42, [4_294_967_296, 3, 7])
  expect(long.text()).toBe('$JS.ACK.S.c.3.9007199254740991.4294967296.1767225600000000042.7')
  expect(long.length).toBe(long.text().length)
})

it('is written at any place, with nothing beside it', () => {
  const short = reply('$JS.ACK.größe.c.', 1, 3_000_000_000, 999_999_999, [1, 1, 0])
  const bytes = new Uint8Array(short.length + 4).fill(0x21)
  expect(short.write(bytes, 2)).toBe(short.length + 2)
  expect(new TextDecoder().decode(bytes)).toBe('!!$JS.ACK.größe.c.1.1.1.3000000000999999999.0!!')
})
