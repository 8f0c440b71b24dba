/** Creates, updates and recovers the consumers of a stream: every check first, then everything in one turn. */
import { parseTime, timeFromMs } from '../../base/time.ts'
import type { ConsumerLog } from '../../store/stream-log.ts'
import { consumerAction, emitAdvisory } from '../advisory/advisories.ts'
import { ApiError, apiErrors } from '../api/errors.ts'
import type { Environment } from '../environment.ts'
import type { Stream } from '../stream/stream.ts'
import { Consumer } from './consumer.ts'
import { type ConsumerConfig, type ConsumerConfigRequest, nameOf, normalConfig, sameConfig } from './consumer-config.ts'
import { withDefaults } from './consumer-defaults.ts'
import { MemoryConsumerLog } from './consumer-log.ts'
import { checkConsumerConfig, checkWorkQueue, checkWorkQueuePartition, NAME_BYTES_MAX } from './consumer-rules.ts'
import { settingsOf } from './consumer-settings.ts'
import { checkUpdate } from './consumer-update.ts'
import { checkDeadLetter, mergeDeadLetter } from './dead-letter-config.ts'
import { startSeq } from './start-position.ts'
import { decodeStored, encodeStored, type StoredConsumer } from './stored-consumer.ts'
import { suspectThrough } from './unrecorded.ts'

export interface CreateRequest {
  readonly config: ConsumerConfigRequest
  /** '' creates or updates. */
  readonly action: '' | 'create' | 'update'
  readonly pedantic: boolean
}

const NAME_DIGITS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
const NAME_LENGTH = 8

/** Creates the consumer or changes the one of that name. Throws (or rejects with) ApiError. */
export function createConsumer(env: Environment, stream: Stream, request: CreateRequest): Consumer | Promise<Consumer> {
  const { config } = request
  if (config.deliver_policy !== 'by_start_time' || !config.opt_start_time) return create(env, stream, request, 0)
  const time = parseTime(config.opt_start_time)
  if (!time) throw new ApiError(apiErrors.invalidJSON(`parsing time ${JSON.stringify(config.opt_start_time)}`))
  // The one answer that takes time is asked for first: from there on nothing waits between checking and changing.
  return stream.log.seqAt(time).then((seq) => create(env, stream, request, seq))
}

/** The consumers that the store kept, added to their stream; `open` them once all streams are there. */
export function recoverConsumers(env: Environment, stream: Stream, unclean: boolean): Consumer[] {
  const consumers: Consumer[] = []
  for (const log of stream.log.consumers()) {
    const stored = unclean ? suspecting(stream, log, decodeStored(log.config)) : decodeStored(log.config)
    const consumer = new Consumer(env, stream, log, stored, { suspectSeq: stored.suspectSeq ?? 0 })
    stream.addConsumer(consumer, log)
    consumers.push(consumer)
  }
  return consumers
}

/** After an unclean stop: with what may have been delivered unrecorded, which is kept until it was delivered again. */
function suspecting(stream: Stream, log: ConsumerLog, former: StoredConsumer): StoredConsumer {
  const suspectSeq = Math.max(suspectSeqOf(stream, log, former), former.suspectSeq ?? 0)
  const stored = { ...former, suspectSeq }
  const isNews = suspectSeq > log.progress.delivered.streamSeq && suspectSeq !== former.suspectSeq
  if (isNews && former.config.ack_policy !== 'none') log.setConfig(encodeStored(stored))
  return stored
}

/** The last message that may have been delivered without a record before the process ended uncleanly. */
function suspectSeqOf(stream: Stream, log: ConsumerLog, { config, lastPerSubjectUpTo }: StoredConsumer): number {
  // A snapshot passes over messages that match: counting those would fall short.
  if (lastPerSubjectUpTo !== undefined) return stream.log.state.lastSeq
  const filter = filterOf(stream, config)
  const { maxAckPending } = settingsOf(config)
  const seq = suspectThrough(stream.log, filter, log.progress.delivered.streamSeq, maxAckPending)
  filter?.close()
  return seq
}

