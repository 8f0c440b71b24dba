/** In one process: start Headwater, publish the first message, consume it, close. Sends the milliseconds of the last, warm time. */
import { jetstream, jetstreamManager } from '@nats-io/jetstream'
import { Headwater } from 'headwater'

const WARM_UPS = 5

let tookMs = 0
for (let time = 0; time <= WARM_UPS; time++) tookMs = await firstMessage()
process.send?.({ tookMs })

async function firstMessage(): Promise<number> {
  const startMs = performance.now()
  const headwater = await Headwater.start()
  const nc = await headwater.connect()
  const jsm = await jetstreamManager(nc, { checkAPI: false })
  await jsm.streams.add({ name: 'FIRST', subjects: ['first'] })
  await jsm.consumers.add('FIRST', { durable_name: 'c', ack_policy: 'explicit' })
  const js = jetstream(nc)
  await js.publish('first', 'hello')
  const consumer = await js.consumers.get('FIRST', 'c')
  const message = await consumer.next({ expires: 1000 })
  message?.ack()
  const took = performance.now() - startMs
  await nc.close()
  await headwater.close()
  if (message === null) throw new Error('the first message did not come')
  return took
}
