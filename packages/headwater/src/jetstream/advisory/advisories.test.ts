import { describe, expect, test } from 'vitest'
import { TestEngine } from '../testing/engine.ts'

function listen(engine: TestEngine, subject: string): { subject: string; event: Record<string, unknown> }[] {
  const heard: { subject: string; event: Record<string, unknown> }[] = []
  engine.bus.listen(subject, (message) => {
    heard.push({ subject: message.subject, event: JSON.parse(new TextDecoder().decode(message.payload)) })
  })
  return heard
}

describe('advisories', () => {
  test('tell of streams that come, change and go', async () => {
    const engine = new TestEngine()
    const heard = listen(engine, '$JS.EVENT.ADVISORY.STREAM.>')
    await engine.api('STREAM.CREATE.S', { name: 'S' })
    await engine.api('STREAM.UPDATE.S', { name: 'S', max_msgs: 5 })
    await engine.api('STREAM.DELETE.S')
    engine.endTurns()
    expect(heard.map(({ subject, event }) => [subject, event.action])).toEqual([
      ['$JS.EVENT.ADVISORY.STREAM.CREATED.S', 'create'],
      ['$JS.EVENT.ADVISORY.STREAM.UPDATED.S', 'modify'],
      ['$JS.EVENT.ADVISORY.STREAM.DELETED.S', 'delete'],
    ])
    expect(heard[0].event).toEqual({
      type: 'io.nats.jetstream.advisory.v1.stream_action',
      id: expect.stringMatching(/^[0-9A-Za-z]{22}$/),
      timestamp: '2026-01-01T00:00:00Z',
      stream: 'S',
      action: 'create',
    })
    expect(new Set(heard.map(({ event }) => event.id)).size).toBe(3)
  })

  test('audit every call, good or bad, and only for who listens', async () => {
    const engine = new TestEngine()
    await engine.api('STREAM.NAMES')
    const heard = listen(engine, '$JS.EVENT.ADVISORY.API')
    const { text } = await engine.api('STREAM.INFO.S', '{"offset":1}')
    await engine.api('NOTHING')
    expect(heard.map(({ event }) => event.subject)).toEqual(['$JS.API.STREAM.INFO.S', '$JS.API.NOTHING'])
    expect(heard[0].event).toMatchObject({
      type: 'io.nats.jetstream.advisory.v1.api_audit',
      server: 'test',
      client: { acc: '$G' },
      request: '{"offset":1}',
      response: text,
    })
  })

  test('about a stream come after the reply, so that it does not hold its own', async () => {
    const engine = new TestEngine()
    const { json } = await engine.api('STREAM.CREATE.S', { name: 'S', subjects: ['$JS.EVENT.ADVISORY.>'] })
    expect(json.state.messages).toBe(0)
    engine.endTurns()
    expect((await engine.api('STREAM.INFO.S')).json.state.messages).toBeGreaterThan(0)
  })
})