function create(env: Environment, stream: Stream, request: CreateRequest, timeSeq: number): Consumer {
  if (stream.isClosed) throw new ApiError(apiErrors.streamNotFound)
  const config = normalConfig(mergeDeadLetter(withDefaults(request.config, stream.config, request.pedantic)))
  checkConsumerConfig(config, stream.config, env.limits.replicas ?? 'refuse')
  const name = nameOf(config)
  const existing = name === undefined ? undefined : stream.consumer(name)
  if (existing instanceof Consumer) {
    change(env, stream, existing, config, request.action)
    return existing
  }
  if (request.action === 'update') throw new ApiError(apiErrors.consumerDoesNotExist)
  checkRoom(env, stream)
  if (stream.retention === 'workqueue') checkWorkQueue(config, filtersOfOthers(stream, name))
  if (new TextEncoder().encode(name ?? '').length > NAME_BYTES_MAX) {
    throw new ApiError(apiErrors.consumerNameTooLong(NAME_BYTES_MAX))
  }
  checkDeadLetter(config, stream, stream.config)

  const filter = filterOf(stream, config)
  const first = startSeq(stream.log, filter, config, timeSeq)
  filter?.close()
  // With one message a subject the snapshot is the stream itself.
  const snapshot = config.deliver_policy === 'last_per_subject' && stream.config.max_msgs_per_subject !== 1
  const stored: StoredConsumer = {
    name: name ?? freeName(env, stream),
    created: timeFromMs(env.clock.now()),
    config,
    ...(snapshot ? { lastPerSubjectUpTo: stream.log.state.lastSeq } : {}),
  }
  const text = encodeStored(stored)
  const log: ConsumerLog = config.mem_storage ? new MemoryConsumerLog(text) : stream.log.createConsumer(text)
  const position = { consumerSeq: 0, streamSeq: first - 1 }
  log.record({ what: 'moved', delivered: position, ackFloor: position, clear: false }, 'now')
  const consumer = new Consumer(env, stream, log, stored, { suspectSeq: 0 })
  stream.addConsumer(consumer, log)
  // It begins when it is on disk, and after the reply that says so.
  stream.whenReadable(() => {
    emitAdvisory(env, consumerAction(stream.name, stored.name, 'create'))
    env.turn.atEnd(() => consumer.open())
  })
  return consumer
}

function change(
  env: Environment,
  stream: Stream,
  consumer: Consumer,
  config: ConsumerConfig,
  action: CreateRequest['action'],
): void {
  if (action === 'create' && !sameConfig(consumer.config, config)) throw new ApiError(apiErrors.consumerAlreadyExists)
  if (stream.retention === 'workqueue') checkWorkQueuePartition(config, filtersOfOthers(stream, consumer.name))
  checkUpdate(consumer.config, config, (subject) => env.bus.hasInterest(subject))
  if (sameConfig(consumer.config, config)) return
  checkDeadLetter(config, stream, stream.config)
  consumer.update(config)
}

function checkRoom(env: Environment, stream: Stream): void {
  const { max_consumers } = stream.config
  const { maxConsumers } = env.limits
  let most = max_consumers > 0 ? max_consumers : Number.POSITIVE_INFINITY
  if (maxConsumers > 0) most = Math.min(most, maxConsumers)
  if (stream.consumerCount >= most) throw new ApiError(apiErrors.maximumConsumersLimit)
}

function filtersOfOthers(stream: Stream, name: string | undefined): string[][] {
  return stream
    .consumers()
    .filter((other): other is Consumer => other instanceof Consumer && other.name !== name)
    .map((other) => [...other.filters])
}

function filterOf(stream: Stream, config: ConsumerConfig) {
  const filters = config.filter_subject ? [config.filter_subject] : (config.filter_subjects ?? [])
  return filters.length > 0 ? stream.log.filter(filters) : undefined
}

function freeName(env: Environment, stream: Stream): string {
  for (;;) {
    let name = ''
    for (let i = 0; i < NAME_LENGTH; i++) name += NAME_DIGITS[env.random.below(NAME_DIGITS.length)]
    if (!stream.consumer(name)) return name
  }
}
