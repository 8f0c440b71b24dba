/** The application: a controller on the built-in transport, and beside it the JetStream service with two competing workers. */
import { type DynamicModule, type INestMicroservice, Module } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import { type MicroserviceOptions, Transport } from '@nestjs/microservices'
import { connectOptions } from '../streams.ts'
import { FLOW, type Flow } from './flow.ts'
import { JetStreamService } from './jet-stream.service.ts'
import { OrdersController } from './orders.controller.ts'
import { OrdersProcessor } from './orders-processor.ts'

@Module({})
class OrdersModule {}

function ordersModule(flow: Flow): DynamicModule {
  const failed = new Set<string>()
  const workers = ['worker 1', 'worker 2'].map((name) => ({
    provide: name,
    inject: [JetStreamService],
    useFactory: (jetStream: JetStreamService) => new OrdersProcessor(flow, jetStream, failed),
  }))
  return {
    module: OrdersModule,
    controllers: [OrdersController],
    providers: [{ provide: FLOW, useValue: flow }, JetStreamService, ...workers],
  }
}

/** Starts it; `close()` on the result lets the workers finish. */
export async function startApplication(flow: Flow, options: { verbose: boolean }): Promise<INestMicroservice> {
  const application = await NestFactory.createMicroservice<MicroserviceOptions>(ordersModule(flow), {
    transport: Transport.NATS,
    options: { ...connectOptions, servers: flow.servers, queue: 'orders-service' },
    logger: options.verbose ? undefined : false,
  })
  await application.listen()
  return application
}
