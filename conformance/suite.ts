/** The whole suite: every group of cases, in the order of reading. */
import { coreClient } from './clients/core-client.ts'
import { jetstreamClient } from './clients/jetstream-client.ts'
import { kv } from './clients/kv.ts'
import { nats2 } from './clients/nats-2.ts'
import { natsCli } from './clients/nats-cli.ts'
import { objectStore } from './clients/object-store.ts'
import { services } from './clients/services.ts'
import { auth } from './core/auth.ts'
import { connect } from './core/connect.ts'
import { errors } from './core/errors.ts'
import { headers } from './core/headers.ts'
import { info } from './core/info.ts'
import { lameDuck } from './core/lame-duck.ts'
import { limits } from './core/limits.ts'
import { pubsub } from './core/pubsub.ts'
import { acks } from './jetstream/acks.ts'
import { advisories } from './jetstream/advisories.ts'
import { consumerApi } from './jetstream/consumer-api.ts'
import { consumerConfig } from './jetstream/consumer-config.ts'
import { consumerUpdate } from './jetstream/consumer-update.ts'
import { deadLetters } from './jetstream/dead-letters.ts'
import { dedupe } from './jetstream/dedupe.ts'
import { delivery } from './jetstream/delivery.ts'
import { later } from './jetstream/later.ts'
import { messages } from './jetstream/messages.ts'
import { positions } from './jetstream/positions.ts'
import { publish } from './jetstream/publish.ts'
import { pull } from './jetstream/pull.ts'
import { purge } from './jetstream/purge.ts'
import { push } from './jetstream/push.ts'
import { redelivery } from './jetstream/redelivery.ts'
import { restart } from './jetstream/restart.ts'
import { retention } from './jetstream/retention.ts'
import { streamApi } from './jetstream/stream-api.ts'
import { streamConfig } from './jetstream/stream-config.ts'
import { streamUpdate } from './jetstream/stream-update.ts'
import type { Group } from './support/case.ts'

export const groups: readonly Group[] = [
  info,
  connect,
  pubsub,
  headers,
  errors,
  limits,
  auth,
  lameDuck,
  streamConfig,
  streamApi,
  streamUpdate,
  purge,
  messages,
  publish,
  dedupe,
  retention,
  consumerConfig,
  consumerUpdate,
  consumerApi,
  pull,
  delivery,
  positions,
  push,
  acks,
  redelivery,
  advisories,
  restart,
  later,
  deadLetters,
  coreClient,
  jetstreamClient,
  kv,
  objectStore,
  services,
  nats2,
  natsCli,
]
