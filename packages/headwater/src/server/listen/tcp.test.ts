import net from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import type { HeadwaterError } from '../../base/errors.ts'
import { chunksTaken } from '../../broker/arena.ts'
import { startBroker, type TestBroker } from './start-broker.case.ts'
import { listenTcp } from './tcp.ts'

describe('listenTcp', () => {
  let server: TestBroker
  afterEach(() => server.close())

  it('listens on loopback, on a free port', async () => {
    server = await startBroker()
    expect(server.listener.host).toBe('127.0.0.1')
    expect(server.port).toBeGreaterThan(0)
  })

  it('says that a port is in use, and what to do', async () => {
    server = await startBroker()
    const second = listenTcp({ port: server.port, accept: (transport) => server.broker.accept(transport) })
    await expect(second).rejects.toMatchObject({ code: 'HW_PORT_IN_USE' })
    await second.catch((error: HeadwaterError) => {
      expect(error.message).toContain(String(server.port))
      expect(error.hint).toContain('port 0')
      expect((error.cause as NodeJS.ErrnoException).code).toBe('EADDRINUSE')
    })
  })

  it('says that an address cannot be listened on', async () => {
    server = await startBroker()
    const listening = listenTcp({ host: '192.0.2.1', accept: (transport) => server.broker.accept(transport) })
    await expect(listening).rejects.toMatchObject({ code: 'HW_CONFIG' })
  })

  it.each([false, true])('answers who sends and ends its side at once (plain reads: %s)', async (plainReads) => {
    server = await startBroker({ plainReads })
    const socket = net.connect({ port: server.port, host: '127.0.0.1', allowHalfOpen: true })
    socket.end('CONNECT {"verbose":false}\r\nSUB a 1\r\nPUB a 5\r\nhello\r\nPING\r\n')
    let got = ''
    for await (const bytes of socket) got += String(bytes)
    expect(got.slice(got.indexOf('\r\n') + 2)).toBe('MSG a 1 5\r\nhello\r\nPONG\r\n')
  })

  it.each([false, true])('lets a peer that broke the protocol read why (plain reads: %s)', async (plainReads) => {
    server = await startBroker({ plainReads })
    const client = await server.client({})
    client.send('PUB a 2000000')
    client.write(Buffer.alloc(2_000_000))
    await client.expectClosed("-ERR 'Maximum Payload Violation'")
  })

  it.each([false, true])('ends every connection on close, after what waits (plain reads: %s)', async (plainReads) => {
    server = await startBroker({ plainReads })
    const clients = await Promise.all(Array.from({ length: 20 }, () => server.client({})))
    for (const client of clients) client.send('SUB a 1', 'PING')
    await Promise.all(clients.map((client) => client.expect('PONG')))
    server.broker.bus.publish('a', '', undefined, Buffer.from('bye'))
    await server.broker.close()
    await Promise.all(clients.map((client) => client.expectClosed('MSG a 1 3', 'bye')))
    expect(server.broker.stats.connections).toBe(0)
  })

  it.each([false, true])(
    'survives a peer that resets while much waits for it (plain reads: %s)',
    async (plainReads) => {
      server = await startBroker({ plainReads })
      const reader = await server.client({})
      const writer = await server.client({})
      reader.send('SUB a 1')
      await reader.expectNothing()
      reader.socket.pause()
      const frame = Buffer.from(`PUB a 60000\r\n${'x'.repeat(60_000)}\r\n`)
      for (let i = 0; i < 200; i++) writer.write(frame)
      // The server has stopped reading from the writer when bytes stay behind.
      await new Promise<void>((resolve) => {
        const look = (): void => {
          if ((server.broker.connection(1)?.outbox.pendingBytes ?? 0) > 1_000_000) resolve()
          else setImmediate(look)
        }
        look()
      })
      reader.socket.resetAndDestroy()
      await writer.expectNothing()
      expect(server.broker.stats.connections).toBe(1)
      expect(chunksTaken()).toBe(0)
    },
  )

  it.each([false, true])(
    'passes a flood to a reader that reads, in bounded memory (plain reads: %s)',
    async (plainReads) => {
      server = await startBroker({ plainReads })
      const reader = await server.client({})
      const writer = await server.client({})
      reader.send('SUB a 1')
      await reader.expectNothing()
      const body = 'y'.repeat(50_000)
      const count = 1_000
      let most = 0
      let got = 0
      const done = new Promise<void>((resolve) => {
        reader.socket.on('data', (bytes) => {
          got += bytes.length
          most = Math.max(most, server.broker.connection(1)?.outbox.pendingBytes ?? 0)
          if (got === count * `MSG a 1 50000\r\n${body}\r\n`.length) resolve()
        })
      })
      const frame = Buffer.from(`PUB a 50000\r\n${body}\r\n`)
      for (let i = 0; i < count; i++) {
        if (!writer.socket.write(frame)) await new Promise((resolve) => writer.socket.once('drain', resolve))
      }
      await done
      expect(most).toBeLessThan(8 * 1024 * 1024)
    },
  )
})
