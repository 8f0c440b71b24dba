/** Request and reply over the built-in NATS transport: the answer is given once the order is in the stream. */
import { Controller, Inject } from '@nestjs/common'
import { MessagePattern, Payload } from '@nestjs/microservices'
import type { Order } from '../orders.ts'
import { JetStreamService } from './jet-stream.service.ts'

@Controller()
export class OrdersController {
  readonly #jetStream: JetStreamService

  constructor(@Inject(JetStreamService) jetStream: JetStreamService) {
    this.#jetStream = jetStream
  }

  @MessagePattern('orders.create')
  async createOrder(@Payload() order: Order): Promise<{ seq: number }> {
    return { seq: await this.#jetStream.publishOrder(order) }
  }
}
