/** The parts that one consumer is made of, as they know each other. Made in consumer.ts; `settings` and `push` may change. */
import type { ConsumerProgress } from '../../store/consumer-progress.ts'
import type { Environment } from '../environment.ts'
import type { AckReplies } from './ack-replies.ts'
import type { ConsumerSettings } from './consumer-settings.ts'
import type { Delivery } from './delivery.ts'
import type { ConsumerHost } from './host.ts'
import type { Inactivity } from './inactivity.ts'
import type { Notices } from './notices.ts'
import type { PullQueue } from './pull.ts'
import type { PushChannel } from './push.ts'
import type { Settlement } from './settlement.ts'

export interface ConsumerParts {
  readonly name: string
  readonly env: Environment
  readonly host: ConsumerHost
  readonly progress: ConsumerProgress
  readonly delivery: Delivery
  readonly settlement: Settlement
  readonly pulls: PullQueue
  readonly inactivity: Inactivity
  readonly notices: Notices
  readonly replies: AckReplies
  settings: ConsumerSettings
  /** Undefined for a pull consumer. */
  push: PushChannel | undefined
}
