import { expect, test } from 'vitest'
import type { Transport, TransportPeer } from '../broker/transport.ts'
import { InProcessTransport } from './in-process-transport.ts'

/** A broker's end that takes so many frames before it asks for a pause, and remembers everything. */
function brokerEnd(takesBeforePause = Number.POSITIVE_INFINITY) {
  const heard: string[] = []
  let ended = 0
  let transport: Transport | undefined
  const peer: TransportPeer = {
    received: () => true,
    receive: (bytes) => heard.push(Buffer.from(bytes).toString()) < takesBeforePause,
    drained: () => {},
    ended: () => {
      ended++
    },
  }
  const attach = (given: Transport): TransportPeer => {
    transport = given
    return peer
  }
  return {
    attach,
    heard,
    ended: () => ended,
    write: (text: string) => transport?.write([Buffer.from(text)]),
    transport: () => transport as Transport,
  }
}

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
/** Microtasks that are ready have run. */
const soon = async (): Promise<void> => {
  for (let i = 0; i < 5; i++) await Promise.resolve()
}

test('frames arrive in order, on both sides, and never within the call that sent them', async () => {
  const broker = brokerEnd()
  const client = new InProcessTransport(broker.attach)
  await client.connect()
  client.send(bytes('one'))
  client.send(bytes('two'))
  expect(broker.heard).toEqual([])
  await soon()
  expect(broker.heard).toEqual(['one', 'two'])
  broker.write('INFO {}')
  broker.write('PONG')
  broker.transport().end()
  const read: string[] = []
  for await (const frame of client) read.push(Buffer.from(frame).toString())
  expect(read).toEqual(['INFO {}', 'PONG'])
})

test('what the client gets is a copy', async () => {
  const broker = brokerEnd()
  const client = new InProcessTransport(broker.attach)
  await client.connect()
  const stored = Buffer.from('stored')
  broker.transport().write([stored])
  const { value } = await client[Symbol.asyncIterator]().next()
  ;(value as Uint8Array).fill(0)
  expect(stored.toString()).toBe('stored')
})

test('a broker that asks for a pause gets nothing until it resumes', async () => {
  const broker = brokerEnd(2)
  const client = new InProcessTransport(broker.attach)
  await client.connect()
  for (const text of ['one', 'two', 'three', 'four']) client.send(bytes(text))
  await soon()
  expect(broker.heard).toEqual(['one', 'two'])
  broker.transport().resume()
  await soon()
  expect(broker.heard).toEqual(['one', 'two', 'three'])
})

test('close delivers what was sent before, and tells the broker once', async () => {
  const broker = brokerEnd()
  const client = new InProcessTransport(broker.attach)
  await client.connect()
  client.send(bytes('last words'))
  await client.close()
  await client.close()
  expect(broker.heard).toEqual(['last words'])
  expect(broker.ended()).toBe(1)
  expect(await client.closed()).toBeUndefined()
  client.send(bytes('too late'))
  await soon()
  expect(broker.heard).toEqual(['last words'])
})

test.each(['end', 'destroy'] as const)(
  'a broker that goes (%s) ends the client, and hears that it left',
  async (how) => {
    const broker = brokerEnd()
    const client = new InProcessTransport(broker.attach)
    await client.connect()
    broker.transport()[how]()
    await client.closed()
    await soon()
    expect(client.isClosed).toBe(true)
    expect(broker.ended()).toBe(1)
  },
)

test('discard is silent for the client, and not for the broker', async () => {
  const broker = brokerEnd()
  const client = new InProcessTransport(broker.attach)
  await client.connect()
  let told = false
  void client.closed().then(() => {
    told = true
  })
  client.discard()
  await soon()
  expect([told, broker.ended()]).toEqual([false, 1])
})

test('a server that is not there refuses the dial', async () => {
  const client = new InProcessTransport(() => {
    throw new Error('down')
  })
  await expect(client.connect()).rejects.toThrow('down')
})
