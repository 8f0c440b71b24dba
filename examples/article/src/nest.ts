/** The printed main.ts and orders.controller.ts together, on the NestJS of the order flow. */
import { createRequire } from 'node:module'
import { connect } from '@nats-io/transport-node'
import type { ClientVersion } from './printed.ts'
import { runPrinted } from './printed.ts'
import type { Server } from './printed-scenarios.ts'

const fromOrders = createRequire(new URL('../../orders/package.json', import.meta.url))

interface NestApp {
  close(): Promise<void>
}

/** Starts the printed service and asks it for an order. */
export async function runNest(server: Server, client: ClientVersion): Promise<string> {
  const { Module } = fromOrders('@nestjs/common') as { Module: (of: object) => (target: object) => void }
  const { NestFactory } = fromOrders('@nestjs/core') as {
    NestFactory: { createMicroservice(...given: unknown[]): Promise<NestApp & { listen(): Promise<void> }> }
  }
  const { OrdersController } = await runPrinted('orders.controller.ts', { url: server.url, client })
  class AppModule {}
  Module({ controllers: [OrdersController] })(AppModule)
  let tell: (app: NestApp) => void = () => {}
  const listening = new Promise<NestApp>((resolve) => {
    tell = resolve
  })
  // As printed, bootstrap() is not awaited and keeps its application for itself: it is caught on its way.
  const factory = {
    createMicroservice: async (module: unknown, options: object) => {
      const app = await NestFactory.createMicroservice(module, { ...options, logger: false })
      return {
        listen: async () => {
          await app.listen()
          tell(app)
        },
      }
    },
  }
  const modules = { './app.module': { AppModule }, '@nestjs/core': { NestFactory: factory } }
  await runPrinted('main.ts', { url: server.url, client, modules })
  const app = await listening
  const nc = await connect({ servers: server.url })
  try {
    const request = JSON.stringify({ id: '1', pattern: 'orders.create', data: { id: 1 } })
    const answers: string[] = []
    const all = await nc.requestMany('orders.create', request, { strategy: 'count', maxMessages: 2, maxWait: 5000 })
    for await (const answer of all) answers.push(answer.string())
    const byStream = answers.find((text) => text.includes('"seq"'))
    const byService = answers.find((text) => text.includes('err'))
    const { err } = JSON.parse(byService ?? '{}') as { err?: { message: string } }
    return `orders.create lies in orders.>, so the stream answers it too: ${byStream}; the service answers "${err?.message}": ordersService was never injected`
  } finally {
    await nc.close()
    await app.close()
  }
}
