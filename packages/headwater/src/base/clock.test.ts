import { once } from 'node:events'
import { type AddressInfo, connect, createServer } from 'node:net'
import { MessageChannel } from 'node:worker_threads'
import { expect, onTestFinished, test } from 'vitest'
import { SystemClock } from './clock.ts'

function stall(ms: number): void {
  for (const end = performance.now() + ms; performance.now() < end; ) {}
}

test('after a stall, what lies in the sockets is read before timers fire', async () => {
  const clock = new SystemClock()
  const server = createServer().listen(0, '127.0.0.1')
  onTestFinished(() => void server.close())
  await once(server, 'listening')
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1')
  const [socket] = await once(server, 'connection')
  onTestFinished(() => void client.destroy())
  const order: string[] = []
  socket.on('data', () => order.push('read'))
  await new Promise<void>((resolve) => {
    clock.after(5, () => {
      order.push('timer')
      resolve()
    })
    setImmediate(() => {
      client.write('x')
      stall(50)
    })
  })
  expect(order).toEqual(['read', 'timer'])
})

test('a timer that nothing else wakes fires by itself, once, and not after it was cancelled', async () => {
  const clock = new SystemClock()
  // Keeps the loop alive and never wakes it.
  const { port1: keepAlive } = new MessageChannel()
  keepAlive.on('message', () => {})
  onTestFinished(() => keepAlive.close())
  let cancelled = 0
  const timer = clock.after(1, () => cancelled++)
  timer.cancel()
  const startMs = clock.now()
  let fired = 0
  // Both are due: the first one cancels the second.
  clock.after(5, () => late.cancel())
  const late = clock.after(5, () => cancelled++)
  stall(10)
  await new Promise<void>((resolve) => {
    clock.after(20, () => {
      fired++
      resolve()
    })
  })
  expect([fired, cancelled]).toEqual([1, 0])
  expect(clock.now() - startMs).toBeGreaterThanOrEqual(20)
})

test('never steps back, and does not follow the wall clock', async () => {
  const real = Date.now
  onTestFinished(() => {
    Date.now = real
  })
  const clock = new SystemClock()
  const before = clock.now()
  for (const hours of [-5, 7]) {
    Date.now = () => real() + hours * 3_600_000
    const now = clock.now()
    expect(now).toBeGreaterThanOrEqual(before)
    expect(now - before).toBeLessThan(60_000)
  }
})
