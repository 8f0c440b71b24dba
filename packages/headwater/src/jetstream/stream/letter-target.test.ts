import { describe, expect, test } from 'vitest'
import { MessageView } from '../../store/message-view.ts'
import { FLAG_DEAD_LETTER } from '../../store/stream-log.ts'
import { TestEngine } from '../testing/engine.ts'
import type { Stream } from './stream.ts'

async function target(config: object, limits: object = {}) {
  const engine = new TestEngine({ limits })
  await engine.api('STREAM.CREATE.S', { name: 'S' })
  await engine.api('STREAM.CREATE.DEAD', { name: 'DEAD', subjects: ['dead.>'], ...config })
  const found = (engine.jetstream.stream('S') as Stream).letterTarget('dead.c')
  if ('refused' in found) throw new Error(found.refused)
  return { engine, found, stream: engine.jetstream.stream('DEAD') as Stream }
}

describe('a stream of dead letters', () => {
  test('is the one that captures the subject', async () => {
    const { engine, found } = await target({ storage: 'memory', max_msgs_per_subject: 7 })
    expect(found).toMatchObject({ stream: 'DEAD', storage: 'memory', maxMsgsPerSubject: 7 })
    const source = engine.jetstream.stream('S') as Stream
    expect(source.letterTarget('nowhere')).toEqual({ refused: 'no stream captures nowhere' })
    expect(source.letterTarget('dead.*')).toHaveProperty('refused')
  })

  test('takes letters past the window, the size limit and expectations, flagged, within its limits', async () => {
    const { engine, found, stream } = await target({ max_msg_size: 1, max_msgs: 2 })
    const letter = new TextEncoder().encode('NATS/1.0\r\nNats-Msg-Id: x\r\n\r\nbody')
    for (let i = 1; i <= 3; i++) expect(found.append('dead.c', letter, letter.length - 4)).toBe(i)
    expect(stream.log.state).toMatchObject({ messages: 2, firstSeq: 2 })
    const view = new MessageView()
    stream.log.read(3, view)
    expect(view.flags & FLAG_DEAD_LETTER).not.toBe(0)
    expect((await engine.request('dead.c', '', [['Nats-Msg-Id', 'x']])).json.error.err_code).toBe(10054)
  })

  test.each<[object, object, string]>([
    [{ discard: 'new', max_bytes: 100 }, {}, 'maximum bytes exceeded'],
    [{ retention: 'interest' }, {}, 'no consumer of DEAD wants dead.c'],
    [{}, { maxStorageBytes: 10 }, "the account's limit is reached"],
  ])('with %o and %o refuses', async (config, limits, why) => {
    const { found } = await target(config, limits)
    expect(found.refuses('dead.c', 200)).toBe(why)
  })

  test('that is sealed or deleted refuses', async () => {
    const { engine, found } = await target({})
    expect(found.refuses('dead.c', 200)).toBeUndefined()
    await engine.api('STREAM.UPDATE.DEAD', { name: 'DEAD', subjects: ['dead.>'], sealed: true })
    expect(found.refuses('dead.c', 200)).toBe('stream DEAD is sealed')
    await engine.api('STREAM.DELETE.DEAD')
    expect(found.refuses('dead.c', 200)).toBe('stream DEAD is gone')
  })
})
